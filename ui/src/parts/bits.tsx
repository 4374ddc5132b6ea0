import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "../art/icons";
import type { Delivery, FaultCode, Place, ServiceRow, SlipOutcome } from "../contract";
import { Arrow } from "../art/pictures";
import { useEnv } from "../env";
import { ink } from "../colour";
import { Press } from "./press";

/** A service's own mark, drawn from its letters and colour. */
export function ServiceMark(props: { service: ServiceRow }) {
  const { mark, colour } = props.service;
  return (
    <span class="service-mark" style={{ backgroundColor: colour, color: ink(colour) }} aria-hidden="true">
      {mark}
    </span>
  );
}

/** When a service grants its points. */
export function GrantsTag(props: { service: ServiceRow }) {
  const { t } = useEnv();
  return <span class="tag">{t(props.service.grants === "topup" ? "grants.topup" : "grants.purchase")}</span>;
}

/** One service as a heading. */
export function ServiceHead(props: { service: ServiceRow; grants?: boolean }) {
  return (
    <div class="service-head">
      <ServiceMark service={props.service} />
      <div class="service-words">
        <p class="service-name">{props.service.name}</p>
        <p class="service-operator">{props.service.operator}</p>
        {props.grants && <GrantsTag service={props.service} />}
      </div>
    </div>
  );
}

export type Tone = "info" | "ok" | "warn" | "bad";

const toneIcons: Record<Tone, IconName> = { info: "info", ok: "check", warn: "warn", bad: "warn" };

/** A message in the page: colour, icon and words. */
export function Note(props: { tone: Tone; icon?: IconName; children: ComponentChildren; live?: boolean }) {
  return (
    <div class={`note note-${props.tone}`} role={props.live ? "status" : undefined}>
      <Icon name={props.icon ?? toneIcons[props.tone]} />
      <div class="note-text">{props.children}</div>
    </div>
  );
}

/** A box to tick, the whole row is the target. */
export function Tick(props: { on: boolean; disabled?: boolean; hint?: string; children: ComponentChildren }) {
  const { send } = useEnv();
  return (
    <Press
      class="tick"
      role="checkbox"
      checked={props.on}
      disabled={props.disabled ?? false}
      onPress={() => send({ type: "box", data: { on: !props.on } })}
    >
      <span class="tick-box">{props.on && <Icon name="check" />}</span>
      <span class="tick-text">
        {props.children}
        {props.hint && <small>{props.hint}</small>}
      </span>
    </Press>
  );
}

/** Big page buttons; says how much is left. */
export function Pager(props: { page: number; pages: number; onTurn(page: number): void; more?: (() => boolean) | undefined; rest?: boolean }) {
  const { t } = useEnv();
  const { page, pages } = props;
  const left = pages - page - 1;
  const forward = () => {
    if (props.more?.()) return;
    props.onTurn(page + 1);
  };
  return (
    <div class="pager">
      <Press class="button quiet" disabled={page === 0} onPress={() => props.onTurn(page - 1)}>
        <Icon name="up" />
        <span>{t("pager.prev")}</span>
      </Press>
      <p class="pager-where" role="status">
        <strong>{t("pager.of", { at: page + 1, of: pages })}</strong>
        <span>{left > 1 ? t("pager.left", { n: left }) : left === 1 ? t("pager.left_one") : t("pager.last")}</span>
      </p>
      <Press class="button outline" disabled={left === 0 && !props.rest} onPress={forward}>
        <span>{t(props.rest ? "pager.more" : "pager.next")}</span>
        <Icon name="down" />
      </Press>
    </div>
  );
}

/** Where a device is: an arrow and words. */
export function Where(props: { device: "reader" | "waon" | "printer" }) {
  const { snap, t } = useEnv();
  const place: Place = snap.kiosk.layout[props.device];
  return (
    <p class={`where where-${place}`}>
      <Arrow to={place} />
      <span>{t(props.device === "printer" ? `mouth.dir.${place}` : `card.dir.${place}`)}</span>
    </p>
  );
}

const deliveries: Record<Delivery, { tone: Tone; icon: IconName }> = {
  sending: { tone: "info", icon: "cloud" },
  accepted: { tone: "ok", icon: "check" },
  queued: { tone: "warn", icon: "clock" },
  refused: { tone: "bad", icon: "cross" },
};

/** Where a submission is, truthfully. */
export function DeliveryLine(props: { delivery: Delivery; because: FaultCode | "" }) {
  const { t } = useEnv();
  const { tone, icon } = deliveries[props.delivery];
  return (
    <Note tone={tone} icon={icon} live>
      <p>{t(`delivery.${props.delivery}`)}</p>
      {props.delivery === "refused" && props.because !== "" && (
        <>
          <p>
            <strong>{t(`fault.${props.because}.title`)}</strong>
          </p>
          <p>{t(`fault.${props.because}.text`)}</p>
          <p>{t(`fault.${props.because}.do`)}</p>
        </>
      )}
    </Note>
  );
}

const slips: Record<SlipOutcome, Tone> = {
  printing: "info",
  printed: "ok",
  unconfirmed: "info",
  not_printed: "warn",
  unknown: "warn",
};

/** What became of the slip, truthfully. */
export function SlipLine(props: { slip: SlipOutcome | ""; because: FaultCode | ""; again: boolean }) {
  const { t, send } = useEnv();
  if (props.slip === "") return null;
  return (
    <Note tone={slips[props.slip]} icon="slip" live>
      <p>{t(`slipstate.${props.slip}`)}</p>
      {props.because !== "" && <p class="small">{t(`fault.${props.because}.title`)}</p>}
      {props.again && (
        <Press class="button outline slip-again" onPress={() => send({ type: "print_again" })}>
          {t("slipstate.again")}
        </Press>
      )}
    </Note>
  );
}
