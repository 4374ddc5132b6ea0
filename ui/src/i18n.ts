import ja from "../../internal/lang/ja.json";

/** A key of the language files: every key used in the code is checked by the compiler. The slip's are not in the page. */
export type Key = Exclude<keyof typeof ja, `slip.${string}`>;

export type Params = Readonly<Record<string, string | number>>;

/** Looks a text up in one language. */
export type Translate = (key: Key, params?: Params) => string;

type Texts = Record<Key, string>;

/** The languages besides Japanese, each in a file of its own. The types hold them to the same keys. */
const files: Readonly<Record<string, () => Promise<Texts>>> = {
  en: async () => (await import("../../internal/lang/en.json")).default satisfies Texts,
};

/** Puts the numbers and names into a text. A placeholder without a value stays visible: that is a defect. */
export function fill(text: string, params: Params = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

const japanese: Translate = (key, params) => fill(ja[key], params);
const ready = new Map<string, Translate>([["ja", japanese]]);

/** Tells whether the texts of a language are here, or never will be. */
export const isReady = (code: string): boolean => ready.has(code) || !Object.hasOwn(files, code);

/** Fetches the texts of a language, once. */
export async function fetchLanguage(code: string): Promise<void> {
  const file = Object.hasOwn(files, code) ? files[code] : undefined;
  if (!file || ready.has(code)) return;
  const texts = await file();
  ready.set(code, (key, params) => fill(texts[key], params));
}

/** The texts of a language that was fetched; any other gets Japanese. */
export const translator = (code: string): Translate => ready.get(code) ?? japanese;

/** Tells whether a key that was put together at run time exists. */
export const isKey = (key: string): key is Key => Object.hasOwn(ja, key);
