import { Mark, TakeSlip } from "../art/pictures";
import type { AppliedView, Delivery, IssuedView, ReservedView, SlipOutcome } from "../contract";
import { useEnv } from "../env";
import { date, group } from "../format";
import { Stage } from "../frame/stage";
import { DeliveryLine, ServiceHead, SlipLine, Where } from "../parts/bits";
import { Value } from "../parts/field";
import { Phones } from "../parts/phones";
import { Press } from "../parts/press";

const marks: Record<Delivery, "done" | "queued" | "refused" | "working"> = {
  sending: "working",
  accepted: "done",
  queued: "queued",
  refused: "refused",
};

/** Where the slip comes out, while it is on its way or waits there. */
function Mouth(props: { slip: SlipOutcome | "" }) {
  if (props.slip !== "printing" && props.slip !== "printed" && props.slip !== "unconfirmed") return null;
  return (
    <div class="mouth">
      <TakeSlip />
      <Where device="printer" />
    </div>
  );
}

export function IssuedScreen(props: { screen: IssuedView }) {
  const { t, send } = useEnv();
  const { screen } = props;
  return (
    <Stage class="stage-result" say={<ServiceHead service={screen.service} />} art={<Mark kind="done" />}>
      <dl class="shown">
        {screen.fields.map((field) => (
          <div key={field.label}>
            <dt>{field.label}</dt>
            <dd>
              <Value parts={group(field.value, field.groups)} />
            </dd>
          </div>
        ))}
      </dl>
      <p class="small">{t("issued.keep")}</p>
      <SlipLine slip={screen.slip} because={screen.because} again={screen.again} />
      <Mouth slip={screen.slip} />
      {screen.onward && (
        <Press class="button quiet finish" onPress={() => send({ type: "another" })}>
          {t("step.issued.finish")}
        </Press>
      )}
    </Stage>
  );
}

export function ReservedScreen(props: { screen: ReservedView }) {
  const { t, send } = useEnv();
  const { screen } = props;
  return (
    <Stage
      class="stage-result"
      title={t(`reserved.title.${screen.delivery}`)}
      help={screen.onward ? t("step.reserved.help") : ""}
      alert={screen.delivery === "refused"}
      art={<Mark kind={marks[screen.delivery]} />}
    >
      <dl class="shown">
        <div>
          <dt>{t("number.label")}</dt>
          <dd>
            <Value parts={[screen.number]} />
          </dd>
        </div>
        {screen.mykey_id !== "" && (
          <div>
            <dt>{t("mykey.label")}</dt>
            <dd>
              <Value parts={group(screen.mykey_id, [4, 4, 4, 4])} />
            </dd>
          </div>
        )}
      </dl>
      {screen.mykey_id === "" && screen.delivery === "queued" && <p class="small">{t("mykey.soon")}</p>}
      <DeliveryLine delivery={screen.delivery} because={screen.because} />
      <SlipLine slip={screen.slip} because={screen.slip_because} again={screen.again} />
      <Mouth slip={screen.slip} />
      {screen.onward && (
        <Press class="button quiet finish" onPress={() => send({ type: "another" })}>
          {t("step.reserved.finish")}
        </Press>
      )}
    </Stage>
  );
}

export function AppliedScreen(props: { screen: AppliedView }) {
  const { snap, t, send } = useEnv();
  const { screen } = props;
  const stands = screen.delivery !== "refused";
  return (
    <Stage
      class="stage-result"
      title={t(`applied.title.${screen.delivery}`)}
      help={stands ? t("step.applied.help") : ""}
      alert={!stands}
      say={snap.kiosk.card && <p class="take-card">{t("applied.take_card")}</p>}
      art={<Mark kind={marks[screen.delivery]} />}
    >
      <dl class="shown">
        <div>
          <dt>{t("number.label")}</dt>
          <dd>
            <Value parts={[screen.number]} />
          </dd>
        </div>
      </dl>
      <DeliveryLine delivery={screen.delivery} because={screen.because} />
      {screen.fix !== "" && (
        <Press class="button outline" onPress={() => send({ type: "another" })}>
          {t(`applied.fix.${screen.fix}`)}
        </Press>
      )}
      {stands && (
        <dl class="facts facts-short">
          <div>
            <dt>{t("applied.service")}</dt>
            <dd>{screen.service.name}</dd>
          </div>
          <div>
            <dt>{t("applied.by")}</dt>
            <dd>{screen.complete_by ? date(screen.complete_by, snap.lang) : t("applied.about")}</dd>
          </div>
          {screen.ask !== "" && (
            <div>
              <dt>{t("service.ask")}</dt>
              <dd>
                <Phones text={screen.ask} />
              </dd>
            </div>
          )}
        </dl>
      )}
      <SlipLine slip={screen.slip} because={screen.slip_because} again={screen.again} />
      <Mouth slip={screen.slip} />
    </Stage>
  );
}
