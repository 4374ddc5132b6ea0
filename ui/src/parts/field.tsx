import { Icon } from "../art/icons";
import type { EntryProblem } from "../contract";
import { useEnv } from "../env";
import { slots } from "../format";
import { isKey, type Translate } from "../i18n";

/** The words for a problem: its own, those of the fault of that name, or a general plea. */
export function problemText(t: Translate, problem: EntryProblem): string {
  for (const key of [`problem.${problem.code}`, `fault.${problem.code}.title`]) {
    if (isKey(key)) return t(key, { n: problem.n });
  }
  return t("problem.other");
}

/** What is wrong, beside the field. */
export function ProblemLine(props: { problem: EntryProblem | null }) {
  const { t } = useEnv();
  return (
    <p class="problem" role="alert" id="problem">
      {props.problem && (
        <>
          <Icon name="warn" />
          <span>{problemText(t, props.problem)}</span>
        </>
      )}
    </p>
  );
}

/** A field of known length: one place a character, set in groups. */
export function SlotField(props: {
  label: string;
  text: string;
  count: number;
  length: number;
  groups: readonly number[];
  secret: boolean;
  bad: boolean;
}) {
  const { t } = useEnv();
  const shown = props.secret ? "•".repeat(props.count) : props.text;
  const size = props.length > 12 ? "slots-small" : props.length > 8 ? "slots-medium" : "";
  return (
    <div
      class={`field slots ${size} ${props.bad ? "is-bad" : ""}`}
      role="group"
      aria-label={`${props.label} ${props.secret ? t("entry.count", { n: props.count }) : props.text}`}
    >
      {slots(shown, props.length, props.groups).map((part, g) => (
        <span class="slot-group" key={g} aria-hidden="true">
          {part.map((char, i) => (
            <span class={`slot ${char === "" ? "" : "is-full"}`} key={i}>
              {char}
            </span>
          ))}
        </span>
      ))}
    </div>
  );
}

/** A field whose length is free. */
export function LineField(props: {
  label: string;
  text: string;
  count: number;
  secret: boolean;
  bad: boolean;
  note: string;
}) {
  const { t } = useEnv();
  return (
    <div
      class={`field line ${props.bad ? "is-bad" : ""}`}
      role="group"
      aria-label={`${props.label} ${props.secret ? t("entry.count", { n: props.count }) : props.text}`}
    >
      <span class="line-text" aria-hidden="true">
        {props.secret ? <span class="dots">{"•".repeat(props.count)}</span> : props.text}
        <span class="caret" />
      </span>
      <span class="line-note">{props.note}</span>
    </div>
  );
}

/** A value to read off the screen: large, in tabular figures, in groups. */
export function Value(props: { parts: readonly string[] }) {
  return (
    <span class="value">
      {props.parts.map((part, i) => (
        <span key={i}>{part}</span>
      ))}
    </span>
  );
}
