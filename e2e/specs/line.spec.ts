import { expect, test } from "../support/fixtures.ts";
import { taro } from "../support/people.ts";
import { cardAndPIN, issue, reserve, start, toCardNumber, toCheckCarried, toIssued, toPhone } from "../support/walk.ts";

test.describe("issue needs the hub", () => {
  for (const { mode, code } of [
    { mode: "down", code: "line_down" },
    { mode: "rubbish", code: "hub_rubbish" },
  ] as const) {
    test(`line ${mode}: said honestly, nothing lost, and it goes on`, async ({ scene }) => {
      const { me, dock } = scene;
      await start(me, "issue");
      await toCardNumber(scene);
      await toPhone(scene, taro);
      await dock.line(mode);
      await me.next("issue_phone");
      await me.at("trouble", `fault.${code}.title`);
      await me.says(`fault.${code}.text`);
      await dock.line("up");
      await me.next("trouble");
      await me.at("issue_phone");
      await toIssued(scene, taro);
    });
  }

  test("line slow: a spinner, an honest word, and a way back", async ({ scene }) => {
    const { me, dock } = scene;
    await start(me, "issue");
    await toCardNumber(scene);
    await toPhone(scene, taro);
    await dock.line("slow");
    await me.next("issue_phone");
    await me.says("busy.sms");
    await dock.forward(11);
    await me.says("busy.slow");
    await me.press("bar.back");
    await me.at("issue_phone");
    await dock.line("up");
    await toIssued(scene, taro);
  });

  test("the top screen says what cannot be done now", async ({ scene }) => {
    const { me, dock } = scene;
    await dock.line("down");
    await me.says("because.line.off");
    await expect(me.page.getByRole("button", { name: me.t("plan.full.title") })).toBeDisabled();
    await expect(me.page.getByRole("button", { name: me.t("plan.reserve.title") })).toBeEnabled();
    await dock.line("up");
    await expect(me.page.getByRole("button", { name: me.t("plan.full.title") })).toBeEnabled();
  });
});

test.describe("reserve and apply are taken without the hub", () => {
  test("line down from the card on: queued, printed, sent once when it is back", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await start(me, "full");
    await issue(scene, taro);
    await dock.lift();
    await me.next("issued");
    await dock.line("down");
    await cardAndPIN(scene, taro);
    await me.press("pin.next.reserve");
    await me.at("reserved", "reserved.title.queued");
    await me.says("delivery.queued");
    await me.says("mykey.soon");
    await me.says("slipstate.printed");
    await me.next("reserved");
    await toCheckCarried(scene);
    await me.next("apply_check");
    await me.at("applied", "applied.title.queued");
    await me.says("delivery.queued");
    await me.says("slipstate.printed");
    expect(await hub.submissions("application")).toEqual([]);
    await me.next("applied");
    await me.at("goodbye");
    await dock.expectSlips(3);

    await dock.line("up");
    await hub.expectOnce("reservation");
    await hub.expectOnce("application");
  });

  test("the line is cut between the check screen and the end, and restored later", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await start(me, "full");
    await issue(scene, taro);
    await dock.lift();
    await me.next("issued");
    await reserve(scene, taro);
    await me.next("reserved");
    await toCheckCarried(scene);
    await dock.line("down");
    await me.next("apply_check");
    await me.at("applied", "applied.title.queued");
    await me.says("slipstate.printed");
    const number = me.page.getByText(me.t("number.label"), { exact: true });
    await expect(number).toBeVisible();
    await me.next("applied");
    await me.at("goodbye");
    expect(await hub.submissions("application")).toEqual([]);

    await dock.line("up");
    await hub.expectOnce("application");
  });

  for (const mode of ["slow", "rubbish"] as const) {
    test(`line ${mode} during reserve: queued, then sent once`, async ({ scene }) => {
      const { me, dock, hub } = scene;
      await start(me, "reserve");
      await me.at("card");
      await dock.line(mode);
      await dock.put("taro");
      await me.at("pin");
      await me.type("1234");
      await me.press("pin.next.reserve");
      await dock.expectStep("reserved");
      await dock.forward(7);
      await me.at("reserved", "reserved.title.queued");
      await me.says("slipstate.printed");
      await dock.line("up");
      await hub.expectOnce("reservation");
    });
  }
});
