/** What must hold for every screen that a shopper can see. */
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** No barrier that axe calls serious or critical. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
  expect(grave, `barriers on ${name}`).toEqual([]);
}

/** Nothing scrolls sideways, nothing lies outside the screen, no text is cut off. */
export async function expectWhole(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  expect(await page.evaluate(faultsOfLayout), `layout of ${name}`).toEqual([]);
}

/** Runs in the page. */
function faultsOfLayout(): string[] {
  const faults: string[] = [];
  const { innerWidth: width, innerHeight: height } = window;
  const page = document.documentElement;
  if (page.scrollWidth > width) faults.push(`the page is ${page.scrollWidth} px wide on a screen of ${width}`);
  if (page.scrollHeight > height) faults.push(`the page is ${page.scrollHeight} px high on a screen of ${height}`);

  const label = (el: Element) => `${el.tagName.toLowerCase()}.${el.className} "${(el.textContent ?? "").trim().slice(0, 40)}"`;
  const scrolls = (el: Element) => /auto|scroll/.test(getComputedStyle(el).overflowY);
  for (const el of document.body.querySelectorAll<HTMLElement>("*")) {
    if (el.closest("svg")) continue;
    const box = el.getBoundingClientRect();
    const style = getComputedStyle(el);
    if (box.width <= 1 || box.height <= 1 || style.visibility === "hidden" || style.opacity === "0") continue;
    const ownText = [...el.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && (n.textContent ?? "").trim() !== "");
    const control = el.matches("button, [role=checkbox], [role=radio], a, input");
    if (!ownText && !control) continue;

    const paper = el.parentElement?.closest("*") ? [...ancestors(el)].find(scrolls) : undefined;
    if (box.left < -0.5 || box.right > width + 0.5) faults.push(`${label(el)} reaches beyond the side`);
    if (!paper && (box.top < -0.5 || box.bottom > height + 0.5)) faults.push(`${label(el)} reaches beyond the edge`);
    if (el.scrollWidth > el.clientWidth + 1 && style.display !== "inline" && !scrolls(el)) faults.push(`${label(el)} is too wide for its box`);
    if (style.textOverflow === "ellipsis" && el.scrollWidth > el.clientWidth) faults.push(`${label(el)} is cut with an ellipsis`);
    for (const frame of ancestors(el)) {
      const clip = getComputedStyle(frame);
      if (!/hidden|clip/.test(clip.overflowX + clip.overflowY) || scrolls(frame)) continue;
      const edge = frame.getBoundingClientRect();
      if (box.right > edge.right + 1 || box.left < edge.left - 1 || box.bottom > edge.bottom + 1 || box.top < edge.top - 1) {
        faults.push(`${label(el)} is cut by ${frame.tagName.toLowerCase()}.${frame.className}`);
      }
    }
  }
  return [...new Set(faults)];

  function* ancestors(el: Element): Generator<Element> {
    for (let up = el.parentElement; up && up !== document.body; up = up.parentElement) yield up;
  }
}
