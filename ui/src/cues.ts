import type { Snapshot } from "./contract";
import type { Sound } from "./sound";

/** The sound that goes with the change from one snapshot to the next, if any. */
export function cue(before: Snapshot | null, after: Snapshot): Sound | null {
  if (!before) return null;
  const was = before.screen;
  const is = after.screen;
  if (after.overlay?.kind === "idle" && before.overlay?.kind !== "idle") return "attention";
  if (is.kind === "trouble" && was.kind !== "trouble") return "attention";
  if (is.kind === "last_try" && was.kind !== "last_try") return "attention";
  if (is.kind === "card" && is.status === "problem" && !(was.kind === "card" && was.status === "problem")) return "attention";
  if ("problem" in is && is.kind !== "card" && is.problem !== null) {
    if (!("problem" in was) || was.kind === "card" || was.problem === null) return "attention";
  }
  switch (is.kind) {
    case "issued":
      return was.kind === "issued" ? null : "done";
    case "reserved":
    case "applied": {
      const old = was.kind === is.kind ? was.delivery : null;
      if (is.delivery === old || is.delivery === "sending") return null;
      return is.delivery === "refused" ? "attention" : "done";
    }
    default:
      return after.kiosk.card && !before.kiosk.card ? "card" : null;
  }
}
