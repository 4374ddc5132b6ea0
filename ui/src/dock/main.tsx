/** The dock: the developer's panel that plays the hardware, at /dock. */
import { render } from "preact";

import "@digital-go-jp/design-tokens/dist/tokens.css";
import "./dock.css";

import { listen, type DockState } from "./api";
import { App } from "./App";
import { sayIn, type Lang } from "./texts";

const root = document.getElementById("app") ?? document.body.appendChild(document.createElement("div"));
const lang = chosenLanguage();

let state: DockState | undefined;
let connected = false;
let error = "";

document.documentElement.lang = lang;
document.title = `${sayIn(lang)("title")} · kioskd`;

function draw() {
  render(<App lang={lang} state={state} connected={connected} error={error} act={act} onDismiss={() => fail("")} />, root);
}

function fail(text: string) {
  error = text;
  draw();
}

// A refusal leaves the devices as they were; drawing again puts the control back
// to what the daemon last said.
function act(call: Promise<void>) {
  call.then(
    () => error !== "" && fail(""),
    (e: unknown) => fail(e instanceof Error ? e.message : String(e)),
  );
}

function chosenLanguage(): Lang {
  const wanted = new URLSearchParams(location.search).get("lang") ?? navigator.language;
  return wanted.startsWith("ja") ? "ja" : "en";
}

draw();
listen({
  state(s) {
    state = s;
    draw();
  },
  connected(up) {
    if (up === connected) return;
    connected = up;
    draw();
  },
});
