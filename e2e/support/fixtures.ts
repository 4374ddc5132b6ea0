/** A house for each worker: one hub, one kiosk, their own data; every test starts in it afresh. */
import { test as base } from "@playwright/test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Daemon } from "./daemon.ts";
import { PrivatePCSC } from "./pcsc.ts";
import { Dock } from "./dock.ts";
import { Hub } from "./hub.ts";
import type { Lang } from "./texts.ts";
import { Visitor } from "./visitor.ts";
import type { Scene } from "./walk.ts";

interface KioskAddress {
  readonly http: string;
}

interface HubAddress {
  readonly api: string;
  readonly console: string;
}

export interface House {
  readonly kioskd: Daemon<KioskAddress>;
  readonly hubd: Daemon<HubAddress>;
  readonly dock: Dock;
  readonly hub: Hub;
  /** Where the reader is a real pcscd's. */
  readonly pcsc: PrivatePCSC | undefined;
}

interface TestFixtures {
  readonly lang: Lang;
  /** Whether the page gets the kiosk's own fonts. To unpack them costs as much as all the rest of a page: tests of how it looks do. */
  readonly fonts: boolean;
  readonly scene: Scene;
}

interface WorkerFixtures {
  /** What reads the dock's cards: the kiosk itself, or a real pcscd with the cards below it. */
  readonly reader: "virtual" | "pcsc";
  readonly house: House;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  lang: ["ja", { option: true }],
  fonts: [true, { option: true }],
  reader: ["virtual", { option: true, scope: "worker" }],

  house: [
    async ({ reader }, use) => {
      const folder = mkdtempSync(join(tmpdir(), "kioskd-e2e-"));
      const pcsc = reader === "pcsc" ? new PrivatePCSC(join(folder, "pcsc")) : undefined;
      const hubData = join(folder, "hub");
      const hubd = new Daemon<HubAddress>("hubd", hubData, (again) => [
        "--demo",
        "--api",
        again?.api ?? "127.0.0.1:0",
        "--console",
        again?.console ?? "127.0.0.1:0",
      ]);
      const kioskd = new Daemon<KioskAddress>("kioskd", join(folder, "kiosk"), (again) => [
        "--sim",
        "--listen",
        again?.http ?? "127.0.0.1:0",
        "--enrolment",
        join(hubData, "enrolment", "demo.json"),
        ...(pcsc?.args ?? []),
      ], pcsc?.env);
      const dock = new Dock(() => `http://${kioskd.address.http}`);
      const hub = new Hub(() => `http://${hubd.address.console}`);
      try {
        await pcsc?.start();
        await hubd.start();
        await kioskd.start();
        await use({ kioskd, hubd, dock, hub, pcsc });
      } finally {
        await kioskd.stop();
        await hubd.stop();
        await pcsc?.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    { scope: "worker" },
  ],

  baseURL: async ({ house }, use) => use(`http://${house.kioskd.address.http}`),

  page: async ({ page, fonts }, use) => {
    if (!fonts) await page.route("**/*.woff2", (route) => route.abort());
    await use(page);
  },

  scene: async ({ house, page, lang }, use, info) => {
    const { dock, hub, kioskd } = house;
    await hub.reset();
    await dock.reset();
    const me = new Visitor(page, lang);
    await me.arrive();
    const restart = async (between?: () => Promise<void>) => {
      await kioskd.kill();
      await between?.();
      await kioskd.start();
    };
    await use({ me, dock, hub, restart });
    if (info.status !== info.expectedStatus) {
      writeFileSync(info.outputPath("kioskd.log"), kioskd.log);
      writeFileSync(info.outputPath("hubd.log"), house.hubd.log);
      if (house.pcsc) writeFileSync(info.outputPath("pcscd.log"), house.pcsc.log);
    }
  },
});

export { expect } from "@playwright/test";
