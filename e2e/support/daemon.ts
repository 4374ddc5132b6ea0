/** Starts the real daemons and ends them by their process id. */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, readFileSync, rmSync } from "node:fs";
import { once } from "node:events";
import { resolve } from "node:path";

const bin = process.env["KIOSKD_BIN"] ?? resolve(import.meta.dirname, "../../bin");
const startWithinMs = 20_000;
const stopWithinMs = 10_000;

/** Daemon is one process with a data folder; it can be killed and started again on the same data. */
export class Daemon<Address extends object> {
  #child: ChildProcess | undefined;
  #address: Address | undefined;
  readonly #program: string;
  readonly #data: string;
  readonly #args: (again: Address | undefined) => string[];
  readonly #env: NodeJS.ProcessEnv;

  /** args are asked anew at each start: with the address of the run before, so that it can be kept. */
  constructor(program: string, data: string, args: (again: Address | undefined) => string[], env: NodeJS.ProcessEnv = {}) {
    this.#program = program;
    this.#data = data;
    this.#args = args;
    this.#env = env;
  }

  get address(): Address {
    if (!this.#address) throw new Error(`${this.#program} has not been started`);
    return this.#address;
  }

  get data(): string {
    return this.#data;
  }

  get log(): string {
    return readFileSync(`${this.#data}.log`, "utf8");
  }

  async start(): Promise<Address> {
    const file = resolve(this.#data, "addr.json");
    rmSync(file, { force: true });
    const child = spawn(resolve(bin, this.#program), [...this.#args(this.#address), "--data", this.#data], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...this.#env },
    });
    this.#child = child;
    const log = createWriteStream(`${this.#data}.log`, { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    const failed = new Promise<never>((_, reject) => child.once("error", reject));
    this.#address = await Promise.race([this.#listening(child, file), failed]);
    return this.#address;
  }

  /** The address file appears when the daemon listens; its log ends early when it cannot. */
  async #listening(child: ChildProcess, file: string): Promise<Address> {
    const deadline = Date.now() + startWithinMs;
    while (Date.now() < deadline) {
      if (child.exitCode !== null) break;
      try {
        return JSON.parse(readFileSync(file, "utf8")) as Address;
      } catch {
        await new Promise((done) => setTimeout(done, 20));
      }
    }
    throw new Error(`${this.#program} does not listen:\n${this.log}`);
  }

  /** kill -9: nothing can be put in order any more. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), stopWithinMs);
    await gone;
    clearTimeout(late);
  }
}
