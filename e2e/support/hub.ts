/** The hub's console, as a program reads it. */
import { expect } from "@playwright/test";

import { call } from "./http.ts";

export interface Submission {
  readonly id: string;
  readonly kiosk: string;
  readonly kind: "issuance" | "reservation" | "application" | "inquiry";
  readonly number: string;
  readonly verdict: { readonly accepted: boolean; readonly code?: string };
  readonly checks: readonly { readonly name: string; readonly ok: boolean }[];
}

interface Message {
  readonly phone: string;
  readonly code: string;
}

export interface Alarm {
  readonly kind: string;
  readonly subject: string;
}

/** Every check of a document that a card has signed. */
export const cardChecks = [
  "seal", "payload", "canonical", "kiosk", "time", "chain", "validity", "usage", "signature", "replay", "verdict",
];

/** A kiosk that could not send waits a while before it tries again. */
const sentWithinMs = 30_000;

export class Hub {
  readonly #url: () => string;
  #before = new Set<string>();

  constructor(url: () => string) {
    this.#url = url;
  }

  /** Forgets everybody; submissions stay, so those of earlier tests are left out from here on. */
  async reset(): Promise<void> {
    await call("POST", `${this.#url()}/api/sandbox/reset`, {});
    this.#before = new Set();
    this.#before = new Set((await this.submissions()).map((s) => s.id));
  }

  /** What has arrived in this test, newest first. */
  async submissions(kind?: Submission["kind"]): Promise<Submission[]> {
    const { submissions } = await call<{ submissions: Submission[] }>("GET", `${this.#url()}/api/submissions?limit=1000`);
    return submissions.filter((s) => !this.#before.has(s.id) && (!kind || s.kind === kind));
  }

  /** One submission of this kind is there, accepted, with every check passed, and no second one. */
  async expectOnce(kind: Submission["kind"]): Promise<Submission> {
    await expect
      .poll(async () => (await this.submissions(kind)).map((s) => s.verdict.accepted), { message: `one ${kind} in the hub`, timeout: sentWithinMs })
      .toEqual([true]);
    const [only] = await this.submissions(kind);
    if (!only) throw new Error(`no ${kind} in the hub`);
    if (kind !== "issuance") expect(only.checks.map((c) => c.name)).toEqual(cardChecks);
    expect(only.checks.filter((c) => !c.ok)).toEqual([]);
    return only;
  }

  async messages(phone: string): Promise<Message[]> {
    return (await call<{ messages: Message[] }>("GET", `${this.#url()}/api/sms?phone=${phone}`)).messages;
  }

  /** The one-time password that was sent last to this phone. */
  async code(phone: string): Promise<string> {
    const [newest] = await this.messages(phone);
    if (!newest) throw new Error(`no message for ${phone}`);
    return newest.code;
  }

  async alarms(): Promise<Alarm[]> {
    return (await call<{ alarms: Alarm[] }>("GET", `${this.#url()}/api/alarms`)).alarms;
  }

  /** Moves the clock of issuer and platform. */
  forward(seconds: number): Promise<void> {
    return call("POST", `${this.#url()}/api/sandbox/clock`, { forward_sec: seconds });
  }
}
