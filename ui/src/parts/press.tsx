import type { ComponentChildren, TargetedPointerEvent } from "preact";
import { useRef, useState } from "preact/hooks";
import { useEnv } from "../env";

export interface PressProps {
  onPress(): void;
  children: ComponentChildren;
  class?: string;
  disabled?: boolean;
  label?: string;
  pressed?: boolean;
  current?: boolean;
  /** Neither shows nor sounds that it was pressed: the keys of a secret. */
  discreet?: boolean;
  role?: "radio" | "checkbox";
  checked?: boolean;
  id?: string;
  describedBy?: string;
}

/**
 * A target that acts when it is released where it was pressed. A hand that
 * slides within the target still counts, one that leaves it does nothing.
 */
export function Press(props: PressProps) {
  const { play, scene, taps } = useEnv();
  const pointer = useRef<number | null>(null);
  const [down, setDown] = useState(false);

  const act = () => {
    if (!props.discreet) play("tick");
    props.onPress();
  };
  const within = (event: TargetedPointerEvent<HTMLButtonElement>) => {
    const under = document.elementFromPoint(event.clientX, event.clientY);
    return under !== null && event.currentTarget.contains(under);
  };
  const release = () => {
    pointer.current = null;
    setDown(false);
  };

  return (
    <button
      type="button"
      id={props.id}
      class={`press ${props.class ?? ""} ${down && !props.discreet ? "is-down" : ""}`}
      disabled={props.disabled ?? false}
      aria-label={props.label}
      aria-pressed={props.pressed}
      aria-current={props.current ? "true" : undefined}
      aria-describedby={props.describedBy}
      role={props.role}
      aria-checked={props.role ? (props.checked ?? false) : undefined}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        if (taps.isEcho({ x: event.clientX, y: event.clientY, at: event.timeStamp, scene })) return;
        pointer.current = event.pointerId;
        setDown(true);
      }}
      onPointerMove={(event) => {
        if (pointer.current === event.pointerId) setDown(within(event));
      }}
      onPointerUp={(event) => {
        const mine = pointer.current === event.pointerId && within(event);
        release();
        if (mine) act();
      }}
      onPointerCancel={release}
      onPointerLeave={() => setDown(false)}
      // A click without a pointer: the keyboard or assistive technology.
      onClick={(event) => {
        if (event.detail === 0) act();
      }}
    >
      {props.children}
    </button>
  );
}
