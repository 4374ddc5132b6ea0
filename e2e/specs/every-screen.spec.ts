import type { Contrast } from "../../ui/src/gen/snapshot.ts";
import { test } from "../support/fixtures.ts";
import { expectAccessible, expectWhole } from "../support/look.ts";
import type { Lang } from "../support/texts.ts";
import { stretches } from "../support/tour.ts";

const portrait = { width: 1080, height: 1920 };
const landscape = { width: 1920, height: 1080 };

interface View {
  readonly name: string;
  readonly lang: Lang;
  readonly viewport: typeof portrait;
  readonly contrast: Contrast;
  /** Whether axe looks as well: it sees no layout, so each language and theme once is enough. */
  readonly axe: boolean;
}

/** Every language in every orientation; the themes are dealt out over them. */
const views: readonly View[] = [
  { name: "ja portrait", lang: "ja", viewport: portrait, contrast: "normal", axe: true },
  { name: "en portrait, dark", lang: "en", viewport: portrait, contrast: "dark", axe: true },
  { name: "ja landscape, high contrast", lang: "ja", viewport: landscape, contrast: "high", axe: true },
  { name: "en landscape", lang: "en", viewport: landscape, contrast: "normal", axe: false },
];

for (const { name, lang, viewport, contrast, axe } of views) {
  test.describe(`every screen, ${name}: no barrier, nothing cut`, () => {
    test.slow(); // some twenty screens, each looked at with care
    test.use({ lang, viewport });
    for (const [stretch, walk] of Object.entries(stretches)) {
      test(stretch, async ({ scene }) => {
        const { me } = scene;
        me.look = { size: 1, contrast };
        await me.settle();
        await walk(scene, async (screen) => {
          await expectWhole(me.page, screen);
          if (axe) await expectAccessible(me.page, screen);
        });
      });
    }
  });
}
