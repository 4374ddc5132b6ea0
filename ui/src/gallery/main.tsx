/**
 * Every screen without a daemon, for development:
 * gallery.html?screen=pin&lang=en&size=2&contrast=dark. Without a screen it lists them.
 * The looks can be changed on the screen; everything else stays as the fixture says.
 */
import { render } from "preact";
import { App } from "../app";
import { everyContrast, type Intent, type Snapshot } from "../contract";
import { fixtures, type FixtureLang } from "../fixtures";
import { fetchLanguage } from "../i18n";
import { apply, unit } from "../look";
import type { Line } from "../socket";
import "../styles/index.css";

const query = new URLSearchParams(location.search);
const name = query.get("screen");
const line: Line = query.get("line") === "lost" ? "lost" : query.get("line") === "starting" ? "starting" : "up";
let lang: FixtureLang = query.get("lang") === "en" ? "en" : "ja";
let look: Snapshot["look"] = {
  size: Number(query.get("size") ?? 1),
  contrast: everyContrast.find((c) => c === query.get("contrast")) ?? "normal",
  volume: 2,
};

const app = document.getElementById("app") ?? document.body;

function act(intent: Intent): void {
  switch (intent.type) {
    case "lang":
      lang = intent.data.lang === "en" ? "en" : "ja";
      break;
    case "size":
      look = { ...look, size: intent.data.size };
      break;
    case "contrast":
      look = { ...look, contrast: intent.data.contrast };
      break;
    case "volume":
      look = { ...look, volume: intent.data.volume };
      break;
    default:
      console.info("intent", intent);
  }
  draw();
}

function draw(): void {
  const { innerWidth, innerHeight } = window;
  const all = fixtures(lang);
  const fixture = name === null ? undefined : all[name];
  apply(document.documentElement, look, lang, innerWidth, innerHeight);
  if (!fixture) {
    document.body.style.overflow = "auto";
    render(
      <ul>
        {Object.keys(all).map((key) => (
          <li key={key}>
            <a href={`?screen=${key}&lang=${lang}`}>{key}</a>
          </li>
        ))}
      </ul>,
      app,
    );
    return;
  }
  render(
    <App
      snap={line === "starting" ? null : { ...fixture, look }}
      line={line}
      orientation={unit(innerWidth, innerHeight).orientation}
      send={act}
      play={() => undefined}
    />,
    app,
  );
  document.body.dataset["ready"] = "true";
}

addEventListener("resize", draw);
void fetchLanguage("en").then(draw);
