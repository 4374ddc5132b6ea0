import { CardLying, LastOfThree } from "../art/pictures";
import { CardAtReader } from "../art/reader";
import type { CardView, PINView } from "../contract";
import { useElapsed, useEnv } from "../env";
import { seconds } from "../format";
import { Stage } from "../frame/stage";
import { Note, Where } from "../parts/bits";
import { Keypad } from "../parts/boards";
import { ProblemLine } from "../parts/field";
import { Press } from "../parts/press";

/** What the reader sees, in words; the lights say the same. */
function ReaderLine(props: { screen: CardView }) {
  const { snap, t } = useEnv();
  const { screen } = props;
  const { busy } = snap;
  const elapsed = useElapsed(snap, busy !== null);
  if (screen.status === "problem" && screen.problem !== "") {
    return (
      <Note tone="bad" live>
        <p>
          <strong>{t(`fault.${screen.problem}.title`)}</strong>
        </p>
        <p>{t(`fault.${screen.problem}.do`)}</p>
      </Note>
    );
  }
  const working = screen.status === "reading" || busy !== null;
  const words = busy ? t(`busy.${busy.with}`) : t(`card.status.${screen.status}`);
  return (
    <div class="reader-line" role="status">
      <p class={`reader-state ${working ? "is-working" : ""}`}>
        <span class="dot" />
        {words}
      </p>
      {busy && !busy.slow && (
        <p class="small">{t("busy.limit", { n: seconds(Math.max(1000, busy.limit_ms - busy.since_ms - elapsed)) })}</p>
      )}
      {busy?.slow && <p class="small">{t("busy.slow_wait")}</p>}
    </div>
  );
}

export function CardScreen(props: { screen: CardView }) {
  const { snap, t, send, orientation } = useEnv();
  const { screen } = props;
  const lying = screen.step === "reading" || screen.status === "reading";
  return (
    <Stage class="stage-card">
      <div class="picture">{lying ? <CardLying reading /> : <CardAtReader card="mynumber" place={snap.kiosk.layout.reader} orientation={orientation} />}</div>
      <ReaderLine screen={screen} />
      {!lying && <Where device="reader" />}
      {screen.step === "card" && screen.status !== "problem" && (
        <p class="small center">{t(screen.purpose === "apply" ? "card.why.apply" : "card.why.reserve")}</p>
      )}
      {screen.step === "card" &&
        (screen.guardian ? (
          <p class="small center">{t("card.guardian_on")}</p>
        ) : (
          <Press class="button quiet" onPress={() => send({ type: "another" })}>
            {t("card.guardian")}
          </Press>
        ))}
    </Stage>
  );
}

export function PINScreen(props: { screen: PINView }) {
  const { t } = useEnv();
  const { screen } = props;
  const why = screen.resume ? t("pin.why.resume") : t(screen.purpose === "apply" ? "pin.why.apply" : "pin.why.reserve");
  const few = screen.tries_left < screen.tries_max;
  return (
    <Stage
      class="stage-entry stage-digits stage-pin stage-beside"
      art={<CardLying />}
      say={
        <>
          <p class="help">{why}</p>
          <p class="small">{t(screen.card ? "pin.leave" : "pin.put")}</p>
        </>
      }
    >
      <div class="typing">
        <div class={`field pins ${screen.problem ? "is-bad" : ""}`} role="group" aria-label={`${t("label.pin")} ${t("pin.count", { n: screen.count })}`}>
          {[0, 1, 2, 3].map((i) => (
            <span class={`pin ${i < screen.count ? "is-full" : ""}`} key={i} />
          ))}
        </div>
        <ProblemLine problem={screen.problem} />
        <p class={`tries ${few ? "tries-few" : ""}`}>
          {screen.problem === null && <strong>{t("pin.tries", { n: screen.tries_left })}</strong>}
          <span class="small">{t("pin.lock", { max: screen.tries_max })}</span>
        </p>
      </div>
      <Keypad secret filled={screen.count > 0} />
    </Stage>
  );
}

export function LastTryScreen() {
  const { t } = useEnv();
  return (
    <Stage class="stage-last" alert art={<LastOfThree />}>
      <Note tone="warn">
        <p>{t("last_try.back")}</p>
      </Note>
    </Stage>
  );
}
