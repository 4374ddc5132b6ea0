import type { StepName } from "../../ui/src/gen/snapshot.ts";
import { expect, test } from "../support/fixtures.ts";
import { hanako, taro } from "../support/people.ts";
import type { Lang } from "../support/texts.ts";
import { wholeVisit } from "../support/walk.ts";

/** Every question of the whole visit, in order: each comes once and none asks for what is known. */
const questions: StepName[] = [
  "top",
  "issue_kind", "issue_terms", "issue_card", "issue_name", "issue_birth", "issue_phone", "issue_code", "issue_password", "issued",
  "card", "pin", "reserved",
  "apply_service", "apply_terms", "apply_check", "applied",
  "goodbye",
];

const visitors = [
  { title: "with a WAON card", who: taro },
  { title: "without a WAON card", who: hanako },
];

for (const lang of ["ja", "en"] satisfies Lang[]) {
  for (const { title, who } of visitors) {
    test.describe(`whole visit, ${lang}`, () => {
      test.use({ lang });

      test(title, async ({ scene }) => {
        const { me, dock, hub } = scene;
        me.hand = "screen";
        await wholeVisit(scene, who);

        expect(me.trail.filter((step) => step !== "reading")).toEqual(questions);
        await dock.expectSlips(3);
        await hub.expectOnce("issuance");
        await hub.expectOnce("reservation");
        await hub.expectOnce("application");
        expect(await hub.submissions()).toHaveLength(3);

        const seen = me.snapshots.map((s) => JSON.stringify(s));
        expect(seen.filter((s) => s.includes(who.password))).toEqual([]);
        const left = seen.at(-1) ?? "";
        for (const personal of [who.name, who.phone, who.card, who.birth[lang]]) expect(left).not.toContain(personal);
        expect(await me.page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length)).toBe(0);
      });
    });
  }
}
