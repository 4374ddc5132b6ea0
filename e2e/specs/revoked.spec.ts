/** A kiosk that its hub has stopped accepting: nothing is begun there, whatever happens in between. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Daemon } from "../support/daemon.ts";
import { expect, test } from "../support/fixtures.ts";
import { text } from "../support/texts.ts";
import { Visitor } from "../support/visitor.ts";

test("a kiosk that was revoked says so on its first screen after a restart, also without its hub", async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), "kioskd-revoked-"));
  const data = join(folder, "hub");
  const hubd = new Daemon<{ api: string; console: string }>("hubd", data, () => [
    "--demo", "--api", "127.0.0.1:0", "--console", "127.0.0.1:0",
  ]);
  const kioskd = new Daemon<{ http: string }>("kioskd", join(folder, "kiosk"), (again) => [
    "--sim", "--listen", again?.http ?? "127.0.0.1:0", "--enrolment", join(data, "enrolment", "demo.json"),
  ]);
  const title = text("ja", "fault.kiosk_revoked.title");
  try {
    await hubd.start();
    await kioskd.start();
    const me = new Visitor(page, "ja");
    await page.goto(`http://${kioskd.address.http}/`);
    await me.at("top");
    execFileSync(join(import.meta.dirname, "../../bin/hubd"), ["kiosk", "revoke", "demo", "--data", data, "--reason", "stolen"]);
    await kioskd.kill(); // a start asks the hub at once
    await kioskd.start();
    await page.goto(`http://${kioskd.address.http}/`);
    await expect(me.heading(title)).toBeVisible();

    await hubd.stop(); // nobody is there who could say it again
    await kioskd.kill();
    const before = me.snapshots.length;
    await kioskd.start();
    await page.goto(`http://${kioskd.address.http}/`);
    await expect(me.heading(title)).toBeVisible();
    await expect(page.getByText(text("ja", "trouble.code", { code: "kiosk_revoked" }))).toBeVisible();
    const since = me.snapshots.slice(before);
    expect(since.at(-1)?.kiosk.faults).toContain("kiosk_revoked");
    const offered = since.flatMap((s) => (s.screen.kind === "menu" ? s.screen.choices.filter((c) => c.available) : []));
    expect(offered).toEqual([]);
  } finally {
    await kioskd.stop();
    await hubd.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
