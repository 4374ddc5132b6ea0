import { useLayoutEffect, useRef } from "preact/hooks";
import { everyStepName, type Intent, type Keyboard, type Screen, type Snapshot } from "./contract";
import { EnvContext } from "./env";
import { BottomBar, ProgressLine, TopBar } from "./frame/bars";
import { BusyLayer, waitOf } from "./frame/busy";
import { Notice } from "./frame/notice";
import { OverlayLayer } from "./frame/overlays";
import { translator } from "./i18n";
import { typed } from "./keys";
import type { Orientation } from "./look";
import { primaryOf } from "./primary";
import { CardScreen, LastTryScreen, PINScreen } from "./screens/card";
import { ConsentScreen, TermsScreen } from "./screens/read";
import { AppliedScreen, IssuedScreen, ReservedScreen } from "./screens/results";
import { CheckScreen, ManageScreen, TroubleScreen } from "./screens/review";
import { ServiceScreen, ServicesScreen } from "./screens/services";
import { GoodbyeScreen, MenuScreen, RecoveredScreen } from "./screens/start";
import { BirthScreen, EntryScreen } from "./screens/type";
import type { Line } from "./socket";
import type { Sound } from "./sound";
import { Taps } from "./taps";

/** Draws the screen. It is exhaustive over the closed union. */
function Body(props: { screen: Screen }) {
  const { screen } = props;
  switch (screen.kind) {
    case "menu":
      return <MenuScreen screen={screen} />;
    case "recovered":
      return <RecoveredScreen screen={screen} />;
    case "services":
      return <ServicesScreen screen={screen} />;
    case "service":
      return <ServiceScreen screen={screen} />;
    case "terms":
      return <TermsScreen screen={screen} />;
    case "entry":
      return <EntryScreen screen={screen} />;
    case "birth":
      return <BirthScreen screen={screen} />;
    case "consent":
      return <ConsentScreen screen={screen} />;
    case "card":
      return <CardScreen screen={screen} />;
    case "pin":
      return <PINScreen screen={screen} />;
    case "last_try":
      return <LastTryScreen />;
    case "issued":
      return <IssuedScreen screen={screen} />;
    case "reserved":
      return <ReservedScreen screen={screen} />;
    case "check":
      return <CheckScreen screen={screen} />;
    case "applied":
      return <AppliedScreen screen={screen} />;
    case "manage":
      return <ManageScreen screen={screen} />;
    case "trouble":
      return <TroubleScreen screen={screen} />;
    case "goodbye":
      return <GoodbyeScreen screen={screen} />;
  }
}

/** What a real keyboard types into on this screen; null when there is no field. */
function keyboardOf(screen: Screen): Keyboard | null {
  switch (screen.kind) {
    case "entry":
      return screen.keyboard;
    case "birth":
    case "pin":
      return "digits";
    case "services":
      return screen.search ? "kana" : null;
    default:
      return null;
  }
}

/** One question: the screen slides when this changes, and only then. */
function questionOf(screen: Screen): string {
  return screen.kind === "entry" ? `${screen.step}/${screen.index}` : screen.step;
}

export interface AppProps {
  snap: Snapshot | null;
  line: Line;
  orientation: Orientation;
  send(intent: Intent): void;
  play(sound: Sound): void;
}

export function App(props: AppProps) {
  const { snap, line, orientation, send, play } = props;
  const t = translator(snap?.lang ?? "ja");
  const last = useRef({ question: "", at: -1, back: false });
  const taps = useRef(new Taps()).current;

  // Before the browser paints: whoever sees a field can type into it.
  useLayoutEffect(() => {
    if (!snap || line !== "up") return;
    const onKey = (event: KeyboardEvent) => {
      if (snap.overlay || waitOf(snap)) return;
      const onButton = event.target instanceof HTMLButtonElement;
      const keyboard = keyboardOf(snap.screen);
      const press = typed(event, keyboard ?? "digits");
      if (press === null) return;
      if (press.do === "next") {
        // Enter on a button presses that button.
        const primary = onButton ? null : primaryOf(snap, t);
        if (primary?.on) send(primary.intent);
        return;
      }
      if (keyboard === null) return;
      event.preventDefault();
      switch (press.do) {
        case "key":
          send({ type: "key", data: { text: press.text } });
          break;
        case "erase":
          send({ type: "erase" });
          break;
        case "clear":
          send({ type: "clear" });
          break;
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [snap, line, send, t]);

  if (!snap) return <Notice line={line === "up" ? "starting" : line} t={t} />;

  const { screen } = snap;
  const question = questionOf(screen);
  if (last.current.question !== question) {
    const at = everyStepName.indexOf(screen.step);
    last.current = { question, at, back: at < last.current.at };
  }
  const wait = waitOf(snap);
  const scene = [question, wait?.with, snap.overlay?.kind].join("/");
  const covered = snap.overlay !== null || wait !== null || line !== "up";

  return (
    <EnvContext.Provider value={{ snap, t, orientation, scene, taps, send, play }}>
      <div class={`app app-${screen.kind}`} inert={covered}>
        <TopBar />
        <ProgressLine />
        <main class={last.current.back ? "slide-back" : "slide-on"} key={question}>
          <Body screen={screen} />
        </main>
        <BottomBar />
      </div>
      {wait && <BusyLayer busy={wait} />}
      {snap.overlay && <OverlayLayer overlay={snap.overlay} key={snap.overlay.kind} />}
      {line !== "up" && <Notice line={line} t={t} />}
    </EnvContext.Provider>
  );
}
