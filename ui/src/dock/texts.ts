/**
 * The dock's own words. Names of steps come from the shopper's language files;
 * everything that only a developer sees stands here.
 */
import type { Persona } from "./api";
import en from "../../../internal/lang/en.json";
import ja from "../../../internal/lang/ja.json";

export type Lang = "ja" | "en";

const english = {
  title: "Dock",
  subtitle: "Plays the hardware of this kiosk. Everything else is real.",
  screen: "Kiosk screen",
  console: "Hub console",
  language: "日本語",
  reset: "Reset everything",
  resetAbout: "Card lifted, paper full, cover closed, printer on, line up, PIN counters back, visit ended.",
  waiting: "Waiting for the kiosk daemon …",
  lost: "The kiosk daemon does not answer. What you see is the last known state.",
  dismiss: "Dismiss",

  status: "Status",
  "status.visit": "Visit",
  "status.card": "Card",
  "status.printer": "Printer",
  "status.line": "Line",
  "status.clock": "Clock",
  "status.daemon": "Daemon",
  "daemon.up": "connected",
  "daemon.down": "not reachable",

  cards: "Cards and reader",
  "reader.empty": "Nothing lies on the reader",
  "reader.unplugged": "The reader is unplugged",
  "reader.holds": "{name} lies on the reader",
  "reader.lift": "Lift the card",
  "reader.cable": "Reader cable",
  "reader.in": "Plugged in",
  "reader.out": "Unplugged",
  "reader.real": "The reader is a real one: lay a card on it by hand",
  "reader.both": "{name} lies on the reader, {also} on top of it",
  "reader.on_top": "Lay the next card on top",
  "reader.voice": "The card",
  "reader.answers": "Answers",
  "reader.slow": "Slow",
  "reader.mute": "Says nothing",
  "kind.mynumber": "My Number cards",
  "kind.waon": "WAON cards",
  "kind.other": "Other cards",
  "kind.crowd": "More ordinary My Number cards",
  "card.put": "Put on",
  "card.lift": "Lift",
  pin: "PIN",
  tear: "Tear the card away",
  "tear.at": "At APDU number, counted from now",
  "tear.arm": "Arm",
  "tear.off": "Disarm",
  "tear.armed": "Armed: torn away at APDU {n}",
  "tear.idle": "Not armed",

  printer: "Slip printer",
  paper: "Paper",
  "paper.full": "Full",
  "paper.low": "Low",
  "paper.out": "Out",
  cover: "Cover",
  "cover.closed": "Closed",
  "cover.open": "Open",
  power: "Power",
  "power.on": "On",
  "power.off": "Off",
  "printer.ready": "ready",
  "printer.real": "The printer is a real one: use its own cover and buttons",
  "printer.by_hand": "a real one",
  trouble: "Trouble",
  "trouble.none": "None",
  "trouble.cutter": "Cutter is jammed",
  "trouble.head_hot": "Head is too hot",
  "trouble.offline": "Set offline",
  "trouble.unplugged": "Cable is out",
  "trouble.mute": "Does not answer",
  fail: "In the middle of the next slip",
  "fail.what": "Let happen",
  "fail.arm": "Arm",
  "fail.armed": "Waits for the next slip: {what}",
  "fail.idle": "Nothing waits",
  "fail.paper_out": "Paper runs out",
  "fail.cover_open": "Cover is opened",
  "fail.power_off": "Power goes off",
  "fail.head_hot": "Head gets too hot",
  "fail.mute": "Stops answering",
  "fail.unplugged": "Cable is pulled",
  "fail.cutter": "Cutter jams",
  "fail.offline": "Goes offline",
  "fail.paper_low": "Paper gets low",
  slips: "Printed slips",
  "slips.none": "Nothing printed yet. The slips of a visit appear here, newest first.",
  "slips.clear": "Throw away all",
  "slip.n": "Slip {n}",
  "slip.open": "Enlarge slip {n}",
  "slip.whole": "whole",
  "slip.torn": "broken off",
  "slip.close": "Close",
  "slip.file": "Open as a file",

  lights: "Lights",
  "light.cycle": "One round of the rhythm lasts {s} s",
  "light.steady": "Steady",
  "signal.idle": "Idle: come closer",
  "signal.put_card": "Put your card here",
  "signal.reading": "Reading: leave the card",
  "signal.working": "Working: please wait",
  "signal.done": "Done",
  "signal.look_at_screen": "Look at the screen",
  "signal.staff_wanted": "Staff is wanted",
  "signal.out_of_service": "Out of service",
  "signal.identify": "This is the kiosk you look for",

  line: "Line to the hub",
  "line.up": "Up",
  "line.slow": "Slow",
  "line.down": "Down",
  "line.rubbish": "Rubbish",
  "line.up.about": "The hub answers at once.",
  "line.slow.about": "Answers come, but later than a shopper waits.",
  "line.down.about": "Nothing gets through: submissions wait in the outbox.",
  "line.rubbish.about": "Something answers, but it is not the hub.",

  clock: "Clock of the kiosk",
  "clock.forward": "Move forward",
  "clock.by": "Move the clock forward by {by}",
  "clock.60": "1 min",
  "clock.300": "5 min",
  "clock.3600": "1 hour",
  "clock.86400": "1 day",
  "clock.now": "Now",
  "clock.offset": "Ahead by",
  "clock.none": "not moved",
};

export type Key = keyof typeof english;

const japanese: Record<Key, string> = {
  title: "ドック",
  subtitle: "このキオスクの機器の代わりをします。ほかはすべて本物です。",
  screen: "キオスク画面",
  console: "ハブの管理画面",
  language: "English",
  reset: "すべて元に戻す",
  resetAbout: "カードなし・用紙あり・カバー閉・電源入・回線正常・暗証番号の回数を戻し、手続きを終わらせます。",
  waiting: "キオスクの応答を待っています…",
  lost: "キオスクが応答しません。表示は最後に届いた状態です。",
  dismiss: "閉じる",

  status: "状態",
  "status.visit": "手続き",
  "status.card": "カード",
  "status.printer": "プリンター",
  "status.line": "回線",
  "status.clock": "時計",
  "status.daemon": "キオスク",
  "daemon.up": "接続中",
  "daemon.down": "応答なし",

  cards: "カードとリーダー",
  "reader.empty": "リーダーには何も置かれていません",
  "reader.unplugged": "リーダーの線が抜けています",
  "reader.holds": "{name}が置かれています",
  "reader.lift": "カードを取る",
  "reader.cable": "リーダーの線",
  "reader.in": "つなぐ",
  "reader.out": "抜く",
  "reader.real": "本物のリーダーです。カードは手で置いてください",
  "reader.both": "{name}が置かれ、上に{also}が重なっています",
  "reader.on_top": "次のカードは上に重ねる",
  "reader.voice": "カードの返事",
  "reader.answers": "普通",
  "reader.slow": "遅い",
  "reader.mute": "なし",
  "kind.mynumber": "マイナンバーカード",
  "kind.waon": "WAONカード",
  "kind.other": "ほかのカード",
  "kind.crowd": "ほかの通常のマイナンバーカード",
  "card.put": "置く",
  "card.lift": "取る",
  pin: "暗証番号",
  tear: "読み取り中にカードを取る",
  "tear.at": "今から何番目のAPDUで取るか",
  "tear.arm": "用意",
  "tear.off": "取り消し",
  "tear.armed": "用意済み:APDU {n}番で取ります",
  "tear.idle": "用意していません",

  printer: "控えのプリンター",
  paper: "用紙",
  "paper.full": "十分",
  "paper.low": "残り少",
  "paper.out": "なし",
  cover: "カバー",
  "cover.closed": "閉",
  "cover.open": "開",
  power: "電源",
  "power.on": "入",
  "power.off": "切",
  "printer.ready": "印刷できます",
  "printer.real": "本物のプリンターです。カバーやボタンは手で動かしてください",
  "printer.by_hand": "本物",
  trouble: "そのほかの異常",
  "trouble.none": "なし",
  "trouble.cutter": "カッターが詰まっている",
  "trouble.head_hot": "ヘッドが熱すぎる",
  "trouble.offline": "オフラインになっている",
  "trouble.unplugged": "ケーブルが抜けている",
  "trouble.mute": "応答しない",
  fail: "次の控えの途中で",
  "fail.what": "起こすこと",
  "fail.arm": "用意",
  "fail.armed": "次の控えで起こります:{what}",
  "fail.idle": "何も起こりません",
  "fail.paper_out": "用紙が切れる",
  "fail.cover_open": "カバーが開く",
  "fail.power_off": "電源が切れる",
  "fail.head_hot": "熱くなりすぎる",
  "fail.mute": "応答しなくなる",
  "fail.unplugged": "ケーブルが抜ける",
  "fail.cutter": "カッターが詰まる",
  "fail.offline": "オフラインになる",
  "fail.paper_low": "用紙が残り少なくなる",
  slips: "印刷された控え",
  "slips.none": "まだ何も印刷されていません。控えはここに新しい順に並びます。",
  "slips.clear": "すべて捨てる",
  "slip.n": "控え{n}",
  "slip.open": "控え{n}を拡大",
  "slip.whole": "完全",
  "slip.torn": "途中まで",
  "slip.close": "閉じる",
  "slip.file": "画像として開く",

  lights: "ランプ",
  "light.cycle": "ひと回り{s}秒",
  "light.steady": "点灯したまま",
  "signal.idle": "待機中:どうぞお近くへ",
  "signal.put_card": "カードをここに置いてください",
  "signal.reading": "読み取り中:カードはそのまま",
  "signal.working": "処理中:お待ちください",
  "signal.done": "完了",
  "signal.look_at_screen": "画面をご覧ください",
  "signal.staff_wanted": "係員を呼んでいます",
  "signal.out_of_service": "ご利用いただけません",
  "signal.identify": "お探しのキオスクはこれです",

  line: "ハブとの回線",
  "line.up": "正常",
  "line.slow": "遅い",
  "line.down": "切断",
  "line.rubbish": "でたらめ",
  "line.up.about": "ハブはすぐに応答します。",
  "line.slow.about": "応答は来ますが、お客さまが待てる時間を超えます。",
  "line.down.about": "何も届きません。申込は送信待ちに残ります。",
  "line.rubbish.about": "何かが応答しますが、ハブではありません。",

  clock: "キオスクの時計",
  "clock.forward": "進める",
  "clock.by": "時計を{by}進める",
  "clock.60": "1分",
  "clock.300": "5分",
  "clock.3600": "1時間",
  "clock.86400": "1日",
  "clock.now": "現在",
  "clock.offset": "進み",
  "clock.none": "進めていません",
};

export type Say = (key: Key, values?: Record<string, string | number>) => string;

/** sayIn gives the dock's words in one language. */
export function sayIn(lang: Lang): Say {
  const words = lang === "ja" ? japanese : english;
  return (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}

/** stepTitle is the shopper's headline of a step, or "" when there is none. */
export function stepTitle(step: string, lang: Lang): string {
  const texts: Record<string, string | undefined> = lang === "ja" ? ja : en;
  return texts[`step.${step}.title`] ?? "";
}

/** What is special about a persona, in Japanese; the daemon says it in English. */
const abouts: Readonly<Record<string, string>> = {
  taro: "成人。すべて正常",
  hanako: "成人。すべて正常",
  child: "15歳未満の子(カードからは分かりません)",
  "two-tries": "暗証番号はあと2回",
  "one-try": "暗証番号はあと1回",
  blocked: "暗証番号がロック済み",
  expired: "電子証明書が2021年に失効",
  nocert: "利用者証明用の電子証明書なし",
  foreign: "別の認証局の電子証明書",
  phone: "Androidスマートフォン(証明書より先に暗証番号)",
  oldcard: "住民基本台帳カード",
  "waon-1": "WAON番号 6900 0000 0000 0016",
  "waon-2": "WAON番号 6900 1234 5678 9013",
  "suica-like": "WAONのない交通系FeliCa",
  iphone: "iPhone(証明書より先に暗証番号)",
  ecc: "次世代のカード(P-384の鍵)",
  long: "長い電子証明書(1583バイト)",
  unknown: "マイナンバーカードではないISOカード",
};

/** personaAbout is what is special about a card; the daemon's own words where there are no others. */
export function personaAbout({ id, about }: Pick<Persona, "id" | "about">, lang: Lang): string {
  return (lang === "ja" ? abouts[id] : undefined) ?? about;
}

/** signalText says in words what the lights say; an unknown signal is shown as it is. */
export function signalText(signal: string, say: Say): string {
  const key = `signal.${signal}`;
  return key in english ? say(key as Key) : signal;
}

/** duration writes seconds as the two largest units. */
export function duration(sec: number, lang: Lang): string {
  const units: readonly (readonly [number, Intl.NumberFormatOptions["unit"]])[] = [
    [86400, "day"],
    [3600, "hour"],
    [60, "minute"],
    [1, "second"],
  ];
  const parts: string[] = [];
  let rest = Math.abs(Math.round(sec));
  for (const [size, unit] of units) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) parts.push(new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "short" }).format(n));
  }
  return parts.slice(0, 2).join(" ");
}
