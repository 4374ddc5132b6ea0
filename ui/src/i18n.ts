import en from "../../internal/lang/en.json";
import ja from "../../internal/lang/ja.json";

/** A key of the language files: every key used in the code is checked by the compiler. */
export type Key = keyof typeof ja;

export type Params = Readonly<Record<string, string | number>>;

/** Looks a text up in one language. */
export type Translate = (key: Key, params?: Params) => string;

// `satisfies` holds the two files to the same keys at compile time.
const languages = { ja, en: en satisfies Record<Key, string> };

type Lang = keyof typeof languages;

const isLang = (code: string): code is Lang => Object.hasOwn(languages, code);

/** Puts the numbers and names into a text. A placeholder without a value stays visible: that is a defect. */
export function fill(text: string, params: Params = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

/** The texts of a language; an unknown one gets Japanese. */
export function translator(code: string): Translate {
  const texts: Record<Key, string> = isLang(code) ? languages[code] : languages.ja;
  return (key, params) => fill(texts[key], params);
}

/** Tells whether a key that was put together at run time exists. */
export const isKey = (key: string): key is Key => Object.hasOwn(ja, key);
