import { useEffect, useState } from "preact/hooks";

import { forwardClock, setLine, type DockState } from "./api";
import { Panel, Segments, useDesk } from "./parts";
import { duration } from "./texts";

/** Line is the connection to the hub. */
export function Line({ state }: { readonly state: DockState }) {
  const { say, act } = useDesk();
  const { mode } = state.line;
  return (
    <Panel area="line" title={say("line")}>
      <Segments
        legend={say("status.line")}
        value={mode}
        options={[
          { value: "up", text: say("line.up"), tone: "ok" },
          { value: "slow", text: say("line.slow"), tone: "warn" },
          { value: "down", text: say("line.down"), tone: "bad" },
          { value: "rubbish", text: say("line.rubbish"), tone: "bad" },
        ]}
        onPick={(v) => act(setLine(v))}
      />
      <p class="note">{say(`line.${mode}.about`)}</p>
    </Panel>
  );
}

const jumps = [60, 300, 3600, 86400] as const;

/** Clock moves the kiosk's time forward; it never goes back, as real time does not. */
export function Clock({ state }: { readonly state: DockState }) {
  const { say, act, lang } = useDesk();
  const offset = state.clock.offset_sec;
  return (
    <Panel area="clock" title={say("clock")}>
      <dl class="clock">
        <div>
          <dt>{say("clock.now")}</dt>
          <dd>
            <Now offset={offset} />
          </dd>
        </div>
        <div>
          <dt>{say("clock.offset")}</dt>
          <dd>{offset === 0 ? say("clock.none") : duration(offset, lang)}</dd>
        </div>
      </dl>
      <div class="jumps" role="group" aria-label={say("clock.forward")}>
        {jumps.map((sec) => {
          const by = say(`clock.${sec}`);
          return (
            <button
              key={sec}
              type="button"
              class="button"
              aria-label={say("clock.by", { by })}
              onClick={() => act(forwardClock(sec))}
            >
              +{by}
            </button>
          );
        })}
      </div>
    </Panel>
  );
}

function Now({ offset }: { readonly offset: number }) {
  const { lang } = useDesk();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const at = new Date(now + offset * 1000);
  const text = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "medium", timeZone: "Asia/Tokyo" }).format(at);
  return <time dateTime={at.toISOString()}>{text}</time>;
}
