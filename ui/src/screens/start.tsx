import { Icon } from "../art/icons";
import { HaveReady, KeepSlip, Mark, Staff } from "../art/pictures";
import type { FaultCode, Goodbye, Menu, MenuChoice, Recovered } from "../contract";
import { useElapsed, useEnv } from "../env";
import { seconds } from "../format";
import { Stage } from "../frame/stage";
import type { Key } from "../i18n";
import { Note, Where } from "../parts/bits";
import { Value } from "../parts/field";
import { Press } from "../parts/press";

/** The device a fault belongs to, for the one line of the menu. */
function deviceOf(code: FaultCode): "reader" | "line" | "printer" | "storage" | "other" {
  switch (code) {
    case "reader_gone":
      return "reader";
    case "line_down":
    case "hub_slow":
    case "hub_refused":
    case "hub_rubbish":
    case "issuer_down":
    case "platform_down":
      return "line";
    case "printer_gone":
    case "paper_out":
    case "paper_low":
    case "cover_open":
    case "cutter_jam":
    case "head_hot":
    case "printer_failed":
    case "slip_unknown":
      return "printer";
    case "storage_full":
      return "storage";
    default:
      return "other";
  }
}

/** What is missing, once for each device. */
function reasons(choice: MenuChoice): Key[] {
  const how = choice.available ? "less" : "off";
  const devices = choice.because.map(deviceOf);
  // Where a plan is off, only what turns it off counts.
  const counted = choice.available ? devices : devices.filter((d) => d !== "printer");
  return [...new Set(counted)].map((device): Key => `because.${device}.${how}`);
}

/** Why nothing at all can be begun here: then this is said, and no list of what cannot be done. */
function closedBy(faults: readonly FaultCode[]): "not_enrolled" | "kiosk_revoked" | null {
  for (const code of faults) if (code === "not_enrolled" || code === "kiosk_revoked") return code;
  return null;
}

function Closed(props: { code: "not_enrolled" | "kiosk_revoked" }) {
  const { t } = useEnv();
  const { code } = props;
  return (
    <Stage class="stage-trouble stage-closed" title={t(`fault.${code}.title`)} help={t(`fault.${code}.text`)} art={<Staff />}>
      <div class="todo">
        <Icon name="next" />
        <p>{t(`fault.${code}.do`)}</p>
      </div>
      <p class="code-line">{t("trouble.code", { code })}</p>
    </Stage>
  );
}

export function MenuScreen(props: { screen: Menu }) {
  const { snap, t, send } = useEnv();
  const closed = closedBy(snap.kiosk.faults);
  if (closed) return <Closed code={closed} />;
  return (
    <Stage class="stage-menu" art={<HaveReady />}>
      <ul class="plans">
        {props.screen.choices.map((choice, i) => (
          <li key={choice.plan}>
            <Press
              class={`plan ${i === 0 && choice.available ? "plan-first" : ""}`}
              disabled={!choice.available}
              onPress={() => send({ type: "start", data: { plan: choice.plan } })}
            >
              <span class="plan-words">
                <strong class="plan-title">{t(`plan.${choice.plan}.title`)}</strong>
                <span class="plan-text">{t(`plan.${choice.plan}.text`)}</span>
                {reasons(choice).map((key) => (
                  <span class="plan-because" key={key}>
                    <Icon name="info" />
                    {t(key)}
                  </span>
                ))}
              </span>
              {choice.available && (
                <span class="plan-side">
                  <span class="plan-time">{t(`plan.${choice.plan}.time`)}</span>
                  <Icon name="next" />
                </span>
              )}
            </Press>
          </li>
        ))}
      </ul>
    </Stage>
  );
}

export function RecoveredScreen(props: { screen: Recovered }) {
  const { t } = useEnv();
  return (
    <Stage class="stage-recovered" art={<KeepSlip />}>
      <ul class="found">
        {props.screen.items.map((item) => (
          <li key={item.number}>
            <p class="label">{t(`recovered.${item.kind}`)}</p>
            <p class="big-number">
              <span class="label">{t("number.label")}</span>
              <Value parts={[item.number]} />
            </p>
          </li>
        ))}
      </ul>
    </Stage>
  );
}

/** Only somebody who has a slip is told to take it. */
function goodbyeText(screen: Goodbye): Key {
  return screen.reason === "finished" && !screen.slip ? "goodbye.finished_plain" : `goodbye.${screen.reason}`;
}

export function GoodbyeScreen(props: { screen: Goodbye }) {
  const { snap, t } = useEnv();
  const left = snap.deadline?.why === "goodbye" ? snap.deadline.left_ms : null;
  const elapsed = useElapsed(snap, left !== null);
  return (
    <Stage class="stage-end" help="" title={t("step.goodbye.title")}>
      <Mark kind="done" />
      <p class="end-line" role="status">
        {t("step.goodbye.help")}
      </p>
      <p class="help">{t(goodbyeText(props.screen))}</p>
      {snap.kiosk.card && (
        <Note tone="warn" live>
          <p>
            <strong>{t("goodbye.card")}</strong>
          </p>
          <Where device="reader" />
        </Note>
      )}
      {left !== null && <p class="small">{t("goodbye.top", { n: seconds(left - elapsed) })}</p>}
    </Stage>
  );
}
