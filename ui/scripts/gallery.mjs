// Draws the gallery in headless Chromium, measures every screen and saves pictures.
//
//   node scripts/gallery.mjs [--out DIR] [--only REGEX] [--langs ja,en] [--sizes 1] [--contrasts normal]
//                            [--shapes portrait,landscape] [--axe]
//
// It fails when text is cut, something overflows, a target is too small or axe finds a violation.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { createServer } from "vite";

const shapes = { portrait: [1080, 1920], landscape: [1920, 1080], laptop: [1280, 800] };

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    only: { type: "string", default: "." },
    langs: { type: "string", default: "ja,en" },
    sizes: { type: "string", default: "1" },
    contrasts: { type: "string", default: "normal" },
    shapes: { type: "string", default: "portrait,landscape" },
    axe: { type: "boolean", default: false },
  },
});

const axeSource = values.axe ? readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8") : "";
const server = await createServer({ root: resolve(import.meta.dirname, ".."), server: { port: 0, host: "127.0.0.1" }, logLevel: "error" });
await server.listen();
const address = server.httpServer?.address();
if (address === null || typeof address !== "object") throw new Error("cannot learn the gallery's address");
const base = `http://127.0.0.1:${address.port}/gallery.html`;

const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium-headless-shell",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--font-render-hinting=none"],
});

/** Runs in the page: what a person would not want to see in a shop. */
function measure() {
  const u = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--u"));
  const found = [];
  const name = (el) => `${el.tagName.toLowerCase()}.${[...el.classList].join(".")} "${(el.textContent ?? "").slice(0, 24)}"`;
  const view = document.querySelector(".notice") ?? document.querySelector(".panel") ?? document.querySelector(".app");
  for (const el of view.querySelectorAll("*")) {
    const box = el.getBoundingClientRect();
    if (box.width === 0 || box.height === 0 || el.classList.contains("unseen") || el.closest(".unseen")) continue;
    if (el.closest("svg") && el.tagName !== "svg") continue;
    if (box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.left < -1 || box.top < -1) {
      if (!el.closest(".paper")) found.push(`outside the screen: ${name(el)}`);
    }
    const button = el.closest("button");
    if (el.tagName === "BUTTON") {
      if (box.width < 64 * u - 1 || box.height < 64 * u - 1) found.push(`small target ${Math.round(box.width / u)}x${Math.round(box.height / u)}u: ${name(el)}`);
      if (el.scrollWidth > el.clientWidth + 1 || el.scrollHeight > el.clientHeight + 1) found.push(`text does not fit: ${name(el)}`);
    } else if (!button && !el.classList.contains("paper") && getComputedStyle(el).overflow === "hidden" && el.scrollWidth > el.clientWidth + 1) {
      found.push(`cut: ${name(el)}`);
    }
  }
  const main = document.querySelector("main")?.getBoundingClientRect();
  for (const el of document.querySelectorAll("main .say > *, main .act > *, main .say-words > *")) {
    const box = el.getBoundingClientRect();
    if (box.height > 0 && main && box.bottom > main.bottom + 1) found.push(`runs ${Math.round((box.bottom - main.bottom) / u)}u below the body: ${name(el)}`);
  }
  const say = document.querySelector("main .say")?.getBoundingClientRect();
  const words = document.querySelector("main .say-words");
  if (say && words && words.getBoundingClientRect().bottom > say.bottom + 1 && document.documentElement.dataset["orientation"] === "portrait") {
    found.push(`the explaining half is squeezed by ${Math.round((words.getBoundingClientRect().bottom - say.bottom) / u)}u`);
  }
  const kids = [...document.querySelectorAll("main .act > *, main .typing > *")];
  for (const [i, el] of kids.entries()) {
    const next = kids[i + 1];
    if (!next || next.parentElement !== el.parentElement) continue;
    const over = el.getBoundingClientRect().bottom - next.getBoundingClientRect().top;
    if (over > 1) found.push(`overlaps the next by ${Math.round(over / u)}u: ${name(el)}`);
  }
  const typing = document.querySelector(".typing");
  if (typing) {
    const last = typing.lastElementChild.getBoundingClientRect().bottom;
    const over = last - typing.getBoundingClientRect().bottom;
    if (over > 1) found.push(`the field runs ${Math.round(over / u)}u into the keyboard`);
  }
  return found;
}

let bad = 0;
try {
  for (const shape of values.shapes.split(",")) {
    const [width, height] = shapes[shape];
    const page = await browser.newPage({ viewport: { width, height }, reducedMotion: "reduce" });
    await page.goto(base);
    const names = (await page.locator("a").allTextContents()).filter((n) => new RegExp(values.only).test(n));
    for (const lang of values.langs.split(",")) {
      for (const size of values.sizes.split(",")) {
        for (const contrast of values.contrasts.split(",")) {
          for (const name of names) {
            await page.goto(`${base}?screen=${name}&lang=${lang}&size=${size}&contrast=${contrast}`);
            await page.waitForSelector("body[data-ready]");
            await page.evaluate(() => document.fonts.ready);
            const found = await page.evaluate(measure);
            if (values.axe) {
              await page.evaluate(axeSource);
              const result = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
              for (const v of result.violations) found.push(`axe ${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`);
            }
            for (const f of found) console.log(`${shape} ${lang} size ${size} ${contrast} ${name}: ${f}`);
            bad += found.length;
            if (values.out) {
              const dir = join(values.out, `${shape}-${lang}-${size}-${contrast}`);
              mkdirSync(dir, { recursive: true });
              await page.screenshot({ path: join(dir, `${name}.png`) });
            }
          }
        }
      }
    }
    await page.close();
  }
} finally {
  await browser.close();
  await server.close();
}
console.log(`${bad} findings`);
process.exit(bad === 0 ? 0 : 1);
