import type { Intent, Screen, Snapshot } from "./contract";
import type { Key, Translate } from "./i18n";

/** The one filled button of a screen: what it says, whether it may be pressed and what it does. */
export interface Primary {
  text: string;
  on: boolean;
  intent: Intent;
}

/** The key of the primary button's text; null when the screen has none. */
export function primaryKey(screen: Screen): Key | null {
  switch (screen.kind) {
    case "menu":
    case "services":
    case "card":
      return null;
    case "pin":
      if (screen.resume) return "step.pin.next";
      return screen.purpose === "apply" ? "pin.next.apply" : "pin.next.reserve";
    case "issued":
      return screen.onward ? "step.issued.next" : "step.issued.finish";
    case "reserved":
      return screen.onward ? "step.reserved.next" : "step.reserved.finish";
    case "trouble":
      // Again, else another way forward, else the way out.
      if (screen.retry) return "step.trouble.next";
      return screen.other === "" ? "overlay.idle.end" : `trouble.other.${screen.other}`;
    case "recovered":
    case "service":
    case "terms":
    case "entry":
    case "birth":
    case "consent":
    case "last_try":
    case "check":
    case "applied":
    case "manage":
    case "goodbye":
      return `step.${screen.step}.next`;
  }
}

export function primaryOf(snap: Snapshot, t: Translate): Primary | null {
  const key = primaryKey(snap.screen);
  if (key === null) return null;
  const text = t(key);
  if (text === "") return null;
  if (snap.screen.kind === "trouble" && !snap.screen.retry) {
    return snap.screen.other === ""
      ? { text, on: snap.nav.home, intent: { type: "home" } }
      : { text, on: true, intent: { type: "another" } };
  }
  return { text, on: snap.nav.next, intent: { type: "next" } };
}
