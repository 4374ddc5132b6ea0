import { expect, test } from "../support/fixtures.ts";
import { hanako, taro, type Person } from "../support/people.ts";
import { cardAndPIN, issue, leave, reserve, start, toApplied, toCheckTyped, wholeVisit, type Scene } from "../support/walk.ts";

/** From the top screen to the search: card and PIN open apply for who has reserved earlier. */
async function resume(scene: Scene, who: Person): Promise<void> {
  await start(scene.me, "apply");
  await cardAndPIN(scene, who);
  await scene.me.next("pin");
}

/** From the last button of a visit to the top screen. The clock moves only once the goodbye stands. */
async function backToTop({ me, dock }: Scene): Promise<void> {
  await me.at("goodbye");
  await dock.forward(10);
  await me.at("top");
}

test.describe("apply after an earlier reserve", () => {
  test("e-money WAON: the card gives its number, the code is typed", async ({ scene }) => {
    const { me, dock, hub } = scene;
    await start(me, "reserve");
    await reserve(scene, taro);
    await me.press("step.reserved.finish");
    await me.at("goodbye");
    await dock.lift();
    await dock.forward(10);
    await me.at("top");

    await resume(scene, taro);
    await toCheckTyped(scene, { service: "waon", query: "ワオン", id: "", codes: ["123456"], last4: "" });
    await dock.lift();
    await me.next("apply_check");
    await me.at("card");
    await dock.put("taro");
    await toApplied(scene);
    await leave(scene, "applied");
    expect(me.trail.filter((step) => step === "pin"), "once for each visit").toHaveLength(2);
    await hub.expectOnce("reservation");
    await hub.expectOnce("application");
    await dock.expectSlips(2);
  });

  test("letters, two codes and phone digits are typed as the service wants them", async ({ scene }) => {
    const { me, hub } = scene;
    await start(me, "reserve");
    await reserve(scene, hanako);
    await me.next("reserved");
    await toCheckTyped(scene, { service: "hinode-card", query: "ヒノデ", id: "123456789015", codes: ["1234", "5678"], last4: "5432" });
    await me.next("apply_check");
    await toApplied(scene);
    await hub.expectOnce("application");
    expect(me.trail.filter((step) => step === "pin")).toHaveLength(1);
  });

  test("nobody has reserved: said so, and reserved right there", async ({ scene }) => {
    const { me, hub } = scene;
    await resume(scene, taro);
    await me.at("trouble", "fault.not_reserved.title");
    await me.press("trouble.other.reserve");
    await me.at("reserved", "reserved.title.accepted");
    await hub.expectOnce("reservation");
    expect(me.trail.filter((step) => step === "pin")).toHaveLength(1);
  });

  test("who has applied already is told so, and nothing changes", async ({ scene }) => {
    const { me, hub } = scene;
    await wholeVisit(scene, taro);
    await backToTop(scene);
    await resume(scene, taro);
    await me.at("trouble", "fault.already_applied.title");
    await me.says("fault.already_applied.text");
    await hub.expectOnce("application");
  });
});

test.describe("look-up page", () => {
  test("ID and code until complete, then the points", async ({ scene }) => {
    const { me, hub } = scene;
    await wholeVisit(scene, hanako);
    await backToTop(scene);
    const logIn = async () => {
      await start(me, "manage");
      await me.at("manage_phone");
      await me.type(hanako.phone);
      await me.next("manage_phone");
      await me.at("manage_password");
      await me.type(hanako.password);
      await me.next("manage_password");
      await me.at("manage");
    };
    await logIn();
    await me.says("manage.status.applied");
    await me.says("manage.points_none");
    await expect(me.page.getByText("決済サービスID", { exact: true })).toBeVisible();
    await leave(scene, "manage");
    await backToTop(scene);

    await hub.forward(25 * 3600);
    await logIn();
    await me.says("manage.status.completed");
    await me.says("manage.hidden");
    await me.says("manage.point", { n: "5,000" });
    await expect(me.page.getByText("決済サービスID", { exact: true })).toHaveCount(0);
  });

  test("a wrong password, then the right one", async ({ scene }) => {
    const { me } = scene;
    await start(me, "issue");
    await issue(scene, hanako);
    await me.press("step.issued.finish");
    await backToTop(scene);
    await start(me, "manage");
    await me.at("manage_phone");
    await me.type(hanako.phone);
    await me.next("manage_phone");
    await me.at("manage_password");
    await me.type("wrong123");
    await me.next("manage_password");
    await me.says("problem.login_wrong", { n: 4 });
    await me.type(hanako.password);
    await me.next("manage_password");
    await me.at("manage");
    await me.says("manage.status.issued");
  });
});
