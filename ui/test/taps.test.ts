import { describe, expect, it } from "vitest";
import { Taps, type Touch } from "../src/taps";

const first: Touch = { x: 500, y: 1700, at: 1000, scene: "top" };

describe("the second half of a double tap", () => {
  const cases: readonly (readonly [what: string, second: Partial<Touch>, echo: boolean])[] = [
    ["lands on the next screen", { at: 1150, scene: "issue_kind" }, true],
    ["lands on it a finger's width beside", { x: 540, at: 1150, scene: "issue_kind" }, true],
    ["comes as late as a slow hand's", { at: 1399, scene: "issue_kind" }, true],
    ["is a touch of its own when somebody has read", { at: 1400, scene: "issue_kind" }, false],
    ["is a touch of its own elsewhere", { y: 1640, at: 1150, scene: "issue_kind" }, false],
    ["is typed when the screen is the same", { at: 1080 }, false],
  ];
  it.each(cases)("%s", (_, second, echo) => {
    const taps = new Taps();
    expect(taps.isEcho(first)).toBe(false);
    expect(taps.isEcho({ ...first, ...second })).toBe(echo);
  });

  it("is passed over as often as a hand drums, and the next touch counts", () => {
    const taps = new Taps();
    taps.isEcho(first);
    for (const at of [1200, 1500, 1800]) expect(taps.isEcho({ ...first, at, scene: "issue_kind" })).toBe(true);
    expect(taps.isEcho({ ...first, at: 2200, scene: "issue_kind" })).toBe(false);
  });
});
