import { describe, expect, it } from "vitest";
import { digitRows, kanaMarks, kanaRows, letterRows, typed, type Press } from "../src/keys";

const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  isComposing: false,
  ...more,
});

describe("keyboards", () => {
  it("has every digit but 0, which stands in the bottom row", () => {
    expect(digitRows.flat().join("")).toBe("123456789");
  });

  it("has the whole kana table, read from the right", () => {
    const columns = Array.from({ length: 10 }, (_, i) => kanaRows.map((row) => row[9 - i]).join(""));
    expect(columns).toEqual([
      "アイウエオ", "カキクケコ", "サシスセソ", "タチツテト", "ナニヌネノ",
      "ハヒフヘホ", "マミムメモ", "ヤユヨ", "ラリルレロ", "ワヲンー",
    ]);
    expect(kanaMarks).toEqual(["゛", "゜", "小"]);
  });

  it("has every letter and digit once", () => {
    expect([...letterRows.flat()].sort().join("")).toBe("0123456789abcdefghijklmnopqrstuvwxyz");
  });
});

describe("a real keyboard", () => {
  it("types what the field takes and nothing else", () => {
    expect(typed(press("5"), "digits")).toEqual({ do: "key", text: "5" });
    expect(typed(press("\uFF15"), "digits")).toEqual({ do: "key", text: "\uFF15" });
    expect(typed(press("a"), "digits")).toBeNull();
    expect(typed(press("A"), "letters")).toEqual({ do: "key", text: "A" });
    expect(typed(press("-"), "letters")).toBeNull();
    expect(typed(press("か"), "kana")).toEqual({ do: "key", text: "か" });
    expect(typed(press(" "), "kana")).toEqual({ do: "key", text: " " });
    expect(typed(press("F5"), "kana")).toBeNull();
  });

  it("deletes and goes on", () => {
    expect(typed(press("Backspace"), "digits")).toEqual({ do: "erase" });
    expect(typed(press("Delete"), "kana")).toEqual({ do: "clear" });
    expect(typed(press("Enter"), "letters")).toEqual({ do: "next" });
  });

  it("leaves the browser's and the input method's keys alone", () => {
    expect(typed(press("1", { ctrlKey: true }), "digits")).toBeNull();
    expect(typed(press("あ", { isComposing: true }), "kana")).toBeNull();
  });
});
