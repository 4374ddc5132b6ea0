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

/** Digits with what holds them together: 0120-000-000, 9:00–17:00, 9時~17時. */
const together = /[0-9]+(?:[0-9:\-‐–~〜～時分]*[0-9時分])?/gu;

/** Splits a text where a line may break, so that numbers stay whole. */
export function phones(text: string): { text: string; whole: boolean }[] {
  const out: { text: string; whole: boolean }[] = [];
  let at = 0;
  for (const found of text.matchAll(together)) {
    if (found[0].length < 4) continue;
    if (found.index > at) out.push({ text: text.slice(at, found.index), whole: false });
    out.push({ text: found[0], whole: true });
    at = found.index + found[0].length;
  }
  if (at < text.length) out.push({ text: text.slice(at), whole: false });
  return out;
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
