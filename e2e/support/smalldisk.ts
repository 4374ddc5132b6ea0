/** A second kiosk whose data folder is a disk of its own, as small as one likes. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";

const bin = process.env["KIOSKD_BIN"] ?? resolve(import.meta.dirname, "../../bin");
const startWithinMs = 20_000;

/** The disk exists in a mount namespace that only the daemon sees, so nobody has to be root. */
export class SmallDisk {
  readonly #data = mkdtempSync(join(tmpdir(), "kioskd-e2e-disk-"));
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #log = "";

  constructor(megabytes: number, enrolment: string) {
    const mounted = 'mount -t tmpfs -o "size=$1m" tmpfs "$2" && shift 2 && exec "$@"';
    this.#child = spawn(
      "unshare",
      [
        "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh", String(megabytes), this.#data,
        resolve(bin, "kioskd"), "--sim", "--data", this.#data, "--listen", "127.0.0.1:0", "--enrolment", enrolment,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on("data", (said: Buffer) => (this.#log += said.toString()));
  }

  /** The address file lies on the disk that nobody else sees, so the log has to tell. */
  async url(): Promise<string> {
    const deadline = Date.now() + startWithinMs;
    while (Date.now() < deadline && this.#child.exitCode === null) {
      const found = /url=(http:\/\/\S+?)\/?\s/.exec(this.#log);
      if (found?.[1]) return found[1];
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(`kioskd does not listen:\n${this.#log}`);
  }

  /** Makes the disk larger under the running daemon. */
  async grow(megabytes: number): Promise<void> {
    const inside = ["--target", String(this.#child.pid), "--user", "--preserve-credentials", "--mount"];
    const mount = spawn("nsenter", [...inside, "mount", "-o", `remount,size=${megabytes}m`, this.#data], { stdio: "inherit" });
    const [code] = (await once(mount, "exit")) as [number | null];
    if (code !== 0) throw new Error(`the disk does not grow: ${code}`);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      await gone;
    }
    rmSync(this.#data, { recursive: true, force: true });
  }
}
