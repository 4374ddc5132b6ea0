import type { Intent, IntentMessage, Snapshot } from "./contract";

/** Whether the daemon can be heard. */
export type Line = "starting" | "up" | "lost";

export interface LinkEvents {
  onSnapshot(snapshot: Snapshot): void;
  onLine(line: Line): void;
}

/** How long a broken line may last before the shopper is told: short, yet longer than a blink. */
const tellAfterMs = 600;
const firstRetryMs = 200;
const longestRetryMs = 3000;
/** A connection attempt that has not opened by then is given up. */
const openWithinMs = 4000;

/** Reply is what the daemon says to an intent that it did not take. */
interface Reply {
  readonly error?: string;
  readonly stale?: boolean;
  readonly seq?: number;
}

/**
 * Link is the one connection to the daemon. It takes whole snapshots and sends
 * intents that carry the seq of the snapshot on screen. While the line is broken
 * intents are dropped: what the shopper meant then may no longer be asked.
 */
export class Link {
  #socket: WebSocket | undefined;
  #retryMs = firstRetryMs;
  #seq = 0;
  #tell: ReturnType<typeof setTimeout> | undefined;
  readonly #url: string;
  readonly #events: LinkEvents;

  constructor(url: string, events: LinkEvents) {
    this.#url = url;
    this.#events = events;
  }

  open(): void {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    const giveUp = setTimeout(() => socket.close(), openWithinMs);
    socket.onopen = () => clearTimeout(giveUp);
    socket.onmessage = (message: MessageEvent<string>) => this.#take(message.data);
    socket.onclose = () => {
      clearTimeout(giveUp);
      this.#lost();
    };
  }

  send(intent: Intent): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const message: IntentMessage = { ...intent, seq: this.#seq };
    this.#socket.send(JSON.stringify(message));
  }

  #take(data: string): void {
    const message = JSON.parse(data) as Snapshot | Reply;
    // Replies say that an intent was stale or not understood: the screen stays.
    if (!("screen" in message)) return;
    const snapshot = message;
    clearTimeout(this.#tell);
    this.#tell = undefined;
    this.#retryMs = firstRetryMs;
    this.#seq = snapshot.seq;
    this.#events.onLine("up");
    this.#events.onSnapshot(snapshot);
  }

  #lost(): void {
    this.#tell ??= setTimeout(() => this.#events.onLine("lost"), tellAfterMs);
    // Jitter keeps two windows of one kiosk from knocking in step.
    const wait = this.#retryMs * (0.75 + Math.random() / 2);
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
    setTimeout(() => this.open(), wait);
  }
}

/** Where the daemon listens: beside the page, whose path may carry the token of this start. */
export function socketURL(page: Pick<Location, "href">): string {
  const url = new URL("ws", page.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
