/** A real pcscd of our own, with the dock's cards below its virtual reader. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const program = resolve(import.meta.dirname, "../../.cache/bin/privatepcscd");
const startWithinMs = 20_000;

export class PrivatePCSC {
  readonly #folder: string;
  #child: ChildProcess | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    writeFileSync(this.#config, `simulate = true\n[reader]\ndriver = "pcsc"\nvpcd = "${this.#cards}"\n`);
  }

  get #config(): string {
    return join(this.#folder, "kioskd.toml");
  }

  get #cards(): string {
    return join(this.#folder, "cards");
  }

  /** What kioskd is started with. */
  get args(): string[] {
    return ["--config", this.#config];
  }

  get env(): NodeJS.ProcessEnv {
    return { PCSCLITE_CSOCK_NAME: join(this.#folder, "socket", "pcscd.comm") };
  }

  get log(): string {
    return readFileSync(join(this.#folder, "pcscd.log"), "utf8");
  }

  async start(): Promise<void> {
    const log = openSync(join(this.#folder, "pcscd.log"), "a");
    const child = spawn(program, [this.#folder], { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    const deadline = Date.now() + startWithinMs;
    while (!existsSync(this.#cards)) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) throw new Error(`pcscd does not serve:\n${this.log}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  }
}
