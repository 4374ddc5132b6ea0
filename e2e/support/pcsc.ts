/** A real pcscd of our own, with the dock's cards below its virtual reader. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const script = resolve(import.meta.dirname, "../../tools/private-pcscd.sh");
const port = 35981; // one worker at a time has a pcscd
const startWithinMs = 20_000;

export class PrivatePCSC {
  readonly #folder: string;
  #child: ChildProcess | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    writeFileSync(this.#config, `simulate = true\n[reader]\ndriver = "pcsc"\nvpcd = "127.0.0.1:${port}"\n`);
  }

  get #config(): string {
    return join(this.#folder, "kioskd.toml");
  }

  get #socket(): string {
    return join(this.#folder, "socket", "pcscd.comm");
  }

  /** What kioskd is started with. */
  get args(): string[] {
    return ["--config", this.#config];
  }

  get env(): NodeJS.ProcessEnv {
    return { PCSCLITE_CSOCK_NAME: this.#socket };
  }

  get log(): string {
    return readFileSync(join(this.#folder, "pcscd.log"), "utf8");
  }

  async start(): Promise<void> {
    const log = openSync(join(this.#folder, "pcscd.log"), "a");
    const child = spawn(script, [this.#folder, String(port)], { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    const deadline = Date.now() + startWithinMs;
    while (!existsSync(this.#socket)) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`pcscd does not serve:\n${this.log}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  }
}
