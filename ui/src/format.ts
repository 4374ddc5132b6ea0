/** Splits characters as they are set in print: 4-4-4-4. What is left over forms the last group. */
export function group(text: string, groups: readonly number[]): string[] {
  const chars = Array.from(text);
  if (groups.length === 0) return chars.length > 0 ? [text] : [];
  const out: string[] = [];
  let at = 0;
  for (const size of groups) {
    if (at >= chars.length) break;
    out.push(chars.slice(at, at + size).join(""));
    at += size;
  }
  if (at < chars.length) out.push(chars.slice(at).join(""));
  return out;
}

/** The places of a field, by group: for each the typed character, or "" where there is none yet. */
export function slots(text: string, length: number, groups: readonly number[]): string[][] {
  const chars = Array.from(text);
  const sizes = groups.length > 0 && groups.reduce((a, b) => a + b, 0) === length ? groups : [length];
  let at = 0;
  return sizes.map((size) => Array.from({ length: size }, () => chars[at++] ?? ""));
}

/** Whole seconds left, never below 0. */
export const seconds = (ms: number): number => Math.max(0, Math.ceil(ms / 1000));

/** 4:05 */
export function clock(ms: number): string {
  const s = seconds(ms);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

const zone = "Asia/Tokyo";

/** A moment as a date in Japan, in the words of the language. */
export function date(iso: string, lang: string): string {
  return new Intl.DateTimeFormat(lang, { timeZone: zone, year: "numeric", month: "long", day: "numeric" }).format(
    new Date(iso),
  );
}

/** A moment as date and time in Japan. */
export function dateTime(iso: string, lang: string): string {
  return new Intl.DateTimeFormat(lang, {
    timeZone: zone,
    month: "long",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
  }).format(new Date(iso));
}

/** A day without a time, YYYY-MM-DD. */
export function day(ymd: string, lang: string): string {
  return new Intl.DateTimeFormat(lang, { timeZone: "UTC", year: "numeric", month: "long", day: "numeric" }).format(
    new Date(`${ymd}T00:00:00Z`),
  );
}

/** 1,234 */
export const count = (n: number, lang: string): string => new Intl.NumberFormat(lang).format(n);
