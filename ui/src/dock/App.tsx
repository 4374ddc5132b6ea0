import { useMemo } from "preact/hooks";

import { resetAll, type DockState } from "./api";
import { Cards } from "./Cards";
import { Lights } from "./Lights";
import { DeskContext, Fact, useDesk, type Tone } from "./parts";
import { Printer } from "./Printer";
import { duration, sayIn, stepTitle, type Key, type Lang } from "./texts";
import { Clock, Line } from "./World";

interface AppProps {
  readonly lang: Lang;
  readonly state: DockState | undefined;
  readonly connected: boolean;
  readonly error: string;
  act(call: Promise<void>): void;
  onDismiss(): void;
}

/** App is the whole panel. It keeps no state of the devices: each event redraws it. */
export function App({ lang, state, connected, error, act, onDismiss }: AppProps) {
  const desk = useMemo(() => ({ lang, say: sayIn(lang), act }), [lang, act]);
  const { say } = desk;
  return (
    <DeskContext.Provider value={desk}>
      <Head />
      <div role="alert" class="alerts">
        {state && !connected && <p class="alert">{say("lost")}</p>}
        {error !== "" && (
          <p class="alert">
            <span>{error}</span>
            <button type="button" class="button" onClick={onDismiss}>
              {say("dismiss")}
            </button>
          </p>
        )}
      </div>
      {state ? (
        <main>
          <Status state={state} connected={connected} />
          <div class="panels">
            <Cards state={state} />
            <Printer state={state} />
            <Lights state={state} />
            <Line state={state} />
            <Clock state={state} />
          </div>
        </main>
      ) : (
        <main>
          <p class="empty" role="status">
            {say("waiting")}
          </p>
        </main>
      )}
    </DeskContext.Provider>
  );
}

function Head() {
  const { say, act, lang } = useDesk();
  const other: Lang = lang === "ja" ? "en" : "ja";
  return (
    <header class="head">
      <div class="head-title">
        <h1>{say("title")}</h1>
        <p>{say("subtitle")}</p>
      </div>
      <nav class="head-links">
        <a class="link" href="/" target="_blank" rel="noreferrer">
          {say("screen")}
        </a>
        <a class="link" href={`http://${location.hostname}:8090/`} target="_blank" rel="noreferrer">
          {say("console")}
        </a>
        <a class="link" href={`?lang=${other}`} lang={other} hreflang={other}>
          {say("language")}
        </a>
        <button type="button" class="button" title={say("resetAbout")} onClick={() => act(resetAll())}>
          {say("reset")}
        </button>
      </nav>
    </header>
  );
}

function Status({ state, connected }: { readonly state: DockState; readonly connected: boolean }) {
  const { say, lang } = useDesk();
  const card = state.personas.find((p) => p.id === state.reader.persona);
  const [printer, printerTone] = printerStatus(state);
  const step = state.visit.step;
  const offset = state.clock.offset_sec;
  const lineTone: Tone = state.line.mode === "up" ? "ok" : state.line.mode === "slow" ? "warn" : "bad";
  return (
    <dl class="status" aria-label={say("status")}>
      <Fact term={say("status.visit")} tone="plain">
        {stepTitle(step, lang)} <code>{step}</code>
      </Fact>
      <Fact term={say("status.card")} tone={!state.reader.power ? "bad" : card ? "ok" : "plain"}>
        {!state.reader.power ? say("reader.unplugged") : (card?.name ?? say("reader.empty"))}
      </Fact>
      <Fact term={say("status.printer")} tone={printerTone}>
        {printer.map((key) => say(key)).join(" ")}
      </Fact>
      <Fact term={say("status.line")} tone={lineTone}>
        {say(`line.${state.line.mode}`)}
      </Fact>
      <Fact term={say("status.clock")} tone={offset === 0 ? "ok" : "warn"}>
        {offset === 0 ? say("clock.none") : `+${duration(offset, lang)}`}
      </Fact>
      <Fact term={say("status.daemon")} tone={connected ? "ok" : "bad"}>
        {say(connected ? "daemon.up" : "daemon.down")}
      </Fact>
    </dl>
  );
}

/** printerStatus names the one thing that matters most about the printer. */
function printerStatus({ printer }: DockState): [Key[], Tone] {
  if (printer.real) return [["printer.by_hand"], "ok"];
  if (printer.power === "off") return [["power", "power.off"], "bad"];
  if (printer.trouble !== "") return [[`trouble.${printer.trouble}`], "bad"];
  if (printer.cover === "open") return [["cover", "cover.open"], "bad"];
  if (printer.paper === "out") return [["paper", "paper.out"], "bad"];
  if (printer.paper === "low") return [["paper", "paper.low"], "warn"];
  return [["printer.ready"], "ok"];
}
