import type { Keyboard } from "./contract";

/** A row of a keyboard; "" is an empty place. */
export type Row = readonly string[];

/** The phone's keypad without its bottom row. */
export const digitRows: readonly Row[] = [
  ["1", "2", "3"],
  ["4", "5", "6"],
  ["7", "8", "9"],
];

/** The kana table, read from the right: ア行 is the last column. */
export const kanaRows: readonly Row[] = [
  ["ワ", "ラ", "ヤ", "マ", "ハ", "ナ", "タ", "サ", "カ", "ア"],
  ["ヲ", "リ", "", "ミ", "ヒ", "ニ", "チ", "シ", "キ", "イ"],
  ["ン", "ル", "ユ", "ム", "フ", "ヌ", "ツ", "ス", "ク", "ウ"],
  ["ー", "レ", "", "メ", "ヘ", "ネ", "テ", "セ", "ケ", "エ"],
  ["", "ロ", "ヨ", "モ", "ホ", "ノ", "ト", "ソ", "コ", "オ"],
];

/** The marks that change the last kana; the daemon knows how. */
export const kanaMarks: Row = ["゛", "゜", "小"];

export const letterRows: readonly Row[] = [
  ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"],
  ["q", "w", "e", "r", "t", "y", "u", "i", "o", "p"],
  ["a", "s", "d", "f", "g", "h", "j", "k", "l"],
  ["z", "x", "c", "v", "b", "n", "m"],
];

/** What a key of a real keyboard means for a field, or null when it means nothing. */
export type Typed = { do: "key"; text: string } | { do: "erase" } | { do: "clear" } | { do: "next" } | null;

/** The parts of a KeyboardEvent that count. */
export interface Press {
  key: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  isComposing: boolean;
}

const accepts: Record<Keyboard, RegExp> = {
  digits: /^[0-9\uFF10-\uFF19]$/u,
  letters: /^[0-9A-Za-z\uFF10-\uFF19\uFF21-\uFF3A\uFF41-\uFF5A]$/u,
  kana: /^[\p{Script=Hiragana}\p{Script=Katakana}ー゛゜\u0020\u30000-9A-Za-z\uFF10-\uFF19\uFF21-\uFF3A\uFF41-\uFF5A]$/u,
};

/** Translates a key of a real keyboard. The daemon folds widths and kana; here only rubbish is kept out. */
export function typed(press: Press, keyboard: Keyboard): Typed {
  if (press.ctrlKey || press.altKey || press.metaKey || press.isComposing) return null;
  switch (press.key) {
    case "Backspace":
      return { do: "erase" };
    case "Delete":
      return { do: "clear" };
    case "Enter":
      return { do: "next" };
    default:
      return accepts[keyboard].test(press.key) ? { do: "key", text: press.key } : null;
  }
}
