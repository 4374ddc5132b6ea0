/** Walks to every screen and every overlay that a shopper can meet, and looks at each. */
import { expect } from "@playwright/test";

import { hanako, taro, declinedCard, type Person } from "./people.ts";
import {
  again,
  cardAndPIN,
  issue,
  leave,
  reserve,
  start,
  toApplied,
  toCardNumber,
  toCheckCarried,
  toCheckTyped,
  toPhone,
  wholeVisit,
  type Look,
  type Scene,
} from "./walk.ts";

/** A stretch of the tour: it starts at the top screen and may end anywhere. */
export type Stretch = (scene: Scene, look: Look) => Promise<void>;

/** The whole visit of somebody with a WAON card. */
export const visit: Stretch = (scene, look) => wholeVisit(scene, taro, look);

/** What lies over a screen, and what stands beside a field. */
export const overlays: Stretch = async (scene, look) => {
  const { me, dock } = scene;
  await start(me, "issue");
  await toCardNumber(scene);
  await me.press("bar.language");
  await me.says("overlay.language.title");
  await look("overlay_language");
  await me.press("overlay.language.close");
  await me.press("bar.display");
  await me.says("overlay.display.title");
  await look("overlay_display");
  await me.press("overlay.display.close");
  await me.press("bar.home");
  await me.says("overlay.home.title");
  await look("overlay_home");
  await me.press("overlay.home.no");
  await me.press("bar.staff");
  await me.says("overlay.staff.title");
  await look("overlay_staff");
  await me.press("overlay.staff.cancel");
  await expect.poll(() => me.snapshots.at(-1)?.kiosk.staff).toBe(false);
  await dock.forward(130);
  await me.says("overlay.idle.title");
  await look("overlay_idle");
  await me.press("overlay.idle.stay");
  await dock.put("suica-like");
  await me.says("problem.tap_unreadable");
  await look("issue_card_unreadable");
  await dock.lift();
  await me.type("4980000000000015");
  await me.next("issue_card");
  await me.says("problem.check_digit");
  await look("issue_card_problem");
};

/** A child's card: a legal guardian acts. */
export const guardian: Stretch = async (scene, look) => {
  const { me } = scene;
  await start(me, "reserve");
  await me.at("card");
  await me.press("card.guardian");
  await me.at("guardian");
  await look("guardian");
  await me.touch(me.page.getByRole("checkbox"));
  await me.next("guardian");
  await reserve(scene, { ...hanako, persona: "child" });
};

/** Apply with everything typed, after an earlier reserve. */
export const typedApplication: Stretch = async (scene, look) => {
  const { me } = scene;
  await start(me, "reserve");
  await reserve(scene, hanako);
  await me.next("reserved");
  const query = me.lang === "ja" ? "ヒノデ" : "hinode";
  await toCheckTyped(
    scene,
    { service: "hinode-card", query, id: "123456789015", codes: ["1234", "5678"], last4: "5432" },
    look,
  );
  await look("apply_check_typed");
  await me.next("apply_check");
  await toApplied(scene);
  await leave(scene, "applied");
};

/** The card dialogue when something is wrong with card or PIN. */
export const cardTroubles: Stretch = async (scene, look) => {
  const { me, dock } = scene;
  await start(me, "reserve");
  await me.at("card");
  await dock.put("waon-1");
  await me.says("fault.card_wrong_kind.title");
  await look("card_wrong_kind");
  await dock.lift();
  await dock.put("one-try");
  await me.at("pin");
  await look("pin_one_left");
  await me.type("9999");
  await me.press("pin.next.reserve");
  await me.at("last_try");
  await look("last_try");
  await me.next("last_try");
  await me.at("trouble", "fault.pin_blocked.title");
  await look("trouble_pin_blocked");
};

/** A wrong PIN, with its problem beside the field. */
export const wrongPIN: Stretch = async (scene, look) => {
  const { me } = scene;
  await start(me, "reserve");
  await cardAndPIN(scene, { ...taro, pin: "0000" });
  await me.press("pin.next.reserve");
  await me.says("problem.pin_wrong", { n: 2 });
  await look("pin_wrong");
};

/** The hub out of reach: said on the top screen, in the middle, and at the end. */
export const withoutLine: Stretch = async (scene, look) => {
  const { me, dock } = scene;
  await dock.line("down");
  await me.says("because.line.off");
  await look("top_line_down");
  await dock.line("up");
  await start(me, "full");
  await issue(scene, taro);
  await dock.lift();
  await me.next("issued");
  await dock.line("down");
  await cardAndPIN(scene, taro);
  await me.press("pin.next.reserve");
  await me.at("reserved", "reserved.title.queued");
  await me.says("slipstate.printed");
  await look("reserved_queued");
  await me.next("reserved");
  await toCheckCarried(scene);
  await dock.printer({ paper: "out" });
  await me.next("apply_check");
  await me.at("applied", "applied.title.queued");
  await me.says("slipstate.not_printed");
  await look("applied_queued_not_printed");
};

/** A wait that lasts, and a refusal. */
export const hubTroubles: Stretch = async (scene, look) => {
  const { me, dock } = scene;
  await start(me, "issue");
  await toCardNumber(scene);
  await toPhone(scene, { ...hanako, card: declinedCard });
  await dock.line("slow");
  await me.next("issue_phone");
  await me.says("busy.sms");
  await look("busy_sms");
  await dock.forward(11);
  await me.says("busy.slow");
  await look("busy_slow");
  await me.press("bar.back");
  await me.at("issue_phone");
  await dock.line("up");
  await me.next("issue_phone");
  await me.at("trouble", "fault.card_declined.title");
  await look("trouble_card_declined");
};

async function logIn({ me }: Scene, who: Person, look: Look): Promise<void> {
  await start(me, "manage");
  await me.at("manage_phone");
  await look("manage_phone");
  await me.type(who.phone);
  await me.next("manage_phone");
  await me.at("manage_password");
  await look("manage_password");
  await me.type(who.password);
  await me.next("manage_password");
  await me.at("manage");
}

/** The look-up page, before and after registration is complete. */
export const lookUp: Stretch = async (scene, look) => {
  const { me, hub } = scene;
  await wholeVisit(scene, taro);
  await again(scene);
  await logIn(scene, taro, look);
  await look("manage");
  await leave(scene, "manage");
  await again(scene);
  await hub.forward(25 * 3600);
  await logIn(scene, taro, async () => undefined);
  await me.says("manage.status.completed");
  await look("manage_completed");
};

/** The daemon dies after something was taken: the notice, and what the next start shows. */
export const restarted: Stretch = async (scene, look) => {
  const { me, dock } = scene;
  await start(me, "reserve");
  await dock.line("down");
  await cardAndPIN(scene, taro);
  await me.press("pin.next.reserve");
  await me.at("reserved", "reserved.title.queued");
  await scene.restart(async () => {
    await me.says("notice.lost.title");
    await look("notice_lost");
  });
  await expect.poll(() => me.step).toBe("recovered");
  await me.settle();
  await me.at("recovered");
  await look("recovered");
};

/** Reader and printer gone: what is left says both, and all of it is read. */
const withoutDevices: Stretch = async (scene, look) => {
  const { me, dock } = scene;
  await dock.reader(false);
  await dock.printer({ power: "off" });
  await me.says("because.reader.less");
  await me.says("because.printer.less");
  await look("top_no_devices");
};

export const stretches: Readonly<Record<string, Stretch>> = {
  visit,
  overlays,
  guardian,
  typedApplication,
  cardTroubles,
  wrongPIN,
  withoutLine,
  hubTroubles,
  lookUp,
  restarted,
  withoutDevices,
};
