import { useEffect, useRef } from "preact/hooks";

import type { Beat, DockState } from "./api";
import { Panel, useDesk } from "./parts";
import { signalText } from "./texts";

/** Lights shows what the status lights show: in colour, as a rhythm and in words. */
export function Lights({ state }: { readonly state: DockState }) {
  const { say, lang } = useDesk();
  const { signal, colour, pattern } = state.lights;
  const round = pattern.reduce((sum, beat) => sum + beat.ms, 0);
  const steady = pattern.length < 2 || round === 0;
  const seconds = new Intl.NumberFormat(lang, { maximumFractionDigits: 2 }).format(round / 1000);
  return (
    <Panel area="lights" title={say("lights")}>
      <div class="lights">
        <Lamp colour={colour} pattern={pattern} />
        <div class="lights-text">
          <p class="signal" role="status">
            {signalText(signal, say)}
          </p>
          <p class="note">
            <code>{signal}</code> · <code>{colour}</code>
          </p>
          <Rhythm colour={colour} pattern={pattern} />
          <p class="note">{steady ? say("light.steady") : say("light.cycle", { s: seconds })}</p>
        </div>
      </div>
    </Panel>
  );
}

/** Lamp plays the rhythm. It is an instrument, so it runs with reduced motion as well. */
function Lamp({ colour, pattern }: { readonly colour: string; readonly pattern: readonly Beat[] }) {
  const glow = useRef<HTMLDivElement>(null);
  const rhythm = JSON.stringify(pattern);
  useEffect(() => {
    const playing = glow.current?.animate(keyframes(pattern), { duration: Math.max(1, length(pattern)), iterations: Infinity });
    return () => playing?.cancel();
    // The rhythm is compared by content: each event brings a new but mostly equal array.
  }, [rhythm]);
  return (
    <div class="lamp" aria-hidden="true">
      <div ref={glow} class="glow" style={{ backgroundColor: colour }} />
    </div>
  );
}

/** Rhythm draws one round: time to the right, brightness upwards. */
function Rhythm({ colour, pattern }: { readonly colour: string; readonly pattern: readonly Beat[] }) {
  const total = length(pattern);
  let at = 0;
  return (
    <svg class="rhythm" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      {pattern.map((beat, i) => {
        const width = total > 0 ? (beat.ms / total) * 100 : 100 / pattern.length;
        const bar = <rect key={i} x={at} y={20 - beat.level * 20} width={width} height={beat.level * 20} fill={colour} />;
        at += width;
        return bar;
      })}
    </svg>
  );
}

const length = (pattern: readonly Beat[]) => pattern.reduce((sum, beat) => sum + beat.ms, 0);

function keyframes(pattern: readonly Beat[]): Keyframe[] {
  const total = length(pattern);
  if (total === 0) {
    const opacity = pattern[0]?.level ?? 0;
    return [{ opacity }, { opacity }];
  }
  let at = 0;
  return pattern.flatMap((beat) => {
    const start = at / total;
    at += beat.ms;
    return [
      { offset: start, opacity: beat.level },
      { offset: Math.min(1, at / total), opacity: beat.level },
    ];
  });
}
