import type { Entry } from "../../ui/src/gen/snapshot.ts";
import { expect, test } from "../support/fixtures.ts";
import { hanako } from "../support/people.ts";
import { start, toCardNumber, toIssued, toPhone, type Scene } from "../support/walk.ts";
import type { Visitor } from "../support/visitor.ts";

function entry(me: Visitor): Entry {
  const screen = me.snapshots.at(-1)?.screen;
  if (screen?.kind !== "entry") throw new Error("no field on the screen");
  return screen;
}

async function halfway(scene: Scene): Promise<void> {
  await start(scene.me, "issue");
  await toCardNumber(scene);
  await toPhone(scene, hanako);
  await expect.poll(() => entry(scene.me).text).toBe(hanako.phone);
}

test.describe("nothing is lost", () => {
  test("by going back and forth", async ({ scene }) => {
    const { me } = scene;
    await halfway(scene);
    for (const step of ["issue_birth", "issue_name", "issue_card"] as const) {
      await me.press("bar.back");
      await me.at(step);
    }
    expect(entry(me).text).toBe(hanako.card);
    await me.next("issue_card");
    await me.at("issue_name");
    expect(entry(me).text).toBe(hanako.name);
    await me.next("issue_name");
    await me.at("issue_birth");
    await me.next("issue_birth");
    await me.at("issue_phone");
    expect(entry(me).text).toBe(hanako.phone);
    await toIssued(scene, hanako);
  });

  test("by changing language, size, colours and volume", async ({ scene }) => {
    const { me } = scene;
    await halfway(scene);
    await me.switchTo("en");
    await me.at("issue_phone");
    await me.press("bar.display");
    await me.choose("overlay.display.size", "size.3");
    await me.choose("overlay.display.contrast", "contrast.dark");
    await me.press("overlay.display.close");
    await expect.poll(() => me.snapshots.at(-1)?.look).toMatchObject({ size: 3, contrast: "dark" });
    await me.at("issue_phone");
    expect(entry(me).text).toBe(hanako.phone);
    await toIssued(scene, hanako);
  });

  test("by calling staff and cancelling the call", async ({ scene }) => {
    const { me, dock } = scene;
    await halfway(scene);
    await me.press("bar.staff");
    await me.says("overlay.staff.title");
    await expect.poll(async () => (await dock.state()).lights.signal).toBe("staff_wanted");
    await me.press("overlay.staff.cancel");
    await expect.poll(async () => (await dock.state()).lights.signal).not.toBe("staff_wanted");
    await me.at("issue_phone");
    expect(entry(me).text).toBe(hanako.phone);
  });

  test("by asking to start over and going on", async ({ scene }) => {
    const { me } = scene;
    await halfway(scene);
    await me.press("bar.home");
    await me.says("overlay.home.title");
    await me.press("overlay.home.no");
    await me.at("issue_phone");
    expect(entry(me).text).toBe(hanako.phone);
  });
});

test("start over wipes", async ({ scene }) => {
  const { me } = scene;
  await halfway(scene);
  await me.press("bar.home");
  await me.press("overlay.home.yes");
  await me.at("goodbye");
  await me.says("goodbye.left");
  expect(JSON.stringify(me.snapshots.at(-1))).not.toContain(hanako.phone);
});

test("an untouched screen warns, counts down, and wipes", async ({ scene }) => {
  const { me, dock } = scene;
  await halfway(scene);
  await dock.forward(130);
  await me.says("overlay.idle.title");
  await me.press("overlay.idle.stay");
  await me.at("issue_phone");
  expect(entry(me).text).toBe(hanako.phone);

  await dock.forward(130);
  await me.says("overlay.idle.title");
  await dock.forward(60);
  await me.at("goodbye");
  await me.says("goodbye.idle");
  expect(JSON.stringify(me.snapshots.at(-1))).not.toContain(hanako.phone);
  await dock.forward(10);
  await me.at("top");
});

test("terms must be read to the end before the box can be ticked", async ({ scene }) => {
  const { me } = scene;
  await start(me, "issue");
  await me.at("issue_kind");
  await me.touch(me.page.getByRole("button", { name: "イオンカード" }));
  await me.at("issue_terms");
  const box = me.page.getByRole("checkbox");
  const next = me.button(me.t("step.issue_terms.next"));
  await expect(box).toBeDisabled();
  await expect(next).toBeDisabled();
  await me.says("terms.locked");
  while (me.terms.page + 1 < me.terms.pages) {
    const { page } = me.terms;
    await me.touch(me.button(me.t("pager.next")).or(me.button(me.t("pager.more"))));
    await expect.poll(() => me.terms.page).toBe(page + 1);
  }
  await expect(box).toBeEnabled();
  await expect(next).toBeDisabled();
  await box.click();
  await expect(next).toBeEnabled();
});

test.describe("a keyboard at the kiosk", () => {
  test("full-width digits, hiragana and full-width letters are folded", async ({ scene }) => {
    const { me, hub } = scene;
    me.hand = "keyboard";
    await start(me, "issue");
    await toCardNumber(scene);
    await me.type("４９８０００００００００００１４");
    await expect.poll(() => entry(me).text).toBe(hanako.card);
    await me.page.keyboard.press("Enter");
    await me.at("issue_name");
    await me.type("さとう　ハナコ");
    await expect.poll(() => entry(me).text).toBe("サトウ ハナコ");
    await me.page.keyboard.press("Enter");
    await me.at("issue_birth");
    await me.type("５５0401");
    await me.next("issue_birth");
    await me.at("issue_phone");
    await me.type("０８０98765432");
    await expect.poll(() => entry(me).text).toBe(hanako.phone);
    await me.next("issue_phone");
    await me.at("issue_code");
    await me.type(await hub.code(hanako.phone));
    await me.at("issue_password");
    await me.type("ｓａｋｕｒａ８８");
    await me.next("issue_password");
    await me.at("issued");
  });
});
