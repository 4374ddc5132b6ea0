import type { Look } from "./contract";

/** Height of a Latin capital in millimetres for each text size, on the reference panel. */
const capitalMM = [3.9, 5.0, 6.4, 8.5] as const;

/** Noto Sans: height of a capital over the font size. */
const capitalRatio = 0.733;

/**
 * The layout is drawn in units: 1/1080 of the short side of the screen. The
 * reference panels are 15.6" upright and 21.5" lying, both 1080 units on the
 * short side.
 */
const unitsPerMM = { portrait: 1080 / 194, landscape: 1080 / 268 } as const;

export type Orientation = keyof typeof unitsPerMM;

/** Font size of running text, in layout units. */
export function textUnits(size: number, orientation: Orientation): number {
  const mm = capitalMM[Math.min(Math.max(0, Math.trunc(size)), capitalMM.length - 1)] ?? capitalMM[1];
  return (mm * unitsPerMM[orientation]) / capitalRatio;
}

/** Pixels of one layout unit in a window. */
export function unit(width: number, height: number): { px: number; orientation: Orientation } {
  return width < height
    ? { px: Math.min(width / 1080, height / 1920), orientation: "portrait" }
    : { px: Math.min(width / 1920, height / 1080), orientation: "landscape" };
}

/** Sets language, text size and theme on the root, where the style sheets take them from. */
export function apply(root: HTMLElement, look: Look, lang: string, width: number, height: number): void {
  const { px, orientation } = unit(width, height);
  root.lang = lang;
  root.dataset["theme"] = look.contrast;
  root.dataset["size"] = String(look.size);
  root.dataset["orientation"] = orientation;
  root.style.setProperty("--u", `${px}px`);
  root.style.fontSize = `${px * textUnits(look.size, orientation)}px`;
}
