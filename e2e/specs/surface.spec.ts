/** The kiosk's browser and nobody else; and nothing of a visit in the browser when it is over. */
import { chromium, type Page } from "@playwright/test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import type { Snapshot } from "../../ui/src/gen/snapshot.ts";
import { Daemon } from "../support/daemon.ts";
import { expect, test } from "../support/fixtures.ts";
import { hanako } from "../support/people.ts";
import { text } from "../support/texts.ts";
import { Visitor } from "../support/visitor.ts";
import { again, start, toCardNumber, toPhone, wholeVisit } from "../support/walk.ts";

interface KioskAddress {
  readonly http: string;
}

/** Every way in which a page can keep something beyond itself. */
async function stored(page: Page): Promise<unknown> {
  return page.evaluate(async () => ({
    local: localStorage.length,
    session: sessionStorage.length,
    cookies: document.cookie,
    databases: (await indexedDB.databases()).length,
    // Only pages that are served securely, and loopback, have the next two.
    caches: (await caches.keys()).length,
    workers: (await navigator.serviceWorker.getRegistrations()).length,
  }));
}

const nothing = { local: 0, session: 0, cookies: "", databases: 0, caches: 0, workers: 0 };

/** Where a folder holds a text, as UTF-8, as UTF-16, or within the Base64 of a longer one. */
function holding(folder: string, what: string): string[] {
  const inner = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), Buffer.from(what, "utf8")]);
    return whole.toString("base64").slice([0, 2, 3][shift], Math.floor((whole.length * 8) / 6)); // the ends depend on the neighbours
  });
  const forms = [Buffer.from(what, "utf8"), Buffer.from(what, "utf16le"), ...inner.filter((form) => form.length > 6).map((form) => Buffer.from(form))];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
    .filter((path) => {
      const content = readFileSync(path);
      return forms.some((form) => content.includes(form));
    });
}

test("only the browser that was opened with the token of this start sees the visit", async ({ browser }) => {
  const folder = mkdtempSync(join(tmpdir(), "kioskd-token-"));
  writeFileSync(join(folder, "kioskd.toml"), 'simulate = true\n[screen]\ntoken = "required"\n');
  const data = join(folder, "kiosk");
  const kioskd = new Daemon<KioskAddress>("kioskd", data, (again) => [
    "--config", join(folder, "kioskd.toml"), "--listen", again?.http ?? "127.0.0.1:0", "--enrolment", join(folder, "none.json"),
  ]);
  const first = "fault.not_enrolled.title"; // of the first screen: it has no hub
  const opened = () => pathToFileURL(join(data, "screen.html")).href;
  const context = await browser.newContext({ viewport: { width: 1080, height: 1920 } });
  try {
    const { http } = await kioskd.start();
    const me = new Visitor(await context.newPage(), "ja");
    await me.page.goto(opened());
    await me.at("top", first);
    await expect(me.page).toHaveURL(new RegExp(`^http://${http}/screen/\\w{26}/$`));
    await me.page.reload();
    await expect(me.heading(text("ja", first))).toBeVisible();

    const stranger = new Visitor(await context.newPage(), "ja");
    await stranger.page.goto(`http://${http}/`);
    await stranger.says("notice.lost.title");
    expect(stranger.snapshots).toEqual([]);

    await kioskd.kill();
    await kioskd.start();
    await me.says("notice.lost.title"); // calm, until the browser is opened anew
    const seen = me.snapshots.length;
    await me.page.reload();
    await me.says("notice.lost.title");
    expect(me.snapshots).toHaveLength(seen);
    await me.page.goto(opened());
    await me.at("top", first);
    expect(await stored(me.page)).toEqual(nothing);
  } finally {
    await context.close();
    await kioskd.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("nothing of a visit is left in the page, the browser's storage or its profile", async ({ scene, baseURL }) => {
  const profile = mkdtempSync(join(tmpdir(), "kioskd-profile-"));
  const { launchOptions } = test.info().project.use;
  const context = await chromium.launchPersistentContext(profile, {
    // The whole browser, as on a kiosk: the shell of the other tests keeps less.
    ...launchOptions, executablePath: "/usr/bin/chromium", baseURL: baseURL ?? "", viewport: { width: 1080, height: 1920 }, reducedMotion: "reduce",
  });
  const who = { ...hanako, name: "ヌヴォ ゾギュリ", phone: "08077134862", password: "Zanzibar77q" };
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    const me = new Visitor(page, "ja");
    const mine = { ...scene, me };
    // What is typed in secret is nowhere while it is being typed, either.
    const secrets = [who.password, `"${who.pin}"`, `=${who.pin}`];
    const looked = new Set<string>();
    const early: string[] = [];
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => {
        const { screen } = JSON.parse(payload.toString()) as Partial<Snapshot>;
        if (screen?.step !== "pin" && screen?.step !== "issue_password") return;
        const typed = "count" in screen ? screen.count : 0;
        if (typed < 4 || looked.has(screen.step)) return;
        looked.add(screen.step);
        early.push(...secrets.flatMap((secret) => holding(profile, secret)));
      }),
    );
    await me.arrive();
    // What the search must be able to find: a text that a page has stored.
    await page.evaluate(() => {
      localStorage.setItem("proof", "marker-that-is-found");
      localStorage.setItem("proof64", btoa("and the marker-within-base64, too"));
    });
    await wholeVisit(mine, who);
    expect([...looked].sort()).toEqual(["issue_password", "pin"]);
    expect(early).toEqual([]);
    await again(mine);
    await start(me, "issue");
    await toCardNumber(mine);
    await toPhone(mine, who);
    await me.press("bar.home");
    await me.press("overlay.home.yes");
    await me.at("goodbye");
    await again(mine);

    const dom = await page.evaluate(() => document.documentElement.outerHTML + JSON.stringify(history.state));
    const screens = me.snapshots.map((s) => s.screen);
    const issued = screens.find((screen) => screen.kind === "issued");
    const reserved = screens.find((screen) => screen.kind === "reserved" && screen.mykey_id !== "");
    const marks = [who.name, who.phone, who.password, who.card, ...(issued?.fields ?? []).map((field) => field.value)];
    expect(marks.length).toBeGreaterThan(5);
    if (reserved?.kind !== "reserved") throw new Error("no screen showed a MyKey ID");
    marks.push(reserved.mykey_id);
    marks.push(`"${who.pin}"`, `=${who.pin}`); // four digits alone are found everywhere
    expect(marks.filter((mark) => dom.includes(mark))).toEqual([]);
    expect(await stored(page)).toEqual({ ...nothing, local: 2 });
    await context.close();
    for (const proof of ["marker-that-is-found", "marker-within-base64"]) expect(holding(profile, proof), proof).not.toEqual([]);
    for (const mark of marks) expect(holding(profile, mark), `the profile holds ${mark}`).toEqual([]);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
});
