/** Takes the pictures of docs/screens, and writes the index that shows them. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

import { test } from "../support/fixtures.ts";
import { text, type Key, type Lang } from "../support/texts.ts";
import { stretches } from "../support/tour.ts";
import { wholeVisit, type Look } from "../support/walk.ts";
import { taro } from "../support/people.ts";

const folder = resolve(import.meta.dirname, "../../docs/screens");

interface Picture {
  readonly file: string;
  readonly title: string;
  readonly width: number;
}

interface Chapter {
  readonly title: string;
  readonly about: string;
  readonly pictures: Picture[];
}

interface View {
  readonly id: string;
  readonly lang: Lang;
  readonly viewport: { width: number; height: number };
  /** Pictures are taken at half the size of the screen. */
  readonly scale: number;
  readonly stretches: readonly string[];
  /** Which screens; all when left out. */
  readonly only?: ReadonlySet<string>;
}

const portrait = { width: 1080, height: 1920 };
const landscape = { width: 1920, height: 1080 };

const selection = new Set([
  "top", "issue_kind", "issue_terms", "issue_card", "issue_name", "issue_birth", "issue_code", "issue_password", "issued",
  "card", "pin", "reserved", "apply_check", "applied", "goodbye", "apply_search",
]);

const views: readonly View[] = [
  { id: "ja", lang: "ja", viewport: portrait, scale: 0.5, stretches: Object.keys(stretches) },
  { id: "ja-wide", lang: "ja", viewport: landscape, scale: 0.5, stretches: ["visit", "typedApplication"], only: selection },
  { id: "en", lang: "en", viewport: portrait, scale: 0.5, stretches: ["visit", "typedApplication"], only: selection },
];

const chapters: Chapter[] = [];

/** The headline of a screen, for the index; names beside a step's own say what is special. */
function titleOf(name: string): string {
  const step = name.replace(/_(queued.*|problem|unreadable|completed|typed|wrong.*|one_left|line_down)$/, "");
  for (const key of [`step.${step}.title`, `${name.replace("_", ".")}.title`, `fault.${name.replace("trouble_", "")}.title`]) {
    try {
      return `${name}: ${text("en", key as Key)}`;
    } catch {
      // The next one fits.
    }
  }
  return name;
}

test.describe.configure({ mode: "serial" });

test.beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
});

for (const view of views) {
  test.describe(view.id, () => {
    test.use({ lang: view.lang, viewport: view.viewport, deviceScaleFactor: view.scale });

    const chapter: Chapter = {
      title: `${view.lang === "ja" ? "Japanese" : "English"}, ${view.viewport.width}x${view.viewport.height}`,
      about: view.only ? "A selection." : "Every screen, in the order in which a shopper can meet them.",
      pictures: [],
    };
    chapters.push(chapter);

    for (const name of view.stretches) {
      test(name, async ({ scene }) => {
        const walk = stretches[name];
        if (!walk) throw new Error(`no stretch ${name}`);
        const seen = new Set(chapter.pictures.map((p) => p.title));
        const look: Look = async (screen) => {
          const title = titleOf(screen);
          if (seen.has(title) || (view.only && !view.only.has(screen))) return;
          seen.add(title);
          const file = `${view.id}-${String(chapter.pictures.length + 1).padStart(2, "0")}-${screen.replaceAll("_", "-")}.png`;
          await scene.me.page.evaluate(() => document.fonts.ready);
          await scene.me.page.screenshot({ path: resolve(folder, file), animations: "disabled", caret: "hide" });
          chapter.pictures.push({ file, title, width: view.viewport.width > 1500 ? 480 : 270 });
        };
        await walk(scene, look);
      });
    }
  });
}

test.describe("around the kiosk", () => {
  for (const lang of ["ja", "en"] satisfies Lang[]) {
    test.describe(lang, () => {
      test.use({ lang });
      test("slips", async ({ scene }) => {
        const { dock } = scene;
        await wholeVisit(scene, taro);
        const chapter: Chapter = { title: `Slips, ${lang === "ja" ? "Japanese" : "English"}`, about: "As the printer's head draws them.", pictures: [] };
        chapters.push(chapter);
        for (const [i, name] of ["issuance", "reservation", "application"].entries()) {
          const file = `slip-${lang}-${name}.png`;
          writeFileSync(resolve(folder, file), await dock.slip(i + 1));
          chapter.pictures.push({ file, title: name, width: 230 });
        }
      });
    });
  }

  test.describe("for developers and operators", () => {
    test.use({ deviceScaleFactor: 0.75 });
    test("dock and console", async ({ scene, house, browser }) => {
      const { dock } = scene;
      await wholeVisit(scene, taro);
      await dock.put("taro");
      const chapter: Chapter = { title: "Dock and hub console", about: "For developers and operators.", pictures: [] };
      chapters.push(chapter);
      const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, deviceScaleFactor: 0.75, locale: "en-GB" });
      const page = await context.newPage();
      const take = async (url: string, name: string, title: string) => {
        await page.goto(url);
        await page.getByRole("main").waitFor();
        await page.evaluate(() => document.fonts.ready);
        const file = `${name}.png`;
        await page.screenshot({ path: resolve(folder, file), animations: "disabled" });
        chapter.pictures.push({ file, title, width: 480 });
      };
      await take(`http://${house.kioskd.address.http}/dock?lang=en`, "dock", "the dock plays the hardware");
      const hub = `http://${house.hubd.address.console}`;
      await take(`${hub}/`, "hub-kiosks", "kiosks");
      await take(`${hub}/submissions`, "hub-submissions", "submissions");
      await take(`${hub}/tests`, "hub-sandbox", "the sandbox and its messages");
      await context.close();
    });
  });
});

test.afterAll(() => {
  const lines = [
    "# The screens",
    "",
    "Pictures of the running product, taken by `make screens`: the real daemons with simulated hardware, driven through",
    "whole visits. Numbers, IDs and codes are the sandbox's. The screen is shown at half its size.",
    "",
  ];
  for (const { title, about, pictures } of chapters.filter((c) => c.pictures.length > 0)) {
    lines.push(`## ${title}`, "", about, "", "<p>");
    for (const p of pictures) lines.push(`<a href="${p.file}"><img src="${p.file}" width="${p.width}" alt="${p.title}" title="${p.title}"></a>`);
    lines.push("</p>", "");
  }
  writeFileSync(resolve(folder, "README.md"), lines.join("\n"));
});
