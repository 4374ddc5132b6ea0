/**
 * The dock API: what the simulated hardware is doing, and the handles that move
 * it. Every change arrives as one whole state, so nothing is merged here.
 */

export type PersonaKind = "mynumber" | "waon" | "other";
export type Paper = "full" | "low" | "out";
export type Cover = "closed" | "open";
export type Power = "on" | "off";
/** What can happen to the printer in the middle of a slip. */
export type SlipFault =
  | "paper_low" | "paper_out" | "cover_open" | "power_off" | "unplugged" | "head_hot" | "cutter" | "offline" | "mute";
/** What can be wrong with the printer besides paper, cover and power. */
export type Trouble = "" | "cutter" | "head_hot" | "offline" | "unplugged" | "mute";
export type LineMode = "up" | "slow" | "down" | "rubbish";

export interface Persona {
  readonly id: string;
  readonly name: string;
  readonly kind: PersonaKind;
  readonly about: string;
  readonly pin: string;
}

export interface SlipPicture {
  readonly n: number;
  readonly at: string;
  readonly complete: boolean;
  readonly width: number;
  readonly height: number;
}

/** One stretch of a light's rhythm: a level from 0 to 1, held for ms. */
export interface Beat {
  readonly ms: number;
  readonly level: number;
}

export interface DockState {
  readonly personas: readonly Persona[];
  readonly reader: {
    /** Cards are laid by hand: the dock moves none. */
    readonly real: boolean;
    readonly power: boolean;
    readonly persona: string;
    /** Lies there too, unseen by the reader until the first is lifted. */
    readonly also: string;
    readonly mute: boolean;
    readonly slow_ms: number;
  };
  readonly tear: { readonly at: number };
  readonly printer: {
    /** It is handled by hand: the dock knows nothing of it. */
    readonly real: boolean;
    readonly paper: Paper;
    readonly cover: Cover;
    readonly power: Power;
    /** What else is wrong with it, "" = nothing. */
    readonly trouble: Trouble;
    /** Rows a second that its head prints, 0 = no time passes. */
    readonly speed: number;
    /** The fault that waits for the next slip, "" = none. */
    readonly fail_next: SlipFault | "";
  };
  readonly slips: readonly SlipPicture[];
  readonly lights: { readonly signal: string; readonly colour: string; readonly pattern: readonly Beat[] };
  readonly line: { readonly mode: LineMode };
  readonly clock: { readonly offset_sec: number };
  readonly visit: { readonly step: string };
}

async function send(method: "POST" | "DELETE", path: string, body?: object): Promise<void> {
  const answer = await fetch(`dock/api/${path}`, {
    method,
    ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  });
  if (answer.ok) return;
  const told: unknown = await answer.json().catch(() => null);
  const said = told !== null && typeof told === "object" && "error" in told ? String(told.error) : "";
  throw new Error(said || `${method} ${path}: HTTP ${answer.status}`);
}

export const putCard = (persona: string) => send("POST", "card", { persona });
export const liftCard = () => send("POST", "card", { persona: "" });
export const putCardAlso = (persona: string) => send("POST", "card", { persona, also: true });
export const muteCard = (mute: boolean) => send("POST", "reader", { mute });
export const slowCard = (slow_ms: number) => send("POST", "reader", { slow_ms });
export const plugReader = (power: boolean) => send("POST", "reader", { power });
export const tearAt = (at: number) => send("POST", "tear", { at });
export const setPrinter = (change: { paper?: Paper; cover?: Cover; power?: Power; trouble?: Trouble; speed?: number }) => send("POST", "printer", change);
export const failNextSlip = (fault: SlipFault, fail_at_byte: number) => send("POST", "printer", { fault, fail_at_byte });
export const clearSlips = () => send("DELETE", "slips");
export const setLine = (mode: LineMode) => send("POST", "line", { mode });
export const forwardClock = (forward_sec: number) => send("POST", "clock", { forward_sec });
export const resetAll = () => send("POST", "reset", {});
export const slipURL = (n: number) => `dock/api/slips/${n}.png`;

/** Listener is told of every state, and whether the daemon is there to send one. */
export interface Listener {
  state(s: DockState): void;
  connected(up: boolean): void;
}

/**
 * listen follows the daemon's events until the returned function is called. The
 * browser reconnects by itself, except after an HTTP error (the daemon restarting
 * behind a proxy), which is why a closed source is opened again here.
 */
export function listen(to: Listener): () => void {
  let source: EventSource | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    source = new EventSource("dock/api/events");
    source.onopen = () => to.connected(true);
    source.onmessage = (e: MessageEvent<string>) => {
      to.connected(true);
      to.state(JSON.parse(e.data) as DockState);
    };
    source.onerror = () => {
      to.connected(false);
      if (source?.readyState === EventSource.CLOSED) again = setTimeout(open, 1000);
    };
  };
  open();
  return () => {
    clearTimeout(again);
    source?.close();
  };
}
