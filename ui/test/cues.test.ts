import { describe, expect, it } from "vitest";
import type { Snapshot } from "../src/contract";
import { cue } from "../src/cues";
import { fixtures } from "../src/fixtures";

const all = fixtures("ja");
const at = (name: string): Snapshot => {
  const snap = all[name];
  if (!snap) throw new Error(`cannot find ${name}`);
  return snap;
};

describe("cue", () => {
  it.each([
    ["pin", "pin_wrong", "attention"],
    ["pin", "overlay_idle", "attention"],
    ["issue_phone", "trouble_line_down", "attention"],
    ["issue_password", "issued", "done"],
    ["reading", "reserved_sending", null],
    ["reserved_sending", "reserved", "done"],
    ["reserved", "reserved", null],
    ["applied", "applied_refused", "attention"],
    ["card", "reading", "card"],
    ["issue_name", "issue_birth", null],
  ])("from %s to %s: %s", (before, after, sound) => {
    expect(cue(at(before), at(after))).toBe(sound);
  });

  it("is silent for the first snapshot, whatever it shows", () => {
    expect(cue(null, at("trouble_line_down"))).toBeNull();
  });
});
