import { Icon } from "../art/icons";
import { Staff } from "../art/pictures";
import type { Check, CheckRow, ManageView, Trouble } from "../contract";
import { useElapsed, useEnv } from "../env";
import { count, date, dateTime, group, seconds } from "../format";
import { Stage } from "../frame/stage";
import type { Translate } from "../i18n";
import { Note, Pager, ServiceHead } from "../parts/bits";
import { Value } from "../parts/field";
import { Phones } from "../parts/phones";
import { Press } from "../parts/press";

function checkValue(row: CheckRow, t: Translate) {
  if (row.masked > 0) return <span>{t("check.masked", { n: row.masked })}</span>;
  switch (row.key) {
    case "guardian":
      return <span>{t("check.yes")}</span>;
    default:
      return row.groups.length > 0 ? <Value parts={group(row.value, row.groups)} /> : <span>{row.value}</span>;
  }
}

/** The head of the sheet shows the service, its operator and when it grants points. */
const besideHead = (row: CheckRow): boolean => row.key !== "service" && row.key !== "operator" && row.key !== "grants";

export function CheckScreen(props: { screen: Check }) {
  const { t, send } = useEnv();
  const { screen } = props;
  const edit = (key: CheckRow["key"], label: string) => (
    <Press
      class="button small-button"
      label={`${label} ${t("check.edit")}`}
      onPress={() => send({ type: "pick", data: { id: key } })}
    >
      <Icon name="edit" />
      <span>{t("check.edit")}</span>
    </Press>
  );
  return (
    <Stage
      class="stage-check"
      help=""
      say={
        <Note tone="warn">
          <p>
            <strong>{t("step.apply_check.help")}</strong>
          </p>
          <p>{t(screen.pin_kept ? "check.kept" : "check.pin")}</p>
        </Note>
      }
    >
      <div class="sheet">
        <div class="sheet-head">
          <ServiceHead service={screen.service} grants />
          {screen.rows.some((row) => row.key === "service" && row.edit) && edit("service", t("check.service"))}
        </div>
        <dl class="rows">
          {screen.rows.filter(besideHead).map((row, i) => {
            const label = row.label !== "" ? row.label : t(`check.${row.key}`);
            return (
              <div key={`${row.key}-${i}`}>
                <dt>{label}</dt>
                <dd>{checkValue(row, t)}</dd>
                {row.edit && <dd>{edit(row.key, label)}</dd>}
              </div>
            );
          })}
        </dl>
      </div>
    </Stage>
  );
}

export function ManageScreen(props: { screen: ManageView }) {
  const { snap, t, send } = useEnv();
  const { screen } = props;
  return (
    <Stage
      class="stage-manage"
      say={
        <>
          <ServiceHead service={screen.service} />
          <dl class="facts facts-short">
            <div>
              <dt>{t("manage.status")}</dt>
              <dd>
                <strong>{t(`manage.status.${screen.status}`)}</strong>
              </dd>
            </div>
            {screen.applied_at && (
              <div>
                <dt>{t("manage.applied_at")}</dt>
                <dd>{date(screen.applied_at, snap.lang)}</dd>
              </div>
            )}
            {screen.complete_by && screen.status !== "completed" && (
              <div>
                <dt>{t("manage.complete_by")}</dt>
                <dd>{date(screen.complete_by, snap.lang)}</dd>
              </div>
            )}
          </dl>
        </>
      }
    >
      {screen.fields.length > 0 ? (
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
      ) : (
        <p class="small">{t("manage.hidden")}</p>
      )}
      <section class="points">
        <h2>
          {t("manage.points")}
          <strong>{t("manage.point", { n: count(screen.points_sum, snap.lang) })}</strong>
        </h2>
        {screen.points.length === 0 ? (
          <p class="small">{t("manage.points_none")}</p>
        ) : (
          <ul>
            {screen.points.map((grant) => (
              <li key={grant.at}>
                <span>{dateTime(grant.at, snap.lang)}</span>
                <span>{t(grant.for === "topup" ? "manage.for.topup" : "manage.for.purchase")}</span>
                <strong>{t("manage.point", { n: count(grant.points, snap.lang) })}</strong>
              </li>
            ))}
          </ul>
        )}
      </section>
      {screen.pages > 1 && (
        <Pager page={screen.page} pages={screen.pages} onTurn={(page) => send({ type: "turn", data: { page } })} />
      )}
    </Stage>
  );
}

export function TroubleScreen(props: { screen: Trouble }) {
  const { snap, t, send } = useEnv();
  const { screen } = props;
  const elapsed = useElapsed(snap, screen.wait > 0);
  const wait = seconds(screen.wait * 1000 - elapsed);
  return (
    <Stage
      class="stage-trouble"
      alert
      title={t(`fault.${screen.code}.title`)}
      help={t(`fault.${screen.code}.text`)}
      art={<Staff />}
    >
      <div class="todo">
        <Icon name="next" />
        <p>
          <Phones text={t(`fault.${screen.code}.do`)} />
        </p>
      </div>
      {wait > 0 && <p class="small">{t("trouble.wait", { n: wait })}</p>}
      {screen.other !== "" &&
        (screen.retry ? (
          <Press class="button quiet" onPress={() => send({ type: "another" })}>
            {t(`trouble.other.${screen.other}`)}
          </Press>
        ) : (
          <Press class="button quiet" onPress={() => send({ type: "home" })}>
            {t("overlay.idle.end")}
          </Press>
        ))}
      <p class="code-line">{t("trouble.code", { code: screen.code })}</p>
    </Stage>
  );
}
