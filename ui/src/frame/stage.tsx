import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../art/icons";
import { useEnv } from "../env";
import { Press } from "../parts/press";

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
  // In the largest type a screen may not fit: a big button then moves on, nothing is out of reach.
  const act = useRef<HTMLElement>(null);
  const [rest, setRest] = useState(false);
  const measure = () => {
    const el = act.current;
    if (el) setRest(el.scrollTop + el.clientHeight < el.scrollHeight - 8);
  };
  useEffect(measure);
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
      <section class="act" ref={act} onScroll={measure}>
        {props.children}
      </section>
      {rest && (
        <Press class="button outline more" onPress={() => act.current?.scrollBy({ top: act.current.clientHeight * 0.8 })}>
          <span>{t("pager.more")}</span>
          <Icon name="down" />
        </Press>
      )}
    </div>
  );
}
