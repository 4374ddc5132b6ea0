import { join } from "node:path";

import { expect, test } from "../support/fixtures.ts";
import { expectAccessible, expectWhole } from "../support/look.ts";
import { SmallDisk } from "../support/smalldisk.ts";
import type { Lang } from "../support/texts.ts";
import { Visitor } from "../support/visitor.ts";

const portrait = { width: 1080, height: 1920 };
const landscape = { width: 1920, height: 1080 };

for (const { lang, viewport } of [
  { lang: "ja", viewport: portrait },
  { lang: "en", viewport: landscape },
] satisfies { lang: Lang; viewport: typeof portrait }[]) {
  test(`a disk that is nearly full, ${lang}: said on the first screen, until there is room again`, async ({ house, browser }, info) => {
    const kiosk = new SmallDisk(40, join(house.hubd.data, "enrolment", "demo.json"));
    try {
      const context = await browser.newContext({ baseURL: await kiosk.url(), viewport, reducedMotion: "reduce", locale: "ja-JP" });
      const me = new Visitor(await context.newPage(), lang);
      await me.arrive();
      await me.says("because.storage.off");
      const plan = (name: "full" | "issue" | "reserve" | "apply" | "manage") => me.page.getByRole("button", { name: me.t(`plan.${name}.title`) });
      for (const name of ["full", "issue", "reserve", "apply"] as const) await expect(plan(name)).toBeDisabled();
      await expect(plan("manage")).toBeEnabled();
      await expectWhole(me.page, "top, disk full");
      await expectAccessible(me.page, "top, disk full", "all");
      await me.page.screenshot({ path: info.outputPath("top-storage-full.png"), animations: "disabled" });
      await kiosk.grow(200);
      await expect(plan("full")).toBeEnabled();
      await expect(plan("reserve")).toBeEnabled();
      await context.close();
    } finally {
      await kiosk.end();
    }
  });
}
