import { expect, test } from "../support/fixtures.ts";
import { declinedCard, deafPhone, hanako, refusedPhone, registeredCard } from "../support/people.ts";
import { start, toCardNumber, toIssued, toPhone, type Scene } from "../support/walk.ts";

const wrong = (code: string) => (code === "000000" ? "111111" : "000000");

async function toCode(scene: Scene, phone = hanako.phone): Promise<void> {
  const { me } = scene;
  await start(me, "issue");
  await toCardNumber(scene);
  await toPhone(scene, { ...hanako, phone });
  await me.next("issue_phone");
  await me.at("issue_code");
}

test.describe("one-time password", () => {
  test("wrong, then right", async ({ scene }) => {
    const { me, hub } = scene;
    await toCode(scene);
    const code = await hub.code(hanako.phone);
    await me.type(wrong(code));
    await me.says("problem.otp_wrong", { n: 2 });
    await me.type(code);
    await me.at("issue_password");
  });

  test("three times wrong: only a new message helps", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await toCode(scene);
    const code = await hub.code(hanako.phone);
    for (const left of [2, 1]) {
      await me.type(wrong(code));
      await me.says("problem.otp_wrong", { n: left });
    }
    await me.type(wrong(code));
    await me.says("problem.otp_exhausted");
    await dock.forward(31);
    await hub.forward(31);
    await me.press("entry.resend");
    await expect.poll(async () => (await hub.messages(hanako.phone)).length).toBe(2);
    await me.type(await hub.code(hanako.phone));
    await me.at("issue_password");
  });

  test("expired: said so, and a new one is sent", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await toCode(scene);
    const old = await hub.code(hanako.phone);
    // The screen's clock first, touched in between so that nobody counts as gone.
    for (let i = 0; i < 2; i++) {
      await dock.forward(155);
      await hub.forward(155);
      await me.type("1");
      await me.clear();
    }
    await me.type(old);
    await me.says("problem.otp_expired");
    await me.press("entry.resend");
    await expect.poll(async () => (await hub.messages(hanako.phone)).length).toBe(2);
    await me.type(await hub.code(hanako.phone));
    await me.at("issue_password");
  });

  test("a second message can only be asked for after a wait, and voids the first", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await toCode(scene);
    const first = await hub.code(hanako.phone);
    await expect(me.page.getByRole("button", { name: me.t("entry.resend").slice(0, 5) })).toBeDisabled();
    await dock.forward(31);
    await hub.forward(31);
    await me.press("entry.resend");
    await expect.poll(async () => (await hub.messages(hanako.phone)).length).toBe(2);
    const second = await hub.code(hanako.phone);
    if (first !== second) {
      await me.type(first);
      await me.says("problem.otp_wrong", { n: 2 });
    }
    await me.type(second);
    await me.at("issue_password");
  });

  test("a message that never arrives is no dead end", async ({ scene }) => {
    const { me } = scene;
    await toCode(scene, deafPhone);
    await me.press("bar.back");
    await me.at("issue_phone");
    await me.clear();
    await me.type(hanako.phone);
    await toIssued(scene, hanako);
  });
});

test.describe("the issuer says no", () => {
  test("declined card: told so, the details can be changed", async ({ scene }) => {
    const { me } = scene;
    await start(me, "issue");
    await toCardNumber(scene);
    await toPhone(scene, { ...hanako, card: declinedCard });
    await me.next("issue_phone");
    await me.at("trouble", "fault.card_declined.title");
    await me.press("trouble.other.details");
    await me.at("issue_card");
    await me.clear();
    await me.type(hanako.card);
    await me.next("issue_card");
    await me.at("issue_name");
    await me.next("issue_name");
    await me.at("issue_birth");
    await me.next("issue_birth");
    await me.at("issue_phone");
    await toIssued(scene, hanako);
  });

  test("a card that is registered already leads to the look-up page", async ({ scene }) => {
    const { me } = scene;
    await start(me, "issue");
    await toCardNumber(scene);
    await toPhone(scene, { ...hanako, card: registeredCard });
    await me.next("issue_phone");
    await me.at("trouble", "fault.already_registered.title");
    await me.press("trouble.other.manage");
    await me.at("manage_phone");
  });

  test("a phone that takes no message", async ({ scene }) => {
    const { me } = scene;
    await start(me, "issue");
    await toCardNumber(scene);
    await toPhone(scene, { ...hanako, phone: refusedPhone });
    await me.next("issue_phone");
    await me.says("problem.sms_not_sent");
    await me.clear();
    await me.type(hanako.phone);
    await toIssued(scene, hanako);
  });

  test("a mistyped card number is met before anything is sent", async ({ scene }) => {
    const { me } = scene;
    await start(me, "issue");
    await toCardNumber(scene);
    await me.type("4980000000000015");
    await me.next("issue_card");
    await me.says("problem.check_digit");
  });
});
