/** Where and when a hand touched the screen, and what stood there. */
export interface Touch {
  /** CSS pixels from the left and the top. */
  readonly x: number;
  readonly y: number;
  /** Milliseconds, of an event's timeStamp. */
  readonly at: number;
  /** What the screen asked: a question, or a dialog over it. */
  readonly scene: string;
}

/** The second half of a double tap comes this soon, and this near. A finger is some 40 px wide. */
export const echoWithinMs = 400;
const echoWithinPx = 60;

/**
 * Taps tells the second half of a double tap from a touch that is meant. The first
 * half has brought the next screen by then, so that the second would press whatever
 * stands there now: a choice that nobody read, or a digit of the PIN.
 */
export class Taps {
  #last: Touch | undefined;

  /** Says whether a touch that begins is to be passed over. On one and the same screen none is: "11" is typed quickly. */
  isEcho(touch: Touch): boolean {
    const last = this.#last;
    const echo =
      last !== undefined &&
      last.scene !== touch.scene &&
      touch.at - last.at < echoWithinMs &&
      Math.hypot(touch.x - last.x, touch.y - last.y) < echoWithinPx;
    // A hand that drums goes on echoing the touch that was meant.
    this.#last = echo ? { ...touch, scene: last.scene } : touch;
    return echo;
  }
}
