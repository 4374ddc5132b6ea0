import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import en from "../../internal/lang/en.json";
import ja from "../../internal/lang/ja.json";
import { everyFaultCode, everyPlan, everyStepName } from "../src/contract";
import { fixtures } from "../src/fixtures";
import { fetchLanguage, fill, isKey, isReady, translator } from "../src/i18n";
import { primaryKey } from "../src/primary";

const files = { ja: ja as Record<string, string>, en: en as Record<string, string> };
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "dock" ? [] : sources(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

beforeAll(async () => {
  expect(isReady("en")).toBe(false);
  expect(translator("en")("bar.back")).toBe(ja["bar.back"]);
  await fetchLanguage("en");
});

describe("language files", () => {
  it("have equal keys and placeholders", () => {
    expect(Object.keys(files.en).sort()).toEqual(Object.keys(files.ja).sort());
    for (const key of Object.keys(files.ja)) {
      expect(placeholders(files.en[key] ?? ""), key).toEqual(placeholders(files.ja[key] ?? ""));
    }
  });

  it("have every key that the code names", () => {
    const named = sources(join(import.meta.dirname, "../src")).flatMap((path) =>
      [...readFileSync(path, "utf8").matchAll(/\bt\(\s*"([^"]+)"/g)].map((m) => m[1] ?? ""),
    );
    expect(named.length).toBeGreaterThan(50);
    for (const key of named) expect(isKey(key), key).toBe(true);
  });

  it("have words for every step, plan and fault", () => {
    for (const step of everyStepName) {
      expect(files.ja[`step.${step}.title`], step).toBeTruthy();
    }
    for (const plan of everyPlan) expect(files.en[`plan.${plan}.title`], plan).toBeTruthy();
    for (const code of everyFaultCode) {
      for (const part of ["title", "text", "do"]) {
        expect(files.ja[`fault.${code}.${part}`], code).toBeTruthy();
        expect(files.en[`fault.${code}.${part}`], code).toBeTruthy();
      }
    }
  });

  it("keep Japanese headlines short", () => {
    for (const step of everyStepName) {
      expect(Array.from(files.ja[`step.${step}.title`] ?? "").length, step).toBeLessThanOrEqual(20);
    }
  });
});

describe("translator", () => {
  it("fills in, and leaves what it was not given", () => {
    expect(fill("{a} of {b}", { a: 1 })).toBe("1 of {b}");
    expect(translator("en")("progress.of", { at: 3, of: 8 })).toBe("3 / 8");
  });

  it("falls back to Japanese for a language it does not have", () => {
    expect(isReady("fr")).toBe(true);
    expect(translator("fr")("bar.back")).toBe(ja["bar.back"]);
    expect(translator("en")("bar.back")).toBe(en["bar.back"]);
  });
});

describe("the one filled button", () => {
  it("is named on every screen, or there is none", () => {
    for (const lang of ["ja", "en"] as const) {
      for (const [name, snap] of Object.entries(fixtures(lang))) {
        const key = primaryKey(snap.screen);
        if (snap.nav.next) {
          expect(key, name).not.toBeNull();
          expect(key && translator(lang)(key), name).not.toBe("");
        }
      }
    }
  });

  it("says the act with the words of the leaflet", () => {
    const t = translator("ja");
    expect(t("step.issue_code.next")).toBe("認証");
    expect(t("step.issue_password.next")).toBe("設定");
    expect(t("step.apply_service.next")).toBe("次へ進む");
    expect(t("step.apply_terms.next")).toBe("申込へ進む");
    expect(t("step.apply_phone.next")).toBe("確認");
    expect(t("step.apply_check.next")).toBe("申込");
  });
});

describe("fixtures", () => {
  it("show every step", () => {
    const shown = new Set(Object.values(fixtures("ja")).map((snap) => snap.screen.step));
    for (const step of everyStepName) expect(shown.has(step), step).toBe(true);
  });
});
