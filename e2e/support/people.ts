/** Who comes to the kiosk, and with what. The personas' cards are in the dock. */
import type { Lang } from "./texts.ts";

export interface Person {
  readonly persona: string; // the My Number card
  readonly pin: string;
  readonly waon: string; // persona of the WAON card, "" = none with them
  readonly card: string; // the number printed on the payment card
  readonly name: string;
  readonly birth: Record<Lang, string>; // in the calendar that the language starts with: Showa, western
  readonly phone: string;
  readonly password: string;
}

export const taro: Person = {
  persona: "taro",
  pin: "1234",
  waon: "waon-1",
  card: "6900000000000016",
  name: "ヤマダ タロウ",
  birth: { ja: "550401", en: "19800401" },
  phone: "09012345678",
  password: "sakura88",
};

/** No WAON card with her: she types the number of the sandbox's test card. */
export const hanako: Person = {
  ...taro,
  persona: "hanako",
  waon: "",
  card: "4980000000000014",
  name: "サトウ ハナコ",
  phone: "08098765432",
};

/** The sandbox's special numbers. */
export const declinedCard = "4980000000000022";
export const registeredCard = "4980000000000030";
export const deafPhone = "09000000001"; // its message never arrives
export const refusedPhone = "09000000002"; // no message can be sent to it
