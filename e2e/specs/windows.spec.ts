import type { Locator, Page } from "@playwright/test";

import { echoWithinMs } from "../../ui/src/taps.ts";
import { expect, test } from "../support/fixtures.ts";
import { hanako, taro } from "../support/people.ts";
import { service } from "../support/texts.ts";
import { start, toCardNumber, toPhone } from "../support/walk.ts";
import { Visitor } from "../support/visitor.ts";

test.describe("windows", () => {
  test("a reload shows the same screen with what was typed", async ({ scene }) => {
    const { me } = scene;
    await start(me, "issue");
    await toCardNumber(scene);
    await me.type("4980");
    await me.page.reload();
    await me.at("issue_card");
    await expect(me.page.getByRole("group", { name: /4980/ })).toBeVisible();
  });

  test("the browser is closed and opened again in the middle of a visit", async ({ scene, browser, baseURL }) => {
    const { me } = scene;
    await start(me, "issue");
    await toCardNumber(scene);
    await toPhone(scene, hanako);
    await me.page.context().close();

    const context = await browser.newContext({ baseURL: baseURL ?? "", viewport: { width: 1080, height: 1920 } });
    const again = new Visitor(await context.newPage(), "ja");
    await again.page.goto("/");
    await again.at("issue_phone");
    await expect(again.page.getByRole("group", { name: new RegExp(hanako.phone) })).toBeVisible();
    await again.next("issue_phone");
    await again.at("issue_code");
    await context.close();
  });

  test("two windows show the same, and a touch in either counts", async ({ scene }) => {
    const { me, dock } = scene;
    const other = new Visitor(await me.page.context().newPage(), "ja");
    await other.page.goto("/");
    await other.at("top");
    await start(me, "issue");
    await other.at("issue_kind");
    await toCardNumber({ ...scene, me: other });
    await me.at("issue_card");
    await me.type("4980");
    await expect(other.page.getByRole("group", { name: /4980/ })).toBeVisible();
    await other.press("key.clear");
    await expect(me.page.getByRole("group", { name: /4980/ })).toHaveCount(0);
    await dock.put(taro.waon);
    await me.at("issue_name");
    await other.at("issue_name");
  });

  test("a double tap is harmless", async ({ scene }) => {
    const { me } = scene;
    await me.touchTwice(me.page.getByRole("button", { name: me.t("plan.issue.title") }));
    await me.at("issue_kind");
    await toCardNumber(scene);
    await me.type(hanako.card);
    await me.touchTwice(me.button(me.t("step.issue_card.next")));
    await me.at("issue_name");
    await me.type("アア アア");
    await me.touchTwice(me.button(me.t("step.issue_name.next")));
    await me.at("issue_birth");
    expect(me.trail.filter((step) => step === "issue_birth")).toHaveLength(1);
  });

  test("the second half of a double tap does nothing on the screen that the first has brought", async ({ scene }) => {
    const { me } = scene;
    const plan = me.page.getByRole("button", { name: me.t("plan.issue.title") });
    let tapped = await tapTwice(me.page, plan);
    while (tapped.gapMs >= echoWithinMs) { // a machine as slow as that has to try again
      await me.at("issue_terms");
      await me.press("bar.home");
      await me.at("goodbye");
      await me.next("goodbye");
      await me.at("top");
      tapped = await tapTwice(me.page, plan);
    }
    expect(tapped.under, "what lies under the second half").toContain(service("aeon-card-waon").name.ja);
    await toCardNumber(scene);
    expect(me.trail.filter((step) => step === "issue_terms")).toHaveLength(1);
  });
});

/** Taps where the target is, and once more at the same place as soon as another headline stands. */
async function tapTwice(page: Page, target: Locator): Promise<{ readonly gapMs: number; readonly under: string }> {
  const box = await target.boundingBox();
  if (!box) throw new Error("nothing to tap");
  return page.evaluate(async ({ x, y }) => {
    const tap = () => {
      const at = performance.now();
      const under = document.elementFromPoint(x, y)?.closest("button");
      for (const type of ["pointerdown", "pointerup"]) {
        under?.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerId: 1, clientX: x, clientY: y }));
      }
      return { at, under: under?.textContent ?? "" };
    };
    const headline = () => document.querySelector("h1")?.textContent;
    const before = headline();
    const first = tap();
    while (headline() === before) await new Promise(requestAnimationFrame);
    const second = tap();
    return { gapMs: second.at - first.at, under: second.under };
  }, { x: box.x + box.width / 2, y: box.y + box.height / 2 });
}
