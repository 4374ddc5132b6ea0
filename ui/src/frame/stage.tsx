import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useEnv } from "../env";

/** The body of a screen: one half explains, the other acts. */
export function Stage(props: {
  title?: string;
  help?: string;
  /** Beside the headline: a picture. */
  art?: ComponentChildren;
  /** Below the help. */
  say?: ComponentChildren;
  children?: ComponentChildren;
  class?: string;
  alert?: boolean;
}) {
  const { snap, t } = useEnv();
  const { step } = snap.screen;
  const title = props.title ?? t(`step.${step}.title`);
  const help = props.help ?? t(`step.${step}.help`);
  const headline = useRef<HTMLHeadingElement>(null);
  // A new question is announced, and the keyboard starts at its top.
  useEffect(() => headline.current?.focus({ preventScroll: true }), []);
  return (
    <div class={`stage ${props.class ?? ""}`}>
      <section class="say" role={props.alert ? "alert" : undefined}>
        <h1 ref={headline} tabIndex={-1}>
          {title}
        </h1>
        <div class="say-words">
          {help !== "" && <p class="help">{help}</p>}
          {props.say}
        </div>
        {props.art && <div class="say-art">{props.art}</div>}
      </section>
      <section class="act">{props.children}</section>
    </div>
  );
}
