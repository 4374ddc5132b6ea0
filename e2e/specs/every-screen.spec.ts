import type { Contrast } from "../../ui/src/gen/snapshot.ts";
import { test } from "../support/fixtures.ts";
import { expectAccessible, expectWhole } from "../support/look.ts";
import type { Lang } from "../support/texts.ts";
import { stretches } from "../support/tour.ts";

const portrait = { width: 1080, height: 1920 };
const landscape = { width: 1920, height: 1080 };

/** Every language in every orientation; the looks are dealt out over them. */
const views: readonly { name: string; lang: Lang; viewport: typeof portrait; size: number; contrast: Contrast }[] = [
  { name: "ja portrait", lang: "ja", viewport: portrait, size: 1, contrast: "normal" },
  { name: "en portrait, dark", lang: "en", viewport: portrait, size: 1, contrast: "dark" },
  { name: "ja landscape, high contrast", lang: "ja", viewport: landscape, size: 1, contrast: "high" },
  { name: "en landscape", lang: "en", viewport: landscape, size: 1, contrast: "normal" },
];

for (const { name, lang, viewport, size, contrast } of views) {
  test.describe(`every screen, ${name}: no barrier, nothing cut`, () => {
    test.slow(); // some twenty screens, each looked at with care
    test.use({ lang, viewport });
    for (const [stretch, walk] of Object.entries(stretches)) {
      test(stretch, async ({ scene }) => {
        const { me } = scene;
        me.hand = "keyboard";
        me.look = { size, contrast };
        await me.settle();
        await walk(scene, async (screen) => {
          await expectWhole(me.page, screen);
          await expectAccessible(me.page, screen);
        });
      });
    }
  });
}
