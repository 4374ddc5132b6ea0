import { expect, test } from "../support/fixtures.ts";
import { hanako, taro } from "../support/people.ts";
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
});
