import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../art/icons";
import { Staff } from "../art/pictures";
import { everyContrast, type Overlay } from "../contract";
import { useElapsed, useEnv } from "../env";
import { seconds } from "../format";
import { isKey, type Translate } from "../i18n";
import { Press } from "../parts/press";

function Panel(props: { title: string; children: ComponentChildren; class?: string; alert?: boolean }) {
  const headline = useRef<HTMLHeadingElement>(null);
  useEffect(() => headline.current?.focus({ preventScroll: true }), []);
  return (
    <div class="veil">
      <div
        class={`panel ${props.class ?? ""}`}
        role={props.alert ? "alertdialog" : "dialog"}
        aria-modal="true"
        aria-labelledby="panel-title"
      >
        <h2 id="panel-title" ref={headline} tabIndex={-1}>
          {props.title}
        </h2>
        {props.children}
      </div>
    </div>
  );
}

function Idle() {
  const { snap, t, send } = useEnv();
  const elapsed = useElapsed(snap, true);
  const left = snap.deadline?.why === "idle" ? seconds(snap.deadline.left_ms - elapsed) : null;
  return (
    <Panel title={t("overlay.idle.title")} class="panel-idle" alert>
      {left !== null && (
        <p class="countdown" role="timer">
          <strong>{left}</strong>
          <span>{t("overlay.idle.count")}</span>
        </p>
      )}
      <p class="help">{t("overlay.idle.text")}</p>
      <Press class="button primary huge" onPress={() => send({ type: "stay" })}>
        {t("overlay.idle.stay")}
      </Press>
      <Press class="button quiet" onPress={() => send({ type: "home" })}>
        {t("overlay.idle.end")}
      </Press>
    </Panel>
  );
}

function Home() {
  const { snap, t, send } = useEnv();
  const submitted = snap.screen.kind === "reserved" || snap.progress?.procedure === "apply";
  return (
    <Panel title={t("overlay.home.title")} alert>
      <p class="help">{t("overlay.home.text")}</p>
      {submitted && <p class="help">{t("overlay.home.done")}</p>}
      <Press class="button primary" onPress={() => send({ type: "close" })}>
        {t("overlay.home.no")}
      </Press>
      <Press class="button outline" onPress={() => send({ type: "home" })}>
        {t("overlay.home.yes")}
      </Press>
    </Panel>
  );
}

function StaffCalled() {
  const { snap, t, send } = useEnv();
  return (
    <Panel title={t("overlay.staff.title")}>
      <div class="panel-art">
        <Staff />
      </div>
      <p class="help">{t("overlay.staff.text")}</p>
      {snap.kiosk.phone !== "" && <p class="help">{t("overlay.staff.phone", { phone: snap.kiosk.phone })}</p>}
      {snap.kiosk.faults.length > 0 && <p class="code-line">{t("trouble.code", { code: snap.kiosk.faults.join(", ") })}</p>}
      <Press class="button primary" onPress={() => send({ type: "close" })}>
        {t("overlay.staff.close")}
      </Press>
      <Press class="button quiet" onPress={() => send({ type: "staff", data: { on: false } })}>
        {t("overlay.staff.cancel")}
      </Press>
    </Panel>
  );
}

const langName = (t: Translate, code: string): string => {
  const key = `lang.${code}`;
  return isKey(key) ? t(key) : code;
};

function Language(props: { langs: readonly string[] }) {
  const { snap, t, send } = useEnv();
  return (
    <Panel title={t("overlay.language.title")}>
      <div class="options options-tall" role="radiogroup" aria-label={t("overlay.language.title")}>
        {props.langs.map((lang) => (
          <Press
            key={lang}
            class="choice"
            role="radio"
            checked={lang === snap.lang}
            onPress={() => send({ type: "lang", data: { lang } })}
          >
            <span lang={lang}>{langName(t, lang)}</span>
            {lang === snap.lang && <Icon name="check" />}
          </Press>
        ))}
      </div>
      <Press class="button outline" onPress={() => send({ type: "close" })}>
        {t("overlay.language.close")}
      </Press>
    </Panel>
  );
}

const levels = [0, 1, 2, 3] as const;

function Display() {
  const { snap, t, send } = useEnv();
  const { look } = snap;
  return (
    <Panel title={t("overlay.display.title")} class="panel-display">
      <h3 id="opt-size">{t("overlay.display.size")}</h3>
      <div class="options" role="radiogroup" aria-labelledby="opt-size">
        {levels.map((size) => (
          <Press
            key={size}
            class={`choice choice-size-${size}`}
            role="radio"
            checked={size === look.size}
            onPress={() => send({ type: "size", data: { size } })}
          >
            {t(`size.${size}`)}
          </Press>
        ))}
      </div>
      <h3 id="opt-contrast">{t("overlay.display.contrast")}</h3>
      <div class="options" role="radiogroup" aria-labelledby="opt-contrast">
        {everyContrast.map((contrast) => (
          <Press
            key={contrast}
            class="choice"
            role="radio"
            checked={contrast === look.contrast}
            onPress={() => send({ type: "contrast", data: { contrast } })}
          >
            <span class={`swatch swatch-${contrast}`} aria-hidden="true" />
            {t(`contrast.${contrast}`)}
          </Press>
        ))}
      </div>
      <h3 id="opt-volume">{t("overlay.display.volume")}</h3>
      <div class="options" role="radiogroup" aria-labelledby="opt-volume">
        {levels.map((volume) => (
          <Press
            key={volume}
            class="choice"
            role="radio"
            checked={volume === look.volume}
            onPress={() => send({ type: "volume", data: { volume } })}
          >
            {t(`volume.${volume}`)}
          </Press>
        ))}
      </div>
      <Press class="button primary" onPress={() => send({ type: "close" })}>
        {t("overlay.display.close")}
      </Press>
    </Panel>
  );
}

export function OverlayLayer(props: { overlay: Overlay }) {
  const { overlay } = props;
  switch (overlay.kind) {
    case "":
      return null;
    case "idle":
      return <Idle />;
    case "home":
      return <Home />;
    case "staff":
      return <StaffCalled />;
    case "language":
      return <Language langs={overlay.langs ?? []} />;
    case "display":
      return <Display />;
  }
}
