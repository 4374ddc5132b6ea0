import type { Contrast } from "../../ui/src/gen/snapshot.ts";
import { test } from "../support/fixtures.ts";
import { expectAccessible, expectWhole, turned, type Barriers } from "../support/look.ts";
import type { Lang } from "../support/texts.ts";
import { stretches } from "../support/tour.ts";

const portrait = { width: 1080, height: 1920 };
const landscape = { width: 1920, height: 1080 };

interface View {
  readonly viewport: typeof portrait;
  readonly contrast: Contrast;
  /** What axe looks for: it sees no layout, so each language once is enough, and of each theme the contrast. */
  readonly axe?: Barriers;
}

interface Tour {
  readonly lang: Lang;
  /** How the shopper walks, and how each screen is turned to be seen once more on the spot. */
  readonly walked: View;
  readonly turned: View;
}

/** Every language in every orientation; the themes are dealt out over them. */
const tours: readonly Tour[] = [
  {
    lang: "ja",
    walked: { viewport: portrait, contrast: "normal", axe: "all" },
    turned: { viewport: landscape, contrast: "high", axe: "contrast" },
  },
  {
    lang: "en",
    walked: { viewport: landscape, contrast: "dark", axe: "all" },
    turned: { viewport: portrait, contrast: "normal" },
  },
];

for (const { lang, walked, turned: other } of tours) {
  test.describe(`every screen, ${lang}, portrait and landscape: no barrier, nothing cut`, () => {
    test.slow(); // some twenty screens, each looked at with care
    test.use({ lang, fonts: true, viewport: walked.viewport });
    for (const [stretch, walk] of Object.entries(stretches)) {
      test(stretch, async ({ scene }) => {
        const { me } = scene;
        const examine = async (screen: string, { axe }: View) => {
          await expectWhole(me.page, screen);
          if (axe) await expectAccessible(me.page, screen, axe);
        };
        me.look = { size: 1, contrast: walked.contrast };
        await me.settle();
        await walk(scene, async (screen) => {
          await examine(screen, walked);
          await turned(me.page, other.viewport, other.contrast, () => examine(`${screen}, turned`, other));
        });
      });
    }
  });
}
