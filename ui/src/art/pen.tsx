import type { ComponentChildren } from "preact";

/** All pictures share one sheet, one pen in two weights and one accent. They say nothing that the text does not. */
export function Sheet(props: { children: ComponentChildren; class?: string; w?: number; h?: number }) {
  return (
    <svg class={`art ${props.class ?? ""}`} viewBox={`0 0 ${props.w ?? 320} ${props.h ?? 220}`} aria-hidden="true" focusable="false">
      {props.children}
    </svg>
  );
}

/** A My Number card, 120 x 76. */
export function MyNumberCard() {
  return (
    <g>
      <rect class="fill bold" x="0" y="0" width="120" height="76" rx="8" />
      <rect class="tint thin" x="12" y="26" width="28" height="36" rx="3" />
      <circle class="thin" cx="26" cy="39" r="6" />
      <path class="thin" d="M15 60c2-9 20-9 22 0" />
      <path class="thin" d="M12 14h44M52 30h54M52 42h40M52 54h30" />
      <circle class="accent" cx="101" cy="58" r="8" />
    </g>
  );
}

/** A payment card with WAON, 120 x 76. */
export function PaymentCard() {
  return (
    <g>
      <rect class="fill bold" x="0" y="0" width="120" height="76" rx="8" />
      <rect class="tint thin" x="12" y="14" width="24" height="18" rx="3" />
      <path class="thin" d="M12 48h20M40 48h20M68 48h20M96 48h12" />
      <path class="thin" d="M12 62h44" />
      <path class="bold accent-line" d="M84 16c4 4 4 12 0 16M93 12c7 6 7 18 0 24M102 8c9 9 9 23 0 32" />
    </g>
  );
}

/** The reader, 200 wide, its plate at y = 0. */
export function ReaderPlate() {
  return (
    <g>
      <path class="fill bold" d="M14 0h172a10 10 0 0 1 10 10v26a12 12 0 0 1-12 12H16A12 12 0 0 1 4 36V10A10 10 0 0 1 14 0Z" />
      <path class="accent" d="M30 12h140a5 5 0 0 1 0 10H30a5 5 0 0 1 0-10Z" />
      <circle class="thin" cx="100" cy="35" r="4" />
    </g>
  );
}
