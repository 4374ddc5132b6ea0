import type { ComponentChildren } from "preact";
import { createContext } from "preact";
import { useContext, useId } from "preact/hooks";

import { sayIn, type Lang, type Say } from "./texts";

/** What every panel needs: the words, and a place to report a refusal. */
export interface Desk {
  readonly lang: Lang;
  readonly say: Say;
  /** act runs one handle of the API and shows its error, if it has one. */
  act(call: Promise<void>): void;
}

export const DeskContext = createContext<Desk>({ lang: "en", say: sayIn("en"), act: () => undefined });
export const useDesk = () => useContext(DeskContext);

interface PanelProps {
  readonly area: string;
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** Panel is one device. */
export function Panel({ area, title, aside, children }: PanelProps) {
  const id = useId();
  return (
    <section class={`panel panel-${area}`} aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

interface SegmentsProps<T extends string> {
  readonly legend: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly text: string; readonly tone: Tone }[];
  onPick(value: T): void;
}

/** Segments is a row of radio buttons: what a device is, and what it could be. */
export function Segments<T extends string>({ legend, value, options, onPick }: SegmentsProps<T>) {
  const name = useId();
  return (
    <fieldset class="segments">
      <legend>{legend}</legend>
      <div class="segments-row">
        {options.map((o) => (
          <label key={o.value} class={`segment tone-${o.tone}`}>
            <input type="radio" name={name} value={o.value} checked={o.value === value} onChange={() => onPick(o.value)} />
            <span>{o.text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export type Tone = "ok" | "warn" | "bad" | "plain";

interface FactProps {
  readonly term: string;
  readonly tone: Tone;
  readonly children: ComponentChildren;
}

/** Fact is one cell of the status row. Its mark differs in shape as well as in colour. */
export function Fact({ term, tone, children }: FactProps) {
  return (
    <div class={`fact tone-${tone}`}>
      <dt>{term}</dt>
      <dd>
        <Mark tone={tone} />
        <span>{children}</span>
      </dd>
    </div>
  );
}

function Mark({ tone }: { readonly tone: Tone }) {
  if (tone === "plain") return null;
  return (
    <svg class="mark" viewBox="0 0 16 16" aria-hidden="true">
      {tone === "ok" && (
        <>
          <circle cx="8" cy="8" r="7" />
          <path class="mark-line" d="M4.8 8.3 7 10.5l4.2-5" />
        </>
      )}
      {tone === "warn" && (
        <>
          <path d="M8 1.2 15.2 14.4H.8z" />
          <path class="mark-line" d="M8 6v4M8 11.8v.6" />
        </>
      )}
      {tone === "bad" && (
        <>
          <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" />
          <path class="mark-line" d="m5.5 5.5 5 5m0-5-5 5" />
        </>
      )}
    </svg>
  );
}
