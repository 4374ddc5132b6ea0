import { expect, test } from "../support/fixtures.ts";
import { hanako, taro } from "../support/people.ts";
import { cardAndPIN, issue, reserve, start, toCardNumber, toCheckCarried, toPhone } from "../support/walk.ts";

test.describe("kill -9 of the kiosk daemon", () => {
  test("in the middle of a visit: a calm notice, then a clean top screen", async ({ scene }) => {
    const { me, hub } = scene;
    await start(me, "issue");
    await toCardNumber(scene);
    await toPhone(scene, hanako);
    await scene.restart(() => me.says("notice.lost.title"));
    await me.at("top");
    expect(JSON.stringify(me.snapshots.at(-1))).not.toContain(hanako.phone);
    expect(await hub.submissions()).toEqual([]);
  });

  test("after the reservation was stored, with the line down: shown again in the shopper's language, sent once", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await me.switchTo("en");
    await start(me, "reserve");
    await dock.line("down");
    await cardAndPIN(scene, taro);
    await me.press("pin.next.reserve");
    await me.at("reserved", "reserved.title.queued");
    const { screen } = me.snapshots.at(-1) ?? {};
    const number = screen?.kind === "reserved" ? screen.number : "";
    expect(number).not.toBe("");

    await scene.restart();
    await me.at("recovered");
    await me.says("recovered.reservation");
    await expect(me.page.getByText(number)).toBeVisible();
    const sent = await hub.expectOnce("reservation");
    expect(sent.number).toBe(number);
    await me.next("recovered");
    await me.at("top");
  });

  test("after the application was stored: in the hub exactly once", async ({ scene }) => {
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
    await scene.restart();
    await me.at("recovered");
    await me.says("recovered.application");
    await hub.expectOnce("application");
    await hub.expectOnce("reservation");

    const seen = me.snapshots.length;
    await scene.restart(); // before anybody has read it
    await expect.poll(() => me.snapshots.length).toBeGreaterThan(seen); // what stands there is from before
    await me.at("recovered");
    await me.says("recovered.application");
    await me.next("recovered");
    await me.at("top");
    await hub.expectOnce("application");
  });

  test("the moment the card has signed: nothing twice, nothing half", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await start(me, "reserve");
    await me.at("card");
    await dock.put("taro");
    await me.at("pin");
    await me.type("1234");
    await me.press("pin.next.reserve");
    await scene.restart();
    await expect.poll(() => me.step).toMatch(/^(top|recovered)$/);
    if (me.step === "recovered") await hub.expectOnce("reservation");
    expect((await hub.submissions()).length).toBeLessThanOrEqual(1);
  });
});

test.describe("the hub goes away", () => {
  test("hubd is stopped and started again while an application waits", async ({ scene, house }) => {
    const { me, dock, hub } = scene;
    await start(me, "reserve");
    await me.at("card");
    await house.hubd.kill();
    await dock.put("taro");
    await me.at("pin");
    await me.type("1234");
    await me.press("pin.next.reserve");
    await me.at("reserved", "reserved.title.queued");
    await house.hubd.start();
    await hub.expectOnce("reservation");
  });
});
