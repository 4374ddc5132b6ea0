import type { ComponentChildren } from "preact";
import { Icon } from "../art/icons";
import { AppScreen, Calendar, CardName, FrontNumber, Lock, PhoneCode, SecurityCode, SlipLines, WAONNumber } from "../art/pictures";
import { CardAtReader } from "../art/reader";
import type { Birth, Entry, ResendView, StepName } from "../contract";
import { useElapsed, useEnv } from "../env";
import { clock, day, seconds } from "../format";
import { Stage } from "../frame/stage";
import { isKey } from "../i18n";
import { Where } from "../parts/bits";
import { Board, Keypad } from "../parts/boards";
import { LineField, ProblemLine, SlotField } from "../parts/field";
import { Press } from "../parts/press";

/** The catalogue names pictures; without one, the question's own is drawn. */
function picture(name: string, step: StepName): ComponentChildren {
  switch (name) {
    case "waon-number":
      return <WAONNumber />;
    case "waon-code":
    case "card-back-code":
      return <SecurityCode />;
    case "card-number":
      return <FrontNumber />;
    case "phone-code":
      return <PhoneCode />;
    case "app-id":
      return <AppScreen line="id" />;
    case "app-code":
      return <AppScreen line="code" />;
    case "slip-id":
      return <SlipLines line="id" />;
    case "slip-code":
      return <SlipLines line="code" />;
    default:
      return ownPicture(step);
  }
}

function ownPicture(step: StepName): ComponentChildren {
  switch (step) {
    case "issue_name":
      return <CardName />;
    case "issue_password":
    case "manage_password":
      return <Lock />;
    case "issue_phone":
    case "manage_phone":
    case "apply_phone":
      return <PhoneCode />;
    default:
      return null;
  }
}

/** The second message of the one-time password. */
function Resend(props: { resend: ResendView }) {
  const { snap, t, send } = useEnv();
  const { resend } = props;
  const elapsed = useElapsed(snap, resend.in_ms > 0);
  const wait = seconds(resend.in_ms - elapsed);
  if (resend.left === 0) return <p class="small">{t("entry.resend_none")}</p>;
  return (
    <div class="resend">
      <Press class="button outline" disabled={!resend.allowed} onPress={() => send({ type: "resend" })}>
        {resend.allowed || wait === 0 ? t("entry.resend") : t("entry.resend_in", { n: wait })}
      </Press>
      <span class="small">{t("entry.resend_left", { n: resend.left })}</span>
    </div>
  );
}

function CodeLife() {
  const { snap, t } = useEnv();
  const { deadline } = snap;
  const running = deadline?.why === "code";
  const elapsed = useElapsed(snap, running);
  if (!running) return null;
  return (
    <p class="small code-life">
      <Icon name="clock" />
      {t("entry.expires", { time: clock(deadline.left_ms - elapsed) })}
    </p>
  );
}

export function EntryScreen(props: { screen: Entry }) {
  const { snap, t, orientation } = useEnv();
  const { screen } = props;
  const stepLabel = `label.${screen.step}`;
  const label = screen.label !== "" ? screen.label : isKey(stepLabel) ? t(stepLabel) : t(`step.${screen.step}.title`);
  const fixed = screen.min === screen.max && screen.max <= 20;
  const bad = screen.problem !== null;
  const drawn = picture(screen.picture, screen.step);
  return (
    <Stage
      class={`stage-entry stage-${screen.keyboard} ${screen.tap ? "stage-beside" : ""}`}
      {...(screen.hint !== "" ? { help: screen.hint } : {})}
      art={screen.tap ? <CardAtReader card="payment" place={snap.kiosk.layout.waon} orientation={orientation} /> : drawn}
      say={
        <>
          {screen.to !== "" && <p class="help">{t("entry.to", { to: screen.to })}</p>}
          {screen.tap && (
            <div class="tap">
              <p class="tap-title">{t("entry.tap.title")}</p>
              <p>{t("entry.tap.text")}</p>
              <Where device="waon" />
            </div>
          )}
        </>
      }
    >
      <div class="typing">
        <p class="label">
          <span>
            {label}
            {screen.of > 1 && <span class="label-part">{t("entry.part", { at: screen.index + 1, of: screen.of })}</span>}
          </span>
          <CodeLife />
        </p>
        {fixed ? (
          <SlotField
            label={label}
            text={screen.text}
            count={screen.count}
            length={screen.max}
            groups={screen.groups}
            secret={screen.secret}
            bad={bad}
          />
        ) : (
          <LineField
            label={label}
            text={screen.text}
            count={screen.count}
            secret={screen.secret}
            bad={bad}
            note={screen.secret ? t("entry.count", { n: screen.count }) : ""}
          />
        )}
        <ProblemLine problem={screen.problem} />
        {screen.rules.length > 0 && (
          <ul class="rules">
            {screen.rules.map((rule) => (
              <li class={rule.met ? "is-met" : ""} key={rule.code}>
                <span class="rule-mark">{rule.met && <Icon name="check" />}</span>
                {t(`rule.${rule.code}`)}
                <span class="unseen">{t(rule.met ? "rule.met" : "rule.open")}</span>
              </li>
            ))}
          </ul>
        )}
        {screen.resend && <Resend resend={screen.resend} />}
      </div>
      <Board keyboard={screen.keyboard} secret={screen.secret} filled={screen.count > 0} />
    </Stage>
  );
}

export function BirthScreen(props: { screen: Birth }) {
  const { snap, t, send } = useEnv();
  const { screen } = props;
  const yearDigits = screen.era === "western" ? 4 : 2;
  const parts = [
    { name: t("birth.year"), from: 0, length: yearDigits },
    { name: t("birth.month"), from: yearDigits, length: 2 },
    { name: t("birth.day"), from: yearDigits + 2, length: 2 },
  ];
  return (
    <Stage class="stage-entry stage-digits stage-birth" art={<Calendar />}>
      <div class="typing">
        <div class="eras" role="radiogroup" aria-label={t("birth.era")}>
          {screen.eras.map((era) => (
            <Press
              key={era}
              class="choice"
              role="radio"
              checked={era === screen.era}
              onPress={() => send({ type: "era", data: { era } })}
            >
              {t(`era.${era}`)}
            </Press>
          ))}
        </div>
        <div class={`field birth ${screen.problem ? "is-bad" : ""}`} role="group" aria-label={screen.digits}>
          {parts.map((part) => (
            <span class="birth-part" key={part.from}>
              <span class="slot-group">
                {Array.from({ length: part.length }, (_, i) => {
                  const digit = screen.digits[part.from + i] ?? "";
                  return (
                    <span class={`slot ${digit === "" ? "" : "is-full"}`} key={i}>
                      {digit}
                    </span>
                  );
                })}
              </span>
              <span class="birth-name">{part.name}</span>
            </span>
          ))}
        </div>
        {screen.date !== "" && screen.problem === null && (
          <p class="small">{t("birth.is", { date: day(screen.date, snap.lang) })}</p>
        )}
        <ProblemLine problem={screen.problem} />
      </div>
      <Keypad filled={screen.digits !== ""} />
    </Stage>
  );
}
