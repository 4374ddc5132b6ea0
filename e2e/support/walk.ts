/** The ways through a visit, step by step. Each leaves off where its name says. */
import { expect } from "@playwright/test";

import type { StepName } from "../../ui/src/gen/snapshot.ts";
import type { Dock } from "./dock.ts";
import type { Hub } from "./hub.ts";
import type { Person } from "./people.ts";
import { service } from "./texts.ts";
import type { Visitor } from "./visitor.ts";

/** Called on each screen once it stands, its field filled, before it is left. */
export type Look = (name: string) => Promise<void>;
const glance: Look = async () => undefined;

export interface Scene {
  readonly me: Visitor;
  readonly dock: Dock;
  readonly hub: Hub;
  /** Kills the kiosk daemon and starts it again on the same data; between is what happens while it is away. */
  restart(between?: () => Promise<void>): Promise<void>;
}

export async function start(me: Visitor, plan: "full" | "issue" | "reserve" | "apply" | "manage"): Promise<void> {
  await me.touch(me.page.getByRole("button", { name: me.t(`plan.${plan}.title`) }));
}

/** From the first question of issue up to the number of the payment card. */
export async function toCardNumber({ me }: Scene, look = glance): Promise<void> {
  await me.at("issue_kind");
  await look("issue_kind");
  await me.touch(me.page.getByRole("button", { name: service("aeon-card-waon").name[me.lang] }));
  await me.at("issue_terms");
  await look("issue_terms");
  await me.acceptTerms("issue_terms");
  await me.at("issue_card");
  await look("issue_card");
}

/** From the number of the payment card up to the phone number, typed and not yet sent. */
export async function toPhone({ me, dock }: Scene, who: Person, look = glance): Promise<void> {
  if (who.waon !== "") {
    await dock.put(who.waon);
    me.touches++; // laying the card on the reader
  } else {
    await me.type(who.card);
    await me.next("issue_card");
  }
  await me.at("issue_name");
  await me.type(who.name);
  await look("issue_name");
  await me.next("issue_name");
  await me.at("issue_birth");
  await me.type(who.birth[me.lang]);
  await look("issue_birth");
  await me.next("issue_birth");
  await me.at("issue_phone");
  await me.type(who.phone);
  await look("issue_phone");
}

/** From the phone number up to ID and code on the screen. */
export async function toIssued(scene: Scene, who: Person, look = glance): Promise<void> {
  const { me, hub } = scene;
  await me.next("issue_phone");
  await me.at("issue_code");
  await look("issue_code");
  await me.type(await hub.code(who.phone));
  await me.at("issue_password");
  await me.type(who.password);
  await look("issue_password");
  await me.next("issue_password");
  await me.at("issued");
  await me.says("slipstate.printed");
  await look("issued");
}

/** The whole of issue, from its first question to ID and code. */
export async function issue(scene: Scene, who: Person, look = glance): Promise<void> {
  await toCardNumber(scene, look);
  await toPhone(scene, who, look);
  await toIssued(scene, who, look);
}

/** The My Number card and its PIN: from whatever leads to the card up to the press that lets it sign. */
export async function cardAndPIN({ me, dock }: Scene, who: Person, look = glance): Promise<void> {
  await me.at("card");
  await look("card");
  await dock.put(who.persona);
  me.touches++;
  await me.at("pin");
  await look("pin");
  await me.type(who.pin);
}

/** From the card up to the MyKey ID, its slip printed. */
export async function reserve(scene: Scene, who: Person, look = glance): Promise<void> {
  const { me } = scene;
  await cardAndPIN(scene, who, look);
  await me.press("pin.next.reserve");
  await me.at("reserved", "reserved.title.accepted");
  await me.says("slipstate.printed");
  await look("reserved");
}

/** From the service's details to the check screen, when nothing has to be typed. */
export async function toCheckCarried({ me }: Scene, look = glance): Promise<void> {
  await me.at("apply_service");
  await look("apply_service");
  await me.next("apply_service");
  await me.at("apply_terms");
  await look("apply_terms");
  await me.acceptTerms("apply_terms");
  await me.at("apply_check");
  await look("apply_check");
}

export interface Numbers {
  readonly service: string; // catalogue ID
  readonly query: string;
  readonly id: string; // "" = a WAON card is laid on the reader
  readonly codes: readonly string[];
  readonly last4: string; // "" = not asked for
}

/** From the search to the check screen, everything typed. */
export async function toCheckTyped({ me, dock }: Scene, numbers: Numbers, look = glance): Promise<void> {
  await me.at("apply_search");
  await me.type(numbers.query);
  await look("apply_search");
  await me.touch(me.page.getByRole("button", { name: service(numbers.service).name[me.lang] }));
  await me.at("apply_service");
  await me.next("apply_service");
  await me.at("apply_terms");
  await me.acceptTerms("apply_terms");
  await me.at("apply_id");
  if (numbers.id === "") {
    await dock.put("waon-2");
    me.touches++;
  } else {
    await me.type(numbers.id);
    await look("apply_id");
    await me.next("apply_id");
  }
  for (const [i, code] of numbers.codes.entries()) {
    await me.at("apply_code");
    await expect.poll(() => me.index).toBe(i);
    await me.type(code);
    if (i === 0) await look("apply_code");
    await me.next("apply_code");
  }
  if (numbers.last4 !== "") {
    await me.at("apply_phone");
    await me.type(numbers.last4);
    await look("apply_phone");
    await me.next("apply_phone");
  }
  await me.at("apply_check");
}

/** From the press that applies to the end, accepted and printed. */
export async function toApplied({ me }: Scene, look = glance): Promise<void> {
  await me.at("applied", "applied.title.accepted");
  await me.says("slipstate.printed");
  await look("applied");
}

/** The end: everything is wiped, the card is taken. */
export async function leave({ me, dock }: Scene, step: StepName, look = glance): Promise<void> {
  await me.next(step);
  await me.at("goodbye");
  await me.says("step.goodbye.help");
  await look("goodbye");
  await dock.lift();
}

/** The next shopper's top screen, with this one's language and look. */
export async function again({ me, dock }: Scene): Promise<void> {
  await dock.reset();
  await expect.poll(() => me.step).toBe("top");
  await me.settle();
}

/** The whole visit, from the top screen to goodbye. */
export async function wholeVisit(scene: Scene, who: Person, look = glance): Promise<void> {
  const { me, dock } = scene;
  await me.at("top");
  await look("top");
  await start(me, "full");
  await issue(scene, who, look);
  if (who.waon !== "") await dock.lift();
  await me.next("issued");
  await reserve(scene, who, look);
  await me.next("reserved");
  await toCheckCarried(scene, look);
  await me.next("apply_check");
  await toApplied(scene, look);
  await leave(scene, "applied", look);
}
