import { useEffect, useRef, useState } from "preact/hooks";
import type { Consent, TermsView } from "../contract";
import { useEnv } from "../env";
import { Stage } from "../frame/stage";
import { ReadPages } from "../art/pictures";
import { Note, Pager, ServiceHead, Tick } from "../parts/bits";

/**
 * Terms, page by page. In large type a page may not fit: then the page button
 * first moves on within the page, so that nothing is skipped unseen.
 */
export function TermsScreen(props: { screen: TermsView }) {
  const { snap, t, send } = useEnv();
  const { screen } = props;
  const paper = useRef<HTMLDivElement>(null);
  const [rest, setRest] = useState(false);
  const measure = () => {
    const el = paper.current;
    if (el) setRest(el.scrollTop + el.clientHeight < el.scrollHeight - 4);
  };
  useEffect(() => {
    paper.current?.scrollTo({ top: 0 });
    measure();
  }, [screen.page, screen.heading, snap.look.size, snap.lang]);
  const more = () => {
    const el = paper.current;
    if (!el || !rest) return false;
    el.scrollBy({ top: el.clientHeight * 0.85 });
    return true;
  };
  return (
    <Stage class="stage-terms" art={<ReadPages />} say={<ServiceHead service={screen.service} />}>
      <div class="paper" ref={paper} onScroll={measure} tabIndex={0} role="region" aria-label={screen.title}>
        <p class="paper-title">{screen.title}</p>
        <h2>{screen.heading}</h2>
        {screen.paras.map((para, i) => (
          <p key={i}>{para}</p>
        ))}
      </div>
      <Pager
        page={screen.page}
        pages={screen.pages}
        rest={rest}
        more={more}
        onTurn={(page) => send({ type: "turn", data: { page } })}
      />
      <Tick on={screen.ticked} disabled={!screen.all_seen} {...(screen.all_seen ? {} : { hint: t("terms.locked") })}>
        {screen.tick}
      </Tick>
    </Stage>
  );
}

export function ConsentScreen(props: { screen: Consent }) {
  const { t } = useEnv();
  return (
    <Stage class="stage-consent">
      <Tick on={props.screen.ticked}>{t("guardian.box")}</Tick>
      <Note tone="info">
        <p>{t("guardian.note")}</p>
      </Note>
    </Stage>
  );
}
