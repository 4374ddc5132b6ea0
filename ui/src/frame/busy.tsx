import type { Busy, Snapshot } from "../contract";
import { useElapsed, useEnv } from "../env";
import { seconds } from "../format";
import { Press } from "../parts/press";

/** A wait shows itself from here on: what is quicker would only flicker. */
const spinnerAfterMs = 500;

/** Screens that say in their own words what they wait for. */
function speaksForItself(snap: Snapshot): boolean {
  switch (snap.screen.kind) {
    case "card":
    case "reserved":
    case "applied":
      return true;
    default:
      return false;
  }
}

/** The wait that lies over the screen, if there is one. */
export const waitOf = (snap: Snapshot): Busy | null => (speaksForItself(snap) ? null : snap.busy);

/** What is being waited for, how long at most, and after ten seconds a way out. */
export function BusyLayer(props: { busy: Busy }) {
  const { snap, t, send } = useEnv();
  const { busy } = props;
  const elapsed = useElapsed(snap, true);
  const since = busy.since_ms + elapsed;
  if (since < spinnerAfterMs) return <div class="veil veil-clear" />;
  return (
    <div class="veil">
      <div class="panel panel-busy" role="status">
        <div class="spinner" aria-hidden="true" />
        <p class="busy-words">{t(`busy.${busy.with}`)}</p>
        {busy.slow ? (
          <>
            <p class="help">{t(snap.nav.back ? "busy.slow" : "busy.slow_wait")}</p>
            {snap.nav.back && (
              <Press class="button outline" onPress={() => send({ type: "back" })}>
                {t("bar.back")}
              </Press>
            )}
          </>
        ) : (
          <p class="help">{t("busy.limit", { n: Math.max(1, seconds(busy.limit_ms - since)) })}</p>
        )}
      </div>
    </div>
  );
}
