/**
 * Counts what a full visit asks of a shopper's hands, beside the same three
 * procedures on a phone, and prints the figures for `make bench`.
 */
import { expect, test } from "../support/fixtures.ts";
import { hanako, taro, type Person } from "../support/people.ts";
import { wholeVisit } from "../support/walk.ts";

/**
 * The phone's way, counted from the programme's leaflet (issue on the bank's
 * site; reserve and apply in the app), for the same person with the same data.
 * Taps are buttons, boxes and fields to be chosen; typed are characters, each
 * of them at least one touch more. Everything that the leaflet leaves open is
 * counted in the phone's favour: nothing is mistyped, scrolling is free, kana
 * needs one touch a letter, a password is typed once, the app opens at the right
 * page, and ID and code are remembered without being written down.
 */
const phone: readonly (readonly [what: string, taps: number, typed: number])[] = [
  ["issue: the button for credit and debit cards", 1, 0],
  ["issue: tick the box under notes and special terms, go on", 2, 0],
  ["issue: first registration", 1, 0],
  ["issue: card number, 16 digits", 1, 16],
  ["issue: name in kana, family and given name", 2, 6],
  ["issue: date of birth, 8 digits", 1, 8],
  ["issue: phone number, 11 digits", 1, 11],
  ["issue: send", 1, 0],
  ["issue: one-time password, 6 digits, 認証", 2, 6],
  ["issue: password, 8 characters, 設定", 2, 8],
  ["issue: a screenshot of ID and code", 1, 0],
  ["reserve: find the app in the store, install, open it", 3, 0],
  ["reserve: choose マイナポイントの予約", 1, 0],
  ["reserve: PIN, 4 digits, go on", 2, 4],
  ["reserve: hold the card to the phone", 1, 0],
  ["reserve: 発行", 1, 0],
  ["reserve: 申込へ", 1, 0],
  ["apply: search word イオン, 検索", 2, 3],
  ["apply: choose the service, 次へ進む", 2, 0],
  ["apply: tick the box under the terms, 申込へ進む", 2, 0],
  ["apply: payment service ID, 16 digits", 1, 16],
  ["apply: security code, 6 digits", 1, 6],
  ["apply: last four digits of the phone", 1, 4],
  ["apply: 確認", 1, 0],
  ["apply: 申込", 1, 0],
  ["apply: PIN, 4 digits, go on", 2, 4],
  ["apply: hold the card to the phone", 1, 0],
  ["apply: ログアウト", 1, 0],
];

const sum = (of: (row: (typeof phone)[number]) => number) => phone.reduce((n, row) => n + of(row), 0);
const peer = { touches: sum(([, taps, typed]) => taps + typed), typed: sum(([, , typed]) => typed) };

function bench(name: string, ours: number, theirs: number, unit: string): void {
  console.log(`bench: ${name} ours=${ours} peer=${theirs} ratio=${(ours / theirs).toFixed(2)} unit=${unit}`);
}

const shoppers: readonly (readonly [name: string, who: Person])[] = [
  ["waon", taro],
  ["no_waon", hanako],
];

for (const [name, who] of shoppers) {
  test(`touches of a full visit, ${name}`, async ({ scene }) => {
    scene.me.hand = "screen";
    await wholeVisit(scene, who);
    const { touches, typed } = scene.me;
    bench(`touches_full_visit_${name}`, touches, peer.touches, "touches");
    bench(`typed_full_visit_${name}`, typed, peer.typed, "characters");
    // Each typed character is at least one touch: a count below that is a fault of this test.
    expect(touches).toBeGreaterThan(typed);
  });
}
