import type { Place } from "../contract";
import { MyNumberCard, ReaderPlate, Sheet } from "./pen";

export function CardLying(props: { reading?: boolean }) {
  return (
    <Sheet>
      <g transform="translate(60 158)">
        <ReaderPlate />
      </g>
      <g transform="translate(100 80)">
        <MyNumberCard />
      </g>
      <g class={props.reading ? "waves" : ""}>
        <path class="bold accent-line" d="M74 96c-10 14-10 32 0 46M246 96c10 14 10 32 0 46" />
        <path class="thin accent-line" d="M56 84c-17 22-17 48 0 70M264 84c17 22 17 48 0 70" />
      </g>
    </Sheet>
  );
}

/** The back of a card with one place marked. */
function MarkedCard(props: { x: number; y: number; width: number; digits: string }) {
  const { x, y, width } = props;
  return (
    <Sheet>
      <rect class="fill bold" x="34" y="30" width="252" height="160" rx="14" />
      <path class="ink" d="M34 56h252v24H34Z" />
      <rect class="tint thin" x="54" y="98" width="96" height="24" rx="3" />
      <path class="thin" d="M54 172h70" />
      <rect class="accent-soft bold accent-line" x={x} y={y} width={width} height="30" rx="6" />
      <text class="art-text" x={x + width / 2} y={y + 21} text-anchor="middle">
        {props.digits}
      </text>
    </Sheet>
  );
}

export const WAONNumber = () => <MarkedCard x={54} y={136} width={212} digits="6900 0000 0000 0000" />;

export const SecurityCode = () => <MarkedCard x={176} y={94} width={90} digits="123456" />;

export function FrontNumber() {
  return (
    <Sheet>
      <rect class="fill bold" x="34" y="30" width="252" height="160" rx="14" />
      <rect class="tint thin" x="56" y="58" width="42" height="32" rx="4" />
      <path class="bold accent-line" d="M238 54c6 6 6 18 0 24M252 48c10 9 10 27 0 36" />
      <rect class="accent-soft bold accent-line" x="50" y="108" width="220" height="32" rx="6" />
      <text class="art-text" x="160" y="130" text-anchor="middle">
        1234 5678 9012 3456
      </text>
      <path class="thin" d="M56 164h96" />
    </Sheet>
  );
}

export function PhoneCode() {
  return (
    <Sheet>
      <rect class="fill bold" x="102" y="12" width="116" height="198" rx="18" />
      <path class="thin" d="M146 26h28" />
      <g class="appear">
        <path class="accent-soft bold accent-line" d="M62 62h168a12 12 0 0 1 12 12v46a12 12 0 0 1-12 12H102l-22 20v-20H62a12 12 0 0 1-12-12V74a12 12 0 0 1 12-12Z" />
        <text class="art-text big" x="146" y="108" text-anchor="middle">
          123456
        </text>
      </g>
      <circle class="thin" cx="160" cy="192" r="6" />
    </Sheet>
  );
}

/** The slip on its way out, 150 wide. */
export function TakeSlip() {
  return (
    <Sheet>
      <path class="fill bold" d="M50 24h220a12 12 0 0 1 12 12v40a12 12 0 0 1-12 12H50a12 12 0 0 1-12-12V36a12 12 0 0 1 12-12Z" />
      <path class="bold" d="M78 66h164" />
      <g class="move-out">
        <path class="fill bold" d="M98 66h124v126l-10.3-8-10.4 8-10.3-8-10.3 8-10.4-8-10.3 8-10.3-8-10.4 8-10.3-8-10.3 8-10.4-8-6.3 8Z" />
        <path class="thin" d="M116 92h60M116 108h88M116 124h72" />
        <rect class="accent" x="116" y="138" width="88" height="22" rx="4" />
      </g>
    </Sheet>
  );
}

export function KeepSlip() {
  return (
    <Sheet>
      <path class="fill bold" d="M112 20h96v104h-96Z" />
      <path class="thin" d="M128 42h40M128 58h64M128 74h52" />
      <path class="fill bold" d="M66 92h188a12 12 0 0 1 12 12v84a14 14 0 0 1-14 14H68a14 14 0 0 1-14-14v-84a12 12 0 0 1 12-12Z" />
      <path class="tint thin" d="M206 130h60v36h-60a18 18 0 0 1 0-36Z" />
      <circle class="accent" cx="214" cy="148" r="7" />
    </Sheet>
  );
}

export function ChooseService() {
  return (
    <Sheet>
      {[0, 1, 2].map((row) => (
        <g key={row} transform={`translate(60 ${26 + row * 60})`}>
          <rect class={row === 1 ? "accent-soft bold accent-line" : "fill thin"} width="200" height="48" rx="10" />
          <circle class={row === 1 ? "accent" : "tint thin"} cx="28" cy="24" r="12" />
          <path class="thin" d="M54 18h84M54 32h52" />
        </g>
      ))}
      <path class="bold" d="m232 96 8 8 16-18" />
    </Sheet>
  );
}

export function Staff() {
  return (
    <Sheet>
      <circle class="fill bold" cx="160" cy="70" r="34" />
      <path class="fill bold" d="M82 202c4-58 32-78 78-78s74 20 78 78Z" />
      <path class="accent" d="m140 124 20 30 20-30Z" />
      <path class="thin" d="M126 60c8-26 60-26 68 0" />
      <path class="bold accent-line" d="M228 48c10 12 10 32 0 44M246 36c18 20 18 48 0 68" />
    </Sheet>
  );
}

/** A round mark: done, queued or refused. */
export function Mark(props: { kind: "done" | "queued" | "refused" | "working" }) {
  return (
    <Sheet class={`mark mark-${props.kind}`} w={120} h={120}>
      <circle class="mark-disc" cx="60" cy="60" r="54" />
      {props.kind === "done" && <path class="mark-line draw" d="m34 62 18 18 34-38" />}
      {props.kind === "queued" && <path class="mark-line draw" d="M60 30v32l20 14M60 30" />}
      {props.kind === "refused" && <path class="mark-line draw" d="M42 42l36 36M78 42 42 78" />}
      {props.kind === "working" && <path class="mark-line" d="M38 60h.1M60 60h.1M82 60h.1" />}
    </Sheet>
  );
}

const turns: Record<Place, number> = { right: 0, below: 90, left: 180, above: 270 };

/** An arrow to where a device really is. */
export function Arrow(props: { to: Place }) {
  return (
    <svg class={`arrow arrow-${props.to}`} viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <g transform={`rotate(${turns[props.to]} 32 32)`}>
        <circle class="accent" cx="32" cy="32" r="32" />
        <path class="arrow-line" d="M16 32h30M34 19l13 13-13 13" />
      </g>
    </svg>
  );
}

/** The service's app on a phone, with the line that holds the number. */
export function AppScreen(props: { line: "id" | "code" }) {
  return (
    <Sheet>
      <rect class="fill bold" x="96" y="12" width="128" height="196" rx="18" />
      <path class="thin" d="M142 26h36M116 52h56" />
      <rect class={props.line === "id" ? "accent-soft bold accent-line" : "tint thin"} x="78" y="72" width="164" height="40" rx="8" />
      <rect class={props.line === "code" ? "accent-soft bold accent-line" : "tint thin"} x="78" y="126" width="164" height="40" rx="8" />
      <path class="bold" d={props.line === "id" ? "M98 92h96" : "M98 146h60"} />
      <path class="thin" d="M150 194h20" />
    </Sheet>
  );
}

/** The slip of an issuance, with the line that holds the number. */
export function SlipLines(props: { line: "id" | "code" }) {
  return (
    <Sheet>
      <path class="fill bold" d="M92 14h136v184l-13.6-9-13.6 9-13.6-9-13.6 9-13.6-9-13.6 9-13.6-9-13.6 9-13.6-9-13.6 9Z" />
      <path class="thin" d="M112 38h72M112 54h96" />
      <rect class={props.line === "id" ? "accent-soft bold accent-line" : "tint thin"} x="76" y="70" width="168" height="38" rx="8" />
      <rect class={props.line === "code" ? "accent-soft bold accent-line" : "tint thin"} x="76" y="122" width="168" height="38" rx="8" />
      <path class="bold" d={props.line === "id" ? "M98 89h104" : "M98 141h60"} />
    </Sheet>
  );
}

/** The front of a card with the line of the name. */
export function CardName() {
  return (
    <Sheet>
      <rect class="fill bold" x="34" y="30" width="252" height="160" rx="14" />
      <rect class="tint thin" x="56" y="54" width="42" height="32" rx="4" />
      <path class="thin" d="M56 112h44M112 112h44M168 112h44M224 112h40" />
      <rect class="accent-soft bold accent-line" x="50" y="134" width="150" height="34" rx="6" />
      <text class="art-text" x="125" y="157" text-anchor="middle">
        ヤマダ タロウ
      </text>
    </Sheet>
  );
}

export function Calendar() {
  return (
    <Sheet>
      <rect class="fill bold" x="70" y="34" width="180" height="162" rx="14" />
      <path class="bold" d="M70 78h180M112 20v28M208 20v28" />
      {[0, 1, 2].map((row) => (
        <g key={row}>
          {[0, 1, 2, 3].map((column) => (
            <rect
              class={row === 1 && column === 2 ? "accent" : "tint thin"}
              x={90 + column * 37}
              y={94 + row * 33}
              width="28"
              height="22"
              rx="4"
              key={column}
            />
          ))}
        </g>
      ))}
    </Sheet>
  );
}

/** A password: a lock above what was typed. */
export function Lock() {
  return (
    <Sheet>
      <path class="bold" d="M126 96V66a34 34 0 0 1 68 0v30" />
      <rect class="fill bold" x="104" y="94" width="112" height="70" rx="12" />
      <circle class="accent" cx="160" cy="124" r="10" />
      <path class="bold accent-line" d="M160 128v16" />
      <rect class="accent-soft bold accent-line" x="84" y="180" width="152" height="34" rx="8" />
      <path class="bold" d="M106 197h.1M128 197h.1M150 197h.1M172 197h.1M194 197h.1M214 197h.1" />
    </Sheet>
  );
}

/** Three places for a PIN, two of them used up. */
export function LastOfThree() {
  return (
    <Sheet>
      <g transform="translate(90 14) scale(1.17)">
        <MyNumberCard />
      </g>
      {[0, 1].map((i) => (
        <g key={i}>
          <circle class="tint thin" cx={92 + i * 68} cy="162" r="26" />
          <path class="bold" d={`M${82 + i * 68} 152l20 20m0-20-20 20`} />
        </g>
      ))}
      <circle class="accent-soft bold accent-line" cx="228" cy="162" r="26" />
      <text class="art-text big" x="228" y="173" text-anchor="middle">
        1
      </text>
    </Sheet>
  );
}

/** What to have at hand: the card and its four digits. */
export function HaveReady() {
  return (
    <Sheet>
      <g transform="translate(70 14) scale(1.5)">
        <MyNumberCard />
      </g>
      {[0, 1, 2, 3].map((i) => (
        <circle class={i < 2 ? "accent" : "accent-soft bold accent-line"} cx={94 + i * 44} cy="176" r="15" key={i} />
      ))}
    </Sheet>
  );
}

/** Pages to read to the end. */
export function ReadPages() {
  return (
    <Sheet>
      <path class="tint thin" d="M122 14h116v150H122Z" />
      <path class="fill bold" d="M86 34h130v166H86Z" />
      <path class="thin" d="M106 62h70M106 84h90M106 104h90M106 124h62" />
      <rect class="accent-soft bold accent-line" x="106" y="150" width="30" height="30" rx="6" />
      <path class="bold accent-line" d="m113 165 6 7 11-14M150 166h44" />
    </Sheet>
  );
}
