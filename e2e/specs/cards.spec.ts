import { expect, test } from "../support/fixtures.ts";
import { taro } from "../support/people.ts";
import { reserve, start, toCardNumber } from "../support/walk.ts";

test.describe("wrong cards", () => {
  test("a My Number card where the WAON card is wanted", async ({ scene }) => {
    const { me, dock } = scene;
    await start(me, "issue");
    await toCardNumber(scene);
    await dock.put("taro");
    await me.says("problem.tap_wrong_card");
    await dock.lift();
    await dock.put("waon-1");
    await me.at("issue_name");
  });

  test("a transit card where the WAON card is wanted", async ({ scene }) => {
    const { me, dock } = scene;
    await start(me, "issue");
    await toCardNumber(scene);
    await dock.put("suica-like");
    await me.says("problem.tap_unreadable");
    await me.type(taro.card);
    await me.next("issue_card");
    await me.at("issue_name");
  });

  const refused = [
    { persona: "waon-1", code: "card_wrong_kind" },
    { persona: "unknown", code: "card_unknown" },
    { persona: "oldcard", code: "card_old" },
    { persona: "nocert", code: "cert_missing" },
    { persona: "expired", code: "cert_expired" },
    { persona: "foreign", code: "cert_foreign" },
  ] as const;
  for (const { persona, code } of refused) {
    test(`${persona} where the My Number card is wanted, then the right one`, async ({ scene }) => {
      const { me, dock } = scene;
      await start(me, "reserve");
      await me.at("card");
      await dock.put(persona);
      await me.says(`fault.${code}.title`);
      await me.says(`fault.${code}.do`);
      await dock.lift();
      await reserve(scene, taro);
    });
  }

  test("a phone's certificate serves as well", async ({ scene }) => {
    await start(scene.me, "reserve");
    await reserve(scene, { ...taro, persona: "phone" });
    await scene.hub.expectOnce("reservation");
  });
});

test.describe("the card is taken away while it is read", () => {
  // What is left after the last digit: counter, VERIFY, select the key, sign.
  for (const [at, code] of [[0, "card_lifted"], [1, "pin_uncertain"], [2, "card_lifted"], [3, "card_lifted"]] as const) {
    test(`at APDU ${at}: put back, it goes on without another PIN`, async ({ scene }) => {
      const { me, dock, hub } = scene;
      await start(me, "reserve");
      await me.at("card");
      await dock.put("taro");
      await me.at("pin");
      await me.type("1234");
      await dock.tear(at);
      await me.press("pin.next.reserve");
      await me.at("card");
      await me.says(`fault.${code}.title`);
      await dock.tear(-1);
      await dock.put("taro");
      await me.at("reserved", "reserved.title.accepted");
      await hub.expectOnce("reservation");
      expect(me.trail.filter((step) => step === "pin")).toHaveLength(1);
    });
  }

  test("another card is put back: refused, and the first one goes on", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await start(me, "reserve");
    await reserve(scene, taro);
    await me.next("reserved");
    await me.at("apply_search");
    await dock.lift();
    await dock.put("hanako");
    await me.page.reload();
    await me.at("apply_search");
    expect(await hub.submissions("reservation")).toHaveLength(1);
  });
});

test.describe("PIN", () => {
  test("wrong, then right", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await start(me, "reserve");
    await me.at("card");
    await dock.put("taro");
    await me.at("pin");
    await me.says("pin.tries", { n: 3 });
    await me.type("0000");
    await me.press("pin.next.reserve");
    await me.says("problem.pin_wrong", { n: 2 });
    await me.type("1234");
    await me.press("pin.next.reserve");
    await me.at("reserved", "reserved.title.accepted");
    await hub.expectOnce("reservation");
  });

  test("the last try is used only after an explicit yes", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await start(me, "reserve");
    await me.at("card");
    await dock.put("one-try");
    await me.at("pin");
    await me.says("pin.tries", { n: 1 });
    await me.type("1234");
    await me.press("pin.next.reserve");
    await me.at("last_try");
    await me.press("bar.back");
    await me.at("pin");
    await me.type("1234");
    await me.press("pin.next.reserve");
    await me.at("last_try");
    await me.next("last_try");
    await me.at("reserved", "reserved.title.accepted");
    await hub.expectOnce("reservation");
  });

  test("the last try, wrong: the card is locked and the screen says where to go", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await start(me, "reserve");
    await me.at("card");
    await dock.put("one-try");
    await me.at("pin");
    await me.type("9999");
    await me.press("pin.next.reserve");
    await me.at("last_try");
    await me.next("last_try");
    await me.at("trouble", "fault.pin_blocked.title");
    await me.says("fault.pin_blocked.do");
    expect(await hub.submissions()).toEqual([]);
    await me.press("bar.home");
    await me.at("goodbye");
  });

  test("a locked card is never asked for its PIN", async ({ scene }) => {
    const { me, dock } = scene;
    await start(me, "reserve");
    await me.at("card");
    await dock.put("blocked");
    await me.at("trouble", "fault.pin_blocked.title");
    expect(me.trail).not.toContain("pin");
  });
});
