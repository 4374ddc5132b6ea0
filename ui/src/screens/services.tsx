import { useState } from "preact/hooks";
import { Icon } from "../art/icons";
import { ChooseService } from "../art/pictures";
import type { ServiceRow, Services, ServiceView } from "../contract";
import { useEnv } from "../env";
import { Stage } from "../frame/stage";
import { GrantsTag, Note, Pager, ServiceHead, ServiceMark } from "../parts/bits";
import { KanaBoard, LetterBoard } from "../parts/boards";
import { Phones } from "../parts/phones";
import { Press } from "../parts/press";

function Rows(props: { rows: readonly ServiceRow[]; selected: string; large?: boolean }) {
  const { send } = useEnv();
  const few = (props.large ?? false) && props.rows.length <= 3;
  return (
    <ul class={`services ${few ? "services-few" : ""}`}>
      {props.rows.map((service) => (
        <li key={service.id}>
          <Press
            class="service-row"
            current={service.id === props.selected}
            onPress={() => send({ type: "pick", data: { id: service.id } })}
          >
            <ServiceMark service={service} />
            <span class="service-words">
              <strong class="service-name">{service.name}</strong>
              <span class="service-operator">{service.operator}</span>
              {few && <GrantsTag service={service} />}
            </span>
            {!few && (
              <span class="service-side">
                <GrantsTag service={service} />
              </span>
            )}
          </Press>
        </li>
      ))}
    </ul>
  );
}

export function ServicesScreen(props: { screen: Services }) {
  const { snap, t, send } = useEnv();
  const { screen } = props;
  const [board, setBoard] = useState<"kana" | "letters">(snap.lang === "ja" ? "kana" : "letters");
  const turn = (page: number) => send({ type: "turn", data: { page } });
  const pager = screen.pages > 1 && <Pager page={screen.page} pages={screen.pages} onTurn={turn} />;
  if (!screen.search) {
    return (
      <Stage class="stage-list" art={<ChooseService />}>
        <Rows rows={screen.results} selected={screen.selected} large />
        {pager}
      </Stage>
    );
  }
  const filled = screen.query !== "";
  const found =
    filled && screen.total === 0 ? t("search.none") : filled ? t("search.found", { n: screen.total }) : t("search.popular");
  return (
    <Stage
      class="stage-search"
      say={
        <>
          <div class="field search-field" role="group" aria-label={`${t("search.label")} ${screen.query}`}>
            <Icon name="search" />
            <span class="line-text" aria-hidden="true">
              {filled ? screen.query : <span class="placeholder">{t("search.empty")}</span>}
              {filled && <span class="caret" />}
            </span>
          </div>
          <p class="list-title" role="status">
            {found}
          </p>
          <Rows rows={screen.results} selected={screen.selected} />
          {pager}
        </>
      }
    >
      {board === "kana" ? (
        <KanaBoard filled={filled} onSwitch={() => setBoard("letters")} />
      ) : (
        <LetterBoard filled={filled} space onSwitch={() => setBoard("kana")} />
      )}
    </Stage>
  );
}

export function ServiceScreen(props: { screen: ServiceView }) {
  const { t, send } = useEnv();
  const { service, about, reward, ask, carried } = props.screen;
  return (
    <Stage class="stage-service" art={<ChooseService />}>
      <div class="sheet">
        <ServiceHead service={service} />
        <dl class="facts">
          <div>
            <dt>{t("service.points")}</dt>
            <dd>
              <GrantsTag service={service} />
              <p>{reward}</p>
            </dd>
          </div>
          <div>
            <dt>{t("service.about")}</dt>
            <dd>{about}</dd>
          </div>
          {ask !== "" && (
            <div>
              <dt>{t("service.ask")}</dt>
              <dd>
                <Phones text={ask} />
              </dd>
            </div>
          )}
        </dl>
      </div>
      {carried && (
        <Note tone="ok">
          <p>{t("service.carried")}</p>
        </Note>
      )}
      <Press class="button outline" onPress={() => send({ type: "another" })}>
        {t("service.another")}
      </Press>
    </Stage>
  );
}
