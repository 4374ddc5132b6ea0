/** The dock: the hardware of the kiosk under test. */
import { expect } from "@playwright/test";

import type { DockState, LineMode, SlipFault, SlipPicture } from "../../ui/src/dock/api.ts";
import { call } from "./http.ts";

export class Dock {
  readonly #url: () => string;

  constructor(url: () => string) {
    this.#url = url;
  }

  state(): Promise<DockState> {
    return call("GET", `${this.#url()}/dock/api/state`);
  }

  put(persona: string): Promise<void> {
    return this.#post("card", { persona });
  }

  lift(): Promise<void> {
    return this.#post("card", { persona: "" });
  }

  /** The card is torn away at the n-th APDU from now. */
  tear(at: number): Promise<void> {
    return this.#post("tear", { at });
  }

  reader(power: boolean): Promise<void> {
    return this.#post("reader", { power });
  }

  /** The fault happens in the middle of the next slip. */
  failNextSlip(fault: SlipFault): Promise<void> {
    return this.#post("printer", { fault, fail_at_byte: 4000 });
  }

  printer(change: Partial<Pick<DockState["printer"], "paper" | "cover" | "power" | "trouble" | "speed">>): Promise<void> {
    return this.#post("printer", change);
  }

  line(mode: LineMode): Promise<void> {
    return this.#post("line", { mode });
  }

  forward(seconds: number): Promise<void> {
    return this.#post("clock", { forward_sec: seconds });
  }

  async slips(): Promise<readonly SlipPicture[]> {
    return (await this.state()).slips;
  }

  async slip(n: number): Promise<Buffer> {
    const answer = await fetch(`${this.#url()}/dock/api/slips/${n}.png`);
    expect(answer.status).toBe(200);
    return Buffer.from(await answer.arrayBuffer());
  }

  clearSlips(): Promise<void> {
    return call("DELETE", `${this.#url()}/dock/api/slips`);
  }

  /** Everything back to the start, at the top screen. */
  async reset(): Promise<void> {
    await this.#post("reset", {});
    // A slip of the test before is out at once, and none is half out when the next begins.
    await this.printer({ speed: 0 });
    if ((await this.state()).visit.step !== "top") await this.forward(goodbyeSeconds);
    await expect.poll(async () => (await this.state()).visit.step).toBe("top");
    await this.clearSlips();
  }

  /** The slips that have come out, in order; each must be whole. */
  async expectSlips(n: number): Promise<void> {
    await expect.poll(async () => (await this.slips()).map((s) => s.complete)).toEqual(Array.from({ length: n }, () => true));
  }

  async expectStep(step: string): Promise<void> {
    await expect.poll(async () => (await this.state()).visit.step).toBe(step);
  }

  #post(path: string, body: object): Promise<void> {
    return call("POST", `${this.#url()}/dock/api/${path}`, body);
  }
}

/** How long the goodbye screen stands when no card lies on the reader. */
const goodbyeSeconds = 10;
