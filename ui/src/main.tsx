import { render } from "preact";
import { App } from "./app";
import type { Snapshot } from "./contract";
import { cue } from "./cues";
import { fetchLanguage, isReady } from "./i18n";
import { apply, unit } from "./look";
import { Link, socketURL, type Line } from "./socket";
import { Speaker } from "./sound";
import "./styles/index.css";

const root = document.documentElement;
const app = document.getElementById("app") ?? document.body;

const speaker = new Speaker();
let snap: Snapshot | null = null;
let line: Line = "starting";

const link = new Link(socketURL(location), {
  onSnapshot(next) {
    speaker.volume = next.look.volume;
    const sound = cue(snap, next);
    if (sound) speaker.play(sound);
    snap = next;
    if (isReady(next.lang)) draw();
    // Without its texts a language is drawn in Japanese: better than an old screen.
    else void fetchLanguage(next.lang).catch(() => undefined).then(draw);
    // The others are fetched before somebody asks for them.
    for (const lang of next.kiosk.langs) void fetchLanguage(lang).catch(() => undefined);
  },
  onLine(next) {
    if (next === line) return;
    line = next;
    draw();
  },
});

function draw(): void {
  const { innerWidth, innerHeight } = window;
  apply(root, snap?.look ?? { size: 1, contrast: "normal", volume: 2 }, snap?.lang ?? "ja", innerWidth, innerHeight);
  render(
    <App
      snap={snap}
      line={line}
      orientation={unit(innerWidth, innerHeight).orientation}
      send={(intent) => link.send(intent)}
      play={(sound) => speaker.play(sound)}
    />,
    app,
  );
}

addEventListener("resize", draw);
// A kiosk has no menu of the browser, and nothing to drag out of it.
addEventListener("contextmenu", (event) => event.preventDefault());
addEventListener("dragstart", (event) => event.preventDefault());

draw();
link.open();
