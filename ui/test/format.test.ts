import { describe, expect, it } from "vitest";
import { ink } from "../src/colour";
import { clock, count, date, day, group, phones, seconds, slots } from "../src/format";
import { textUnits, unit } from "../src/look";

describe("group", () => {
  it.each([
    ["6900123456789012", [4, 4, 4, 4], ["6900", "1234", "5678", "9012"]],
    ["09012345678", [3, 4, 4], ["090", "1234", "5678"]],
    ["12345", [3], ["123", "45"]],
    ["12", [3, 3], ["12"]],
    ["AB12", [], ["AB12"]],
    ["", [4], []],
  ])("sets %s by %j", (text, groups, want) => {
    expect(group(text, groups)).toEqual(want);
  });
});

describe("slots", () => {
  it("has a place for every character, empty ones at the end", () => {
    expect(slots("090", 11, [3, 4, 4])).toEqual([["0", "9", "0"], ["", "", "", ""], ["", "", "", ""]]);
  });

  it("falls back to one group when the groups do not add up", () => {
    expect(slots("1", 3, [2, 2])).toEqual([["1", "", ""]]);
  });
});

describe("time", () => {
  it("never shows less than nothing", () => {
    expect(seconds(-5)).toBe(0);
    expect(seconds(1)).toBe(1);
    expect(clock(245_000)).toBe("4:05");
  });

  it("shows dates of Japan whatever the machine's zone", () => {
    expect(date("2026-11-23T15:30:00Z", "ja")).toBe("2026年11月24日");
    expect(date("2026-11-23T15:30:00Z", "en")).toBe("November 24, 2026");
    expect(day("1955-04-01", "ja")).toBe("1955年4月1日");
    expect(count(5000, "en")).toBe("5,000");
  });
});

describe("ink", () => {
  it("reads on any mark", () => {
    expect(ink("#ffffff")).toBe("#000000");
    expect(ink("#8a1a5b")).toBe("#ffffff");
    expect(ink("not a colour")).toBe("#000000");
  });
});

describe("look", () => {
  it("keeps the short side at 1080 units", () => {
    expect(unit(1080, 1920)).toEqual({ px: 1, orientation: "portrait" });
    expect(unit(1920, 1080)).toEqual({ px: 1, orientation: "landscape" });
    expect(unit(1280, 800).px).toBeCloseTo(2 / 3);
  });

  it("has capitals of at least 4.8 mm as standard and 8.5 mm at most", () => {
    const mm = (size: number) => (textUnits(size, "portrait") * 0.733 * 194) / 1080;
    expect(mm(1)).toBeGreaterThanOrEqual(4.8);
    expect(mm(3)).toBeCloseTo(8.5);
    expect(mm(9)).toBeCloseTo(8.5);
  });
});

describe("phones", () => {
  const whole = (text: string) => phones(text).filter((part) => part.whole).map((part) => part.text);

  it("keeps numbers and times in one piece", () => {
    expect(whole("イオンカード ヘルプデスク 0120-000-001(例・9時〜17時)")).toEqual(["0120-000-001", "9時〜17時"]);
    expect(whole("AEON Card help desk 0120-000-001 (example, 9:00–17:00)")).toEqual(["0120-000-001", "9:00–17:00"]);
  });

  it("loses nothing", () => {
    for (const text of ["", "0120-000-001", "登録は約1日で完了", "Call 03-1234-5678, or 0120-000-000."]) {
      expect(phones(text).map((part) => part.text).join("")).toBe(text);
    }
    expect(whole("登録は約1日で完了")).toEqual([]);
  });
});
