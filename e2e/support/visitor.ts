/**
 * A shopper at the screen: presses what it says, types on its keys, and looks at
 * what stands there. It finds everything by role and by the words of the language
 * file, and never waits for time to pass.
 */
import { expect, type CDPSession, type Locator, type Page } from "@playwright/test";

import type { Contrast, Snapshot, StepName, TermsView } from "../../ui/src/gen/snapshot.ts";
import { echoWithinMs } from "../../ui/src/taps.ts";
import { text, type Key, type Lang } from "./texts.ts";

/** How the shopper types: on the screen's keys, on a keyboard at the kiosk, or (much faster, for tests of other things) a whole word at once. */
export type Hand = "screen" | "keyboard" | "script";

export class Visitor {
  readonly page: Page;
  lang: Lang;
  hand: Hand = "script";
  /** How this shopper wants the screen to look. */
  look: { readonly size: number; readonly contrast: Contrast } = { size: 1, contrast: "normal" };
  touches = 0;
  typed = 0;
  /** Every snapshot that any page of this shopper received, in order. */
  readonly snapshots: Snapshot[] = [];
  #tapped = { at: -Infinity, scene: "" };
  #keyboard: CDPSession | undefined;

  constructor(page: Page, lang: Lang) {
    this.page = page;
    this.lang = lang;
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => {
        const message = JSON.parse(payload.toString()) as Partial<Snapshot>;
        if (message.screen) this.snapshots.push(message as Snapshot);
      }),
    );
  }

  t(key: Key, values?: Record<string, string | number>): string {
    return text(this.lang, key, values);
  }

  /** Opens the screen and chooses the language. Choosing is not counted: the kiosk starts in its own. */
  async arrive(): Promise<void> {
    await this.page.goto("/");
    await expect.poll(() => this.step).toMatch(/^(top|recovered)$/);
    // What a test before left in the middle is told until somebody has read it, in its language.
    const lang = this.snapshots.at(-1)?.lang === "en" ? "en" : "ja";
    if (this.step === "recovered") await this.#tap(this.button(text(lang, "step.recovered.next")));
    await expect(this.heading(text(lang, "step.top.title"))).toBeVisible();
    await this.settle();
    this.touches = 0;
    this.typed = 0;
  }

  /** Chooses language and look: each visit starts with the kiosk's own. */
  async settle(): Promise<void> {
    const wanted = this.lang;
    if (this.snapshots.at(-1)?.lang !== wanted) {
      this.lang = wanted === "ja" ? "en" : "ja";
      await this.switchTo(wanted);
    }
    const { size, contrast } = this.look;
    const now = this.snapshots.at(-1)?.look;
    if (now?.size === size && now.contrast === contrast) return;
    await this.press("bar.display");
    await this.choose("overlay.display.size", `size.${size}` as Key);
    await this.choose("overlay.display.contrast", `contrast.${contrast}`);
    await this.press("overlay.display.close");
    await expect.poll(() => this.snapshots.at(-1)?.look).toMatchObject({ size, contrast });
  }

  async switchTo(lang: Lang): Promise<void> {
    await this.#tap(this.button(this.t("bar.language")));
    await this.#tap(this.page.getByRole("dialog").getByRole("radio", { name: text(lang, `lang.${lang}`), exact: true }));
    this.lang = lang;
    await expect(this.page.locator("html")).toHaveAttribute("lang", lang);
  }

  /** Takes one of a group of choices. */
  async choose(group: Key, option: Key): Promise<void> {
    const choices = this.page.getByRole("radiogroup", { name: this.t(group) });
    await this.#tap(choices.getByRole("radio", { name: this.t(option), exact: true }));
  }

  /** The headline: a heading, or an alert where it must be spoken at once. */
  heading(name: string): Locator {
    const heading = this.page.getByRole("heading", { name, exact: true, level: 1 });
    return heading.or(this.page.getByRole("alert").filter({ hasText: name })).first();
  }

  /** A button that can be pressed: what lies under a cover is inert. */
  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true }).and(this.page.locator(":not([inert] *)"));
  }

  /** Waits until a step's question stands on the screen. */
  async at(step: StepName, title: Key = `step.${step}.title` as Key): Promise<void> {
    await expect(this.heading(this.t(title))).toBeVisible();
    await expect.poll(() => this.step).toBe(step);
  }

  /** The step of the newest snapshot. */
  get step(): StepName | undefined {
    return this.snapshots.at(-1)?.screen.step;
  }

  /** The steps that were shown, each once for every time it came. */
  get trail(): StepName[] {
    return this.snapshots.map((s) => s.screen.step).filter((step, i, all) => step !== all[i - 1]);
  }

  async press(key: Key, values?: Record<string, string | number>): Promise<void> {
    await this.touch(this.button(this.t(key, values)));
  }

  async touch(target: Locator): Promise<void> {
    await this.#tap(target);
    this.touches++;
  }

  /** Presses twice where once is enough. */
  async touchTwice(target: Locator): Promise<void> {
    await this.#tap(target, () => target.dblclick());
    this.touches += 2;
  }

  /** Presses as a person does: who has read what stands there now is slower than a double tap. */
  async #tap(target: Locator, press = () => target.click()): Promise<void> {
    const { at, scene } = this.#tapped;
    const read = () => performance.now() - at > echoWithinMs;
    if (!read()) {
      await target.waitFor();
      if (this.#scene !== scene) await expect.poll(read, { intervals: [50] }).toBe(true);
    }
    const before = this.#scene;
    await press();
    this.#tapped = { at: performance.now(), scene: before };
  }

  /** What the newest snapshot asks. */
  get #scene(): string {
    const now = this.snapshots.at(-1);
    return [now?.screen.step, this.index, now?.busy?.with, now?.overlay?.kind].join("/");
  }

  /** The step's primary button. */
  async next(step: StepName): Promise<void> {
    await this.press(`step.${step}.next` as Key);
  }

  async says(key: Key, values?: Record<string, string | number>): Promise<void> {
    await expect(this.page.getByText(this.t(key, values)).first()).toBeVisible();
  }

  /** Types with the hand that this shopper uses; capitals need the shift key and are not used. */
  async type(word: string): Promise<void> {
    const { step } = this;
    const length = [...word].length;
    const whole = this.#filled + length;
    this.typed += length;
    switch (this.hand) {
      case "screen":
        for (const key of this.#keysOf(word)) await this.touch(this.button(key));
        break;
      case "keyboard":
        await this.#painted();
        for (const letter of word) await this.strike(letter);
        break;
      case "script":
        await this.#painted(word);
        break;
    }
    // All of it has arrived, or the last character has led on by itself or was refused.
    await expect.poll(() => this.step !== step || this.#filled === whole || this.#refused).toBe(true);
  }

  /** Empties the field. */
  async clear(): Promise<void> {
    await this.press("key.clear");
    await expect.poll(() => this.#filled).toBe(0);
  }

  /** A screen listens to a keyboard once it has been painted. Gives it a word then, key by key. */
  async #painted(word = ""): Promise<void> {
    await this.page.evaluate(async (word) => {
      for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
      for (const key of word) document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    }, word);
  }

  /** How many characters the field on the screen holds. */
  get #filled(): number {
    const screen = this.snapshots.at(-1)?.screen;
    switch (screen?.kind) {
      case "entry":
      case "pin":
        return screen.count;
      case "birth":
        return screen.digits.length;
      case "services":
        return [...screen.query].length;
      default:
        return 0;
    }
  }

  /** Which of several codes is asked for. */
  get index(): number {
    const screen = this.snapshots.at(-1)?.screen;
    return screen?.kind === "entry" ? screen.index : 0;
  }

  get #refused(): boolean {
    const screen = this.snapshots.at(-1)?.screen;
    return screen?.kind === "entry" && screen.problem !== null;
  }

  /** One key of a real keyboard, whatever it carries: also a full-width digit or a kana. */
  async strike(key: string): Promise<void> {
    this.#keyboard ??= await this.page.context().newCDPSession(this.page);
    await this.#keyboard.send("Input.dispatchKeyEvent", { type: "keyDown", key, text: key });
    await this.#keyboard.send("Input.dispatchKeyEvent", { type: "keyUp", key });
  }

  /** Which keys of the screen make a word: ガ is カ and then ゛. */
  #keysOf(word: string): string[] {
    return [...word].flatMap((letter) => {
      if (letter === " ") return [this.t("key.space")];
      const small = "ァィゥェォッャュョヮ".indexOf(letter);
      if (small >= 0) return ["アイウエオツヤユヨワ"[small] ?? letter, this.t("key.small")];
      const [plain, mark] = [...letter.normalize("NFD")];
      if (plain === undefined || mark === undefined) return [letter];
      return [plain, mark === "\u3099" ? "゛" : "゜"];
    });
  }

  /** Reads terms to the end, ticks the box and goes on. */
  async acceptTerms(step: "issue_terms" | "apply_terms"): Promise<void> {
    const box = this.page.getByRole("checkbox");
    const last = this.page.getByText(this.t("pager.last"));
    const further = this.button(this.t("pager.next")).or(this.button(this.t("pager.more")));
    while (!(await last.isVisible())) {
      await expect(box).toBeDisabled();
      const { page } = this.terms;
      await this.touch(further);
      await expect.poll(() => this.terms.page).toBe(page + 1);
    }
    await this.touch(box);
    await expect(box).toBeChecked();
    await this.next(step);
  }

  /** The terms on the screen. */
  get terms(): TermsView {
    const screen = this.snapshots.at(-1)?.screen;
    if (screen?.kind !== "terms") throw new Error("no terms on the screen");
    return screen;
  }
}
