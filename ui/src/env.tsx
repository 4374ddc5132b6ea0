import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import type { Intent, Snapshot } from "./contract";
import type { Translate } from "./i18n";
import type { Orientation } from "./look";
import type { Sound } from "./sound";
import type { Taps } from "./taps";

/** What every part of the screen may need: the snapshot, the words, and the ways to answer. */
export interface Env {
  snap: Snapshot;
  t: Translate;
  orientation: Orientation;
  /** What the screen asks just now, by a name that changes with it: a question, or what lies over it. */
  scene: string;
  taps: Taps;
  send(intent: Intent): void;
  play(sound: Sound): void;
}

export const EnvContext = createContext<Env | null>(null);

export function useEnv(): Env {
  const env = useContext(EnvContext);
  if (!env) throw new Error("cannot draw a part outside the app");
  return env;
}

/**
 * Milliseconds since the snapshot came, in steps of a quarter second while
 * running. Times in a snapshot count from the moment it was made.
 */
export function useElapsed(snap: Snapshot, running: boolean): number {
  const came = useRef({ snap, at: performance.now() });
  if (came.current.snap !== snap) came.current = { snap, at: performance.now() };
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => redraw((n) => n + 1), 250);
    return () => clearInterval(timer);
  }, [running]);
  return running ? performance.now() - came.current.at : 0;
}
