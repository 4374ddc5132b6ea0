import { Icon } from "../art/icons";
import { useEnv } from "../env";
import { Phones } from "../parts/phones";
import { Press } from "../parts/press";
import { primaryOf } from "../primary";

/** Where am I, and how the screen looks and sounds. */
export function TopBar() {
  const { snap, t, send } = useEnv();
  const { kiosk, look, nav, progress } = snap;
  return (
    <header class="top-bar">
      <span class="top-logo" aria-hidden="true" />
      {nav.home ? (
        <Press class="chip" onPress={() => send({ type: "home" })}>
          <Icon name="home" />
          <span>{t("bar.home")}</span>
        </Press>
      ) : null}
      <p class="top-where">{progress ? t(`procedure.${progress.procedure}`) : t("app.name")}</p>
      <nav class="top-tools" aria-label={t("overlay.display.title")}>
        {kiosk.langs.length > 1 && (
          <Press class="chip" onPress={() => send({ type: "open", data: { overlay: "language" } })}>
            <Icon name="globe" />
            <span lang={snap.lang === "ja" ? "en" : "ja"}>{t("bar.language")}</span>
          </Press>
        )}
        <Press class="chip" onPress={() => send({ type: "open", data: { overlay: "display" } })}>
          <Icon name="text" />
          <span>{t("bar.display")}</span>
        </Press>
        <Press class="chip" onPress={() => send({ type: "open", data: { overlay: "display" } })}>
          <Icon name={look.volume === 0 ? "mute" : "sound"} />
          <span>{t("bar.sound")}</span>
        </Press>
      </nav>
    </header>
  );
}

/** How far along the shopper is. */
export function ProgressLine() {
  const { snap, t } = useEnv();
  const { progress } = snap;
  if (!progress) return null;
  const present = progress.procedures.indexOf(progress.procedure);
  const { at, of } = progress;
  return (
    <div
      class="progress"
      role="progressbar"
      aria-valuemin={1}
      aria-valuemax={of}
      aria-valuenow={at}
      aria-label={t("progress.label", { procedure: t(`procedure.${progress.procedure}`), at, of })}
    >
      {progress.procedures.map((procedure, i) => (
        <div class={`progress-part ${i < present ? "is-done" : i === present ? "is-now" : ""}`} key={procedure}>
          <span class="progress-name">
            {i < present && <Icon name="check" />}
            {t(`procedure.${procedure}`)}
            {i === present && <span class="progress-count">{t("progress.of", { at, of })}</span>}
          </span>
          <span class="progress-track">
            <span
              class="progress-fill"
              style={{ width: `${i < present ? 100 : i === present ? (at / Math.max(of, 1)) * 100 : 0}%` }}
            />
          </span>
        </div>
      ))}
    </div>
  );
}

/** Back on the left, the one filled button on the right, staff always in the same place. */
export function BottomBar() {
  const { snap, t, send } = useEnv();
  const { kiosk, nav } = snap;
  const primary = primaryOf(snap, t);
  return (
    <footer class="bottom-bar">
      <div class="actions">
        {nav.back ? (
          <Press class="button quiet back" onPress={() => send({ type: "back" })}>
            <Icon name="back" />
            <span>{t("bar.back")}</span>
          </Press>
        ) : (
          <span />
        )}
        {primary && (
          <Press class="button primary" disabled={!primary.on} onPress={() => send(primary.intent)}>
            <span>{primary.text}</span>
          </Press>
        )}
      </div>
      <div class="foot">
        <Press
          class={`button staff ${kiosk.staff ? "is-called" : ""}`}
          pressed={kiosk.staff}
          onPress={() => (kiosk.staff ? send({ type: "open", data: { overlay: "staff" } }) : send({ type: "staff", data: { on: true } }))}
        >
          <Icon name="staff" />
          <span>{t(kiosk.staff ? "bar.staff_called" : "bar.staff")}</span>
        </Press>
        <p class="foot-words">
          {kiosk.demo && <strong class="badge">{t("bar.demo")}</strong>}
          <span>{kiosk.name}</span>
          {kiosk.phone !== "" && (
            <span>
              <Phones text={t("bar.ask", { phone: kiosk.phone })} />
            </span>
          )}
        </p>
      </div>
    </footer>
  );
}
