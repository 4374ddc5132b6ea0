import { useId, useState } from "preact/hooks";

import { liftCard, plugReader, putCard, tearAt, type DockState, type Persona, type PersonaKind } from "./api";
import { Panel, Segments, useDesk } from "./parts";
import { CardFace, ReaderPicture } from "./pictures";
import { personaAbout } from "./texts";

const kinds: readonly PersonaKind[] = ["mynumber", "waon", "other"];

/** The many ordinary holders that load tests need stand apart. */
const isCrowd = (p: Persona) => p.id.startsWith("person-");

/** Cards is the reader, what lies on it, and every card that could. */
export function Cards({ state }: { readonly state: DockState }) {
  const { say } = useDesk();
  const on = state.personas.find((p) => p.id === state.reader.persona);
  return (
    <Panel area="cards" title={say("cards")}>
      <Reader state={state} on={on} />
      {kinds.map((kind) => (
        <Deck
          key={kind}
          title={say(`kind.${kind}`)}
          personas={state.personas.filter((p) => p.kind === kind && !isCrowd(p))}
          on={on}
        />
      ))}
      <details class="crowd">
        <summary>{say("kind.crowd")}</summary>
        <Deck title={say("kind.crowd")} personas={state.personas.filter(isCrowd)} on={on} />
      </details>
    </Panel>
  );
}

function Reader({ state, on }: { readonly state: DockState; readonly on: Persona | undefined }) {
  const { say, act } = useDesk();
  const text = !state.reader.power
    ? say("reader.unplugged")
    : on
      ? say("reader.holds", { name: on.name })
      : say("reader.empty");
  return (
    <div class="reader">
      <ReaderPicture card={on} power={state.reader.power} torn={state.tear.at >= 0} />
      <div class="reader-side">
        <p class="reader-text" role="status">
          {text}
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
}

function Deck({ title, personas, on }: DeckProps) {
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
                onClick={() => act(here ? liftCard() : putCard(p.id))}
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
