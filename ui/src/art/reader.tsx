import type { Place } from "../contract";
import type { Orientation } from "../look";
import { MyNumberCard, PaymentCard, ReaderPlate, Sheet } from "./pen";

/** Where screen, reader and card stand on the sheet (320 x 220): left, top, and for the screen its size. */
interface Map {
  screen: [number, number, number, number];
  reader: [number, number];
}

function mapOf(place: Place, orientation: Orientation): Map {
  const upright = orientation === "portrait";
  switch (place) {
    case "left":
      return { screen: upright ? [212, 16, 106, 188] : [196, 58, 124, 76], reader: [4, 156] };
    case "right":
      return { screen: upright ? [2, 16, 106, 188] : [0, 58, 124, 76], reader: [132, 156] };
    case "below":
      return { screen: [64, -6, 192, 64], reader: [68, 176] };
    case "above":
      return { screen: [64, 162, 192, 58], reader: [68, 106] };
  }
}

/** A map of the kiosk: the card goes to the reader, which sits where it really is. */
export function CardAtReader(props: { card: "mynumber" | "payment"; place: Place; orientation: Orientation }) {
  const { screen, reader } = mapOf(props.place, props.orientation);
  const [x, y, width, height] = screen;
  const [left, top] = reader;
  const middle = left + 92;
  return (
    <Sheet class="art-map">
      <g>
        <rect class="fill bold" x={x} y={y} width={width} height={height} rx="10" />
        <rect class="tint thin" x={x + 12} y={y + 12} width={width - 24} height={height - 24} rx="4" />
        <path class="thin" d={`M${x + 24} ${y + 28}h${(width - 48) * 0.7}M${x + 24} ${y + 42}h${width - 48}`} />
      </g>
      <g transform={`translate(${left} ${top}) scale(0.92)`}>
        <ReaderPlate />
      </g>
      <path class="bold accent-line" d={`M${middle} ${top - 30}v20m-10-10 10 11 10-11`} />
      <g class="move-down">
        <g transform={`translate(${middle - 57} ${top - 122}) scale(0.95)`}>
          {props.card === "mynumber" ? <MyNumberCard /> : <PaymentCard />}
        </g>
      </g>
    </Sheet>
  );
}
