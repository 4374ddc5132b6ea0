/** The shopper's texts, as the screen and the slip have them. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import type jaType from "../../internal/lang/ja.json";

export type Lang = "ja" | "en";
export type Key = keyof typeof jaType;

const folder = resolve(import.meta.dirname, "../../internal/lang");
const load = (lang: Lang) => JSON.parse(readFileSync(resolve(folder, `${lang}.json`), "utf8")) as Record<Key, string>;
const texts: Record<Lang, Record<Key, string>> = { ja: load("ja"), en: load("en") };

/** text is what the screen says; a missing key is an error here and not an empty match. */
export function text(lang: Lang, key: Key, values: Record<string, string | number> = {}): string {
  const found = texts[lang][key];
  if (!found) throw new Error(`no text for ${key} in ${lang}`);
  return found.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}

interface Service {
  readonly id: string;
  readonly name: Record<Lang, string>;
  readonly id_field: { readonly min: number; readonly tap: string };
  readonly code_fields: readonly { readonly min: number }[];
  readonly phone_last4: boolean;
}

const catalogue = JSON.parse(
  readFileSync(resolve(import.meta.dirname, "../../internal/catalogue/data/services.json"), "utf8"),
) as { services: Service[] };

/** service is an entry of the catalogue. */
export function service(id: string): Service {
  const found = catalogue.services.find((s) => s.id === id);
  if (!found) throw new Error(`no service ${id}`);
  return found;
}
