import type { Persona, PersonaKind } from "./api";

/** CardFace is a small drawing of a card, one for each kind. */
export function CardFace({ kind }: { readonly kind: PersonaKind }) {
  return (
    <svg class={`face face-${kind}`} viewBox="0 0 64 40" aria-hidden="true">
      <Face kind={kind} />
    </svg>
  );
}

function Face({ kind }: { readonly kind: PersonaKind }) {
  return (
    <>
      <rect class="face-body" x="1" y="1" width="62" height="38" rx="4" />
      {kind === "mynumber" && (
        <>
          <rect class="face-photo" x="6" y="12" width="13" height="17" rx="1.5" />
          <circle class="face-person" cx="12.5" cy="18" r="3" />
          <path class="face-person" d="M7.5 29c0-4 2-6.5 5-6.5s5 2.5 5 6.5z" />
          <path class="face-line" d="M24 14h22M24 20h16M24 26h19" />
          <rect class="face-chip" x="49" y="16" width="9" height="8" rx="1.5" />
          <path class="face-line" d="M6 7h26M6 34h40" />
        </>
      )}
      {kind === "waon" && (
        <>
          <path class="face-wave" d="M1 27c11-9 20-9 31-2s20 6 31-1v11a4 4 0 0 1-4 4H5a4 4 0 0 1-4-4z" />
          <path class="face-line" d="M8 9h20M8 15h12" />
          <path class="face-arc" d="M46 8a5 5 0 0 1 0 9M50 5.5a9 9 0 0 1 0 14" />
        </>
      )}
      {kind === "other" && (
        <>
          <rect class="face-chip" x="8" y="14" width="11" height="9" rx="1.5" />
          <path class="face-line" d="M8 29h30M8 34h18" />
        </>
      )}
    </>
  );
}

interface ReaderPictureProps {
  readonly card: Persona | undefined;
  readonly power: boolean;
  readonly torn: boolean;
}

/** ReaderPicture is the card reader from above, with the card that lies on it. */
export function ReaderPicture({ card, power, torn }: ReaderPictureProps) {
  return (
    <svg class={power ? "reader-picture" : "reader-picture off"} viewBox="0 0 240 190" aria-hidden="true">
      <path class="cable" d={power ? "M120 172v18" : "M120 172v6M112 190c0-8 16-2 16-12"} />
      <rect class="reader-body" x="20" y="14" width="200" height="160" rx="18" />
      <rect class="reader-plate" x="38" y="34" width="164" height="112" rx="10" />
      <g class="reader-waves">
        <path d="M108 78a17 17 0 0 1 0 24M116 71a27 27 0 0 1 0 38M124 64a37 37 0 0 1 0 52" />
      </g>
      <circle class={power ? "reader-led on" : "reader-led"} cx="120" cy="160" r="4" />
      {card && (
        <g class={torn ? `laid laid-${card.kind} loose` : `laid laid-${card.kind}`}>
          <svg class={`face-${card.kind}`} x="48" y="42" width="144" height="90" viewBox="0 0 64 40">
            <Face kind={card.kind} />
          </svg>
        </g>
      )}
    </svg>
  );
}
