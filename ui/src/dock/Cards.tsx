import { useId, useState } from "preact/hooks";

import { liftCard, muteCard, plugReader, putCard, putCardAlso, slowCard, tearAt, type DockState, type Persona, type PersonaKind } from "./api";
import { Panel, Segments, useDesk } from "./parts";
import { CardFace, ReaderPicture } from "./pictures";
import { personaAbout, type Say } from "./texts";

const kinds: readonly PersonaKind[] = ["mynumber", "waon", "other"];

/** The many ordinary holders that load tests need stand apart. */
const isCrowd = (p: Persona) => p.id.startsWith("person-");

/** Cards is the reader, what lies on it, and every card that could. */
export function Cards({ state }: { readonly state: DockState }) {
  const { say } = useDesk();
  const on = state.personas.find((p) => p.id === state.reader.persona);
  const [onTop, setOnTop] = useState(false);
  const put = (id: string) => {
    setOnTop(false);
    return onTop && on ? putCardAlso(id) : putCard(id);
  };
  if (state.reader.real) {
    return (
      <Panel area="cards" title={say("cards")}>
        <p class="note">{say("reader.real")}</p>
      </Panel>
    );
  }
  return (
    <Panel area="cards" title={say("cards")}>
      <Reader state={state} on={on} />
      <label class="on-top">
        <input type="checkbox" checked={onTop} disabled={!on} onChange={(e) => setOnTop(e.currentTarget.checked)} />
        <span>{say("reader.on_top")}</span>
      </label>
      {kinds.map((kind) => (
        <Deck
          key={kind}
          title={say(`kind.${kind}`)}
          personas={state.personas.filter((p) => p.kind === kind && !isCrowd(p))}
          on={on}
          put={put}
        />
      ))}
      <details class="crowd">
        <summary>{say("kind.crowd")}</summary>
        <Deck title={say("kind.crowd")} personas={state.personas.filter(isCrowd)} on={on} put={put} />
      </details>
    </Panel>
  );
}

/** How much later than at once a slow card answers. */
const slowMs = 1500;

type Voice = "answers" | "slow" | "mute";

function pickVoice(v: Voice): Promise<unknown> {
  return Promise.all([muteCard(v === "mute"), slowCard(v === "slow" ? slowMs : 0)]);
}

function readerText({ reader, personas }: DockState, on: Persona | undefined, say: Say): string {
  if (!reader.power) return say("reader.unplugged");
  if (!on) return say("reader.empty");
  const also = personas.find((p) => p.id === reader.also);
  return also ? say("reader.both", { name: on.name, also: also.name }) : say("reader.holds", { name: on.name });
}

function Reader({ state, on }: { readonly state: DockState; readonly on: Persona | undefined }) {
  const { say, act } = useDesk();
  const { reader } = state;
  const voice: Voice = reader.mute ? "mute" : reader.slow_ms > 0 ? "slow" : "answers";
  return (
    <div class="reader">
      <ReaderPicture card={on} power={state.reader.power} torn={state.tear.at >= 0} />
      <div class="reader-side">
        <p class="reader-text" role="status">
          {readerText(state, on, say)}
        </p>
        <button type="button" class="button" disabled={!on} onClick={() => act(liftCard())}>
          {say("reader.lift")}
        </button>
        <Segments
          legend={say("reader.cable")}
          value={state.reader.power ? "in" : "out"}
          options={[
            { value: "in", text: say("reader.in"), tone: "ok" },
            { value: "out", text: say("reader.out"), tone: "bad" },
          ]}
          onPick={(v) => act(plugReader(v === "in"))}
        />
        <Segments<Voice>
          legend={say("reader.voice")}
          value={voice}
          options={[
            { value: "answers", text: say("reader.answers"), tone: "ok" },
            { value: "slow", text: say("reader.slow"), tone: "warn" },
            { value: "mute", text: say("reader.mute"), tone: "bad" },
          ]}
          onPick={(v) => act(pickVoice(v).then(() => undefined))}
        />
      </div>
      <Tear at={state.tear.at} />
    </div>
  );
}

function Tear({ at }: { readonly at: number }) {
  const { say, act } = useDesk();
  const [n, setN] = useState(3);
  const field = useId();
  const armed = at >= 0;
  return (
    <fieldset class="tear">
      <legend>{say("tear")}</legend>
      <div class="tear-row">
        <label for={field}>{say("tear.at")}</label>
        <input
          id={field}
          type="number"
          min={0}
          max={99}
          value={n}
          onInput={(e) => setN(e.currentTarget.valueAsNumber)}
          onKeyDown={(e) => {
            if (e.key === "Enter" && n >= 0) act(tearAt(n));
          }}
        />
        <button type="button" class="button" disabled={!(n >= 0)} onClick={() => act(tearAt(n))}>
          {say("tear.arm")}
        </button>
        <button type="button" class="button quiet" disabled={!armed} onClick={() => act(tearAt(-1))}>
          {say("tear.off")}
        </button>
      </div>
      <p class={armed ? "note tone-warn" : "note"} role="status">
        {armed ? say("tear.armed", { n: at }) : say("tear.idle")}
      </p>
    </fieldset>
  );
}

interface DeckProps {
  readonly title: string;
  readonly personas: readonly Persona[];
  readonly on: Persona | undefined;
  put(id: string): Promise<void>;
}

function Deck({ title, personas, on, put }: DeckProps) {
  const { say, act, lang } = useDesk();
  if (personas.length === 0) return null;
  return (
    <div class="deck">
      <h3>{title}</h3>
      <ul>
        {personas.map((p) => {
          const here = p.id === on?.id;
          return (
            <li key={p.id}>
              <button
                type="button"
                class="persona"
                aria-pressed={here}
                onClick={() => act(here ? liftCard() : put(p.id))}
              >
                <CardFace kind={p.kind} />
                <span class="persona-text">
                  <span class="persona-name">{p.name}</span>
                  <span class="persona-about">{personaAbout(p, lang)}</span>
                </span>
                <span class="persona-side">
                  {p.pin !== "" && (
                    <span class="persona-pin">
                      <small>{say("pin")}</small> <code>{p.pin}</code>
                    </span>
                  )}
                  <span class={here ? "persona-act here" : "persona-act"}>{say(here ? "card.lift" : "card.put")}</span>
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
