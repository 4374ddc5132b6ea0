const paths = {
  home: "M4 11.5 12 5l8 6.5M6.5 10v9h11v-9",
  globe: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM3.5 12h17M12 3.5c5 5 5 12 0 17M12 3.5c-5 5-5 12 0 17",
  text: "M3 18 8.5 5 14 18M5 14h7M15 18l3-7 3 7M16 16h4",
  sound: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5ZM15.5 9c1.6 1.8 1.6 4.2 0 6M18 6.5c3.2 3.2 3.2 7.8 0 11",
  mute: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5ZM16 9.5l5 5M21 9.5l-5 5",
  staff: "M12 4a3.6 3.6 0 1 0 0 7.2A3.6 3.6 0 0 0 12 4ZM4.5 20c.4-4.6 3-6.4 7.5-6.4s7.1 1.8 7.5 6.4Z",
  back: "M19 12H5.5M11.5 6l-6 6 6 6",
  next: "M5 12h13.5M12.5 6l6 6-6 6",
  up: "M12 18.5V6M6 12l6-6 6 6",
  down: "M12 5.5V18M6 12l6 6 6-6",
  check: "m5 12.5 4.8 5L19 7.5",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  erase: "M9 6h10.5v12H9L3.5 12ZM11.5 9.5l5 5M16.5 9.5l-5 5",
  shift: "M12 5 5 12.5h4V18h6v-5.5h4Z",
  search: "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12ZM15 15l5 5",
  warn: "M12 4.5 3 19.5h18ZM12 10v5M12 17.3v.2",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 11v5.5M12 7.6v.2",
  lock: "M6 11h12v8.5H6ZM8.5 11V8.2a3.5 3.5 0 0 1 7 0V11",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 7.5V12l3.2 2.2",
  slip: "M6.5 3.5h11v17l-2.2-1.6-2.2 1.6-2.2-1.6-2.2 1.6-2.2-1.6ZM9.5 8h5M9.5 11.5h5",
  cloud: "M7 18.5a4 4 0 0 1-.4-8A5.5 5.5 0 0 1 17 9.6a4.5 4.5 0 0 1 .4 8.9Z",
  edit: "m5 19 .8-3.8L16 5l3 3L8.8 18.2Z",
} as const;

export type IconName = keyof typeof paths;

/** Icons always come with words. */
export function Icon(props: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[props.name]} />
    </svg>
  );
}
