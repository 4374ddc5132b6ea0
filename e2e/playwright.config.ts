import { defineConfig } from "@playwright/test";

/** What is walked with the dock's cards below a real pcscd. */
const withPCSC = /cards\.spec|whole visit, ja.* with a WAON/;

/** Painted at half the size, and laid out at the whole: to draw is the most of a test's work. */
const visits = { fonts: false, deviceScaleFactor: 0.5 };

/**
 * The system's Chromium, quiet: it may talk to nobody but the kiosk. The headless shell
 * is the same browser without the windows, tabs and toolbars around the page, which cost
 * as much as the page.
 */
const launchOptions = {
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium-headless-shell",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Screenshots of text must not depend on the machine's font settings.
    "--font-render-hinting=none",
  ],
};

export default defineConfig<{ readonly fonts: boolean }, { readonly reader: "virtual" | "pcsc" }>({
  testDir: ".",
  outputDir: "results/artifacts",
  fullyParallel: true,
  forbidOnly: true,
  // A busy machine may stall a browser for seconds. A test that needs its second
  // try is reported as flaky, never silently as passed.
  retries: process.env["CI"] ? 1 : 0,
  workers: Number(process.env["E2E_WORKERS"] ?? 4), // to draw takes most of it; more than cores, as a shopper also reads
  timeout: 120_000,
  expect: { timeout: 12_000 },
  reporter: [["list"], ["json", { outputFile: "results/report.json" }]],
  use: {
    browserName: "chromium",
    launchOptions,
    viewport: { width: 1080, height: 1920 },
    locale: "ja-JP",
    timezoneId: "Asia/Tokyo",
    actionTimeout: 8_000,
    // Recording costs as much as the visits themselves: E2E_TRACE=1 asks for it.
    trace: process.env["E2E_TRACE"] ? "retain-on-failure" : "off",
    screenshot: "only-on-failure",
    // The slide between screens is a matter of look; the tests read what stands.
    contextOptions: { reducedMotion: "reduce" },
  },
  projects: [
    // The visits with the dock's cards below a real pcscd: whatever has to do with cards. First, as
    // there is one virtual reader for it: the other workers go on with the rest meanwhile.
    {
      name: "pcsc", testDir: "specs", testMatch: ["cards.spec.ts", "visit.spec.ts"], grep: withPCSC,
      workers: 1, use: { ...visits, reader: "pcsc" },
    },
    { name: "visits", testDir: "specs", testIgnore: "cards.spec.ts", grepInvert: withPCSC, use: visits },
    { name: "screens", testDir: "tools", testMatch: "screens.ts", workers: 1, timeout: 300_000 },
    { name: "bench", testDir: "tools", testMatch: "touches.ts", workers: 1, timeout: 120_000 },
  ],
});
