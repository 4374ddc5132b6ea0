/** What must hold for every screen that a shopper can see. */
import axe from "axe-core";
import { expect, type Page } from "@playwright/test";

import type { Contrast } from "../../ui/src/gen/snapshot.ts";

declare global {
  interface Window {
    axe?: typeof axe;
    /** Lets go of the theme that turned has put on the page. */
    unpin?: () => void;
  }
}

/** What axe looks for: everything, or what another theme alone can change. */
export type Barriers = "all" | "contrast";

/**
 * No barrier that axe calls serious or critical. axe is put into a page once and
 * asked for violations alone: a page of its own for every look, and a list of all
 * that passed, cost ten times the look itself.
 */
export async function expectAccessible(page: Page, name: string, barriers: Barriers): Promise<void> {
  if (!(await page.evaluate(() => window.axe !== undefined))) await page.evaluate(axe.source);
  const violations = await page.evaluate(async (barriers) => {
    if (!window.axe) throw new Error("axe is not in the page");
    const found = await window.axe.run(document, {
      resultTypes: ["violations"],
      ...(barriers === "contrast" ? { runOnly: { type: "rule" as const, values: ["color-contrast"] } } : {}),
    });
    if (found.passes.length + found.violations.length === 0) throw new Error("axe has looked at nothing");
    return found.violations.map(({ id, impact, nodes }) => ({ id, impact, at: nodes.map((n) => n.target.join(" ")).join(", ") }));
  }, barriers);
  const grave = violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => `${v.id}: ${v.at}`);
  expect(grave, `barriers on ${name}`).toEqual([]);
}

/**
 * Shows the screen that stands in another window and theme for as long as it is
 * examined. The theme goes on the page itself: a touch would change the screen, as
 * it does when the kiosk asks whether somebody is there.
 */
export async function turned(page: Page, to: { width: number; height: number }, contrast: Contrast, examine: () => Promise<void>): Promise<void> {
  const before = page.viewportSize();
  if (!before) throw new Error("a window without a size");
  const shown = await whatStands(page);
  await resize(page, to);
  await page.evaluate((theme) => {
    const root = document.documentElement;
    const own = root.dataset["theme"];
    const pin = () => {
      if (root.dataset["theme"] !== theme) root.dataset["theme"] = theme;
    };
    // A snapshot that comes meanwhile puts the shopper's own theme back.
    const observer = new MutationObserver(pin);
    observer.observe(root, { attributeFilter: ["data-theme"] });
    pin();
    window.unpin = () => {
      observer.disconnect();
      root.dataset["theme"] = own;
    };
  }, contrast);
  expect(await whatStands(page), "the same screen when it is turned").toEqual(shown);
  await examine();
  await expect(page.locator("html")).toHaveAttribute("data-theme", contrast);
  await page.evaluate(() => window.unpin?.());
  await resize(page, before);
}

async function resize(page: Page, to: { width: number; height: number }): Promise<void> {
  await page.setViewportSize(to);
  await page.waitForFunction((o) => document.documentElement.dataset["orientation"] === o, to.width < to.height ? "portrait" : "landscape");
}

/** The headline and what lies over it: a dialog must not go when the window is turned. */
function whatStands(page: Page): Promise<string[]> {
  return page.locator("h1, [role=dialog] h2, [role=alertdialog] h2").allInnerTexts();
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
    const button = control ? undefined : el.closest("button, [role=checkbox], [role=radio]")?.getBoundingClientRect();
    if (button && (box.top < button.top - 1 || box.bottom > button.bottom + 1)) faults.push(`${label(el)} reaches out of its button`);
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
