import { expect, test } from "../support/fixtures.ts";
import { taro } from "../support/people.ts";
import { cardAndPIN, reserve, start } from "../support/walk.ts";

test.describe("printer", () => {
  for (const { title, change, code } of [
    { title: "out of paper", change: { paper: "out" }, code: "paper_out" },
    { title: "cover open", change: { cover: "open" }, code: "cover_open" },
    { title: "switched off", change: { power: "off" }, code: "printer_gone" },
  ] as const) {
    test(`${title} before the slip: said so, the number stays, printed on request once it works`, async ({ scene }) => {
      const { me, dock, hub } = scene;
      await dock.printer(change);
      await me.says("because.printer.less");
      await start(me, "reserve");
      await cardAndPIN(scene, taro);
      await me.press("pin.next.reserve");
      await me.at("reserved", "reserved.title.accepted");
      await me.says("slipstate.not_printed");
      await me.says(`fault.${code}.title`);
      await expect(me.page.getByText(me.t("number.label"), { exact: true })).toBeVisible();
      expect(await dock.slips()).toEqual([]);

      await dock.printer({ paper: "full", cover: "closed", power: "on" });
      await me.press("slipstate.again");
      await me.says("slipstate.printed");
      await dock.expectSlips(1);
      await hub.expectOnce("reservation");
    });
  }

  for (const { fault, outcome, code } of [
    { fault: "paper_out", outcome: "not_printed", code: "paper_out" },
    { fault: "cover_open", outcome: "not_printed", code: "cover_open" },
    { fault: "power_off", outcome: "not_printed", code: "printer_gone" },
  ] as const) {
    test(`${fault} in the middle of the slip: said so, and whole on request once it works`, async ({ scene }) => {
      const { me, dock, hub } = scene;
      await start(me, "reserve");
      await dock.failNextSlip(fault);
      await cardAndPIN(scene, taro);
      await me.press("pin.next.reserve");
      await me.at("reserved", "reserved.title.accepted");
      await me.says(`slipstate.${outcome}`);
      await me.says(`fault.${code}.title`);
      await expect.poll(async () => (await dock.slips()).filter((s) => s.complete)).toEqual([]);

      await dock.printer({ paper: "full", cover: "closed", power: "on" });
      await me.press("slipstate.again");
      await me.says("slipstate.printed");
      await expect.poll(async () => (await dock.slips()).filter((s) => s.complete)).toHaveLength(1);
      await hub.expectOnce("reservation");
    });
  }

  test("paper running low still prints", async ({ scene }) => {
    await scene.dock.printer({ paper: "low" });
    await start(scene.me, "reserve");
    await reserve(scene, taro);
    await scene.dock.expectSlips(1);
  });
});
