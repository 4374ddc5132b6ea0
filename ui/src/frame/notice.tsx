import type { Line } from "../socket";
import type { Translate } from "../i18n";

/** The daemon cannot be heard: a calm screen over everything. */
export function Notice(props: { line: Exclude<Line, "up">; t: Translate }) {
  const { line, t } = props;
  const key = line === "lost" ? "notice.lost" : "notice.start";
  return (
    <div class="notice" role="alert">
      <div class="spinner" aria-hidden="true" />
      <h1>{t(`${key}.title`)}</h1>
      <p>{t(`${key}.text`)}</p>
      {line === "lost" && <p class="small">{t("notice.lost.do")}</p>}
    </div>
  );
}
