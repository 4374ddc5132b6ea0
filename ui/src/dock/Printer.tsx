import { useEffect, useId, useRef, useState } from "preact/hooks";

import {
  clearSlips,
  failNextSlip,
  setPrinter,
  slipURL,
  type DockState,
  type SlipFault,
  type SlipPicture,
  type Trouble as TroubleName,
} from "./api";
import { Panel, Segments, useDesk } from "./parts";

/** Printer is the slip printer's state and everything that came out of it. */
export function Printer({ state }: { readonly state: DockState }) {
  const { say, act } = useDesk();
  const { real, paper, cover, power } = state.printer;
  if (real) {
    return (
      <Panel area="printer" title={say("printer")}>
        <p class="note">{say("printer.real")}</p>
      </Panel>
    );
  }
  return (
    <Panel area="printer" title={say("printer")}>
      <div class="controls">
        <Segments
          legend={say("paper")}
          value={paper}
          options={[
            { value: "full", text: say("paper.full"), tone: "ok" },
            { value: "low", text: say("paper.low"), tone: "warn" },
            { value: "out", text: say("paper.out"), tone: "bad" },
          ]}
          onPick={(v) => act(setPrinter({ paper: v }))}
        />
        <Segments
          legend={say("cover")}
          value={cover}
          options={[
            { value: "closed", text: say("cover.closed"), tone: "ok" },
            { value: "open", text: say("cover.open"), tone: "bad" },
          ]}
          onPick={(v) => act(setPrinter({ cover: v }))}
        />
        <Segments
          legend={say("power")}
          value={power}
          options={[
            { value: "on", text: say("power.on"), tone: "ok" },
            { value: "off", text: say("power.off"), tone: "bad" },
          ]}
          onPick={(v) => act(setPrinter({ power: v }))}
        />
      </div>
      <Trouble now={state.printer.trouble} />
      <FailNext waits={state.printer.fail_next} />
      <Slips slips={state.slips} />
    </Panel>
  );
}

const troubles: readonly TroubleName[] = ["", "cutter", "head_hot", "offline", "unplugged", "mute"];

/** Trouble is what a printer can have besides paper, cover and power. */
function Trouble({ now }: { readonly now: TroubleName }) {
  const { say, act } = useDesk();
  return (
    <fieldset class="tear trouble">
      <legend>{say("trouble")}</legend>
      <div class="tear-row">
        <select
          aria-label={say("trouble")}
          value={now}
          onChange={(e) => act(setPrinter({ trouble: e.currentTarget.value as TroubleName }))}
        >
          {troubles.map((t) => (
            <option key={t} value={t}>
              {say(t === "" ? "trouble.none" : `trouble.${t}`)}
            </option>
          ))}
        </select>
      </div>
    </fieldset>
  );
}

const faults: readonly SlipFault[] = [
  "paper_out", "cover_open", "power_off", "unplugged", "cutter", "head_hot", "offline", "mute", "paper_low",
];

/** A slip is some tens of thousands of bytes long: this is well within the first one. */
const midSlip = 4000;

/** FailNext lets something happen in the middle of the next slip. */
function FailNext({ waits }: { readonly waits: SlipFault | "" }) {
  const { say, act } = useDesk();
  const [fault, setFault] = useState<SlipFault>("paper_out");
  const field = useId();
  return (
    <fieldset class="tear fail-next">
      <legend>{say("fail")}</legend>
      <div class="tear-row">
        <label for={field}>{say("fail.what")}</label>
        <select id={field} value={fault} onChange={(e) => setFault(e.currentTarget.value as SlipFault)}>
          {faults.map((f) => (
            <option key={f} value={f}>
              {say(`fail.${f}`)}
            </option>
          ))}
        </select>
        <button type="button" class="button" onClick={() => act(failNextSlip(fault, midSlip))}>
          {say("fail.arm")}
        </button>
      </div>
      <p class={waits ? "note tone-warn" : "note"} role="status">
        {waits ? say("fail.armed", { what: say(`fail.${waits}`) }) : say("fail.idle")}
      </p>
    </fieldset>
  );
}

function Slips({ slips }: { readonly slips: readonly SlipPicture[] }) {
  const { say, act } = useDesk();
  const [open, setOpen] = useState<number>();
  const newest = [...slips].sort((a, b) => b.n - a.n);
  const shown = slips.find((s) => s.n === open);
  return (
    <div class="slips">
      <div class="slips-head">
        <h3>{say("slips")}</h3>
        <button type="button" class="button quiet" disabled={slips.length === 0} onClick={() => act(clearSlips())}>
          {say("slips.clear")}
        </button>
      </div>
      <div class="mouth" aria-hidden="true" />
      {slips.length === 0 ? (
        <p class="empty">{say("slips.none")}</p>
      ) : (
        <ul class="slips-list">
          {newest.map((s) => (
            <Slip key={s.n} slip={s} onOpen={() => setOpen(s.n)} />
          ))}
        </ul>
      )}
      {shown && <SlipDialog slip={shown} onClose={() => setOpen(undefined)} />}
    </div>
  );
}

function Slip({ slip, onOpen }: { readonly slip: SlipPicture; onOpen(): void }) {
  const { say } = useDesk();
  return (
    <li>
      <button type="button" class="slip" aria-label={say("slip.open", { n: slip.n })} onClick={onOpen}>
        <span class={slip.complete ? "paper" : "paper torn"}>
          <img src={slipURL(slip.n)} width={slip.width} height={slip.height} alt="" />
        </span>
      </button>
      <SlipCaption slip={slip} />
    </li>
  );
}

function SlipCaption({ slip }: { readonly slip: SlipPicture }) {
  const { say, lang } = useDesk();
  return (
    <p class="slip-caption">
      <span>
        {say("slip.n", { n: slip.n })} · <time dateTime={slip.at}>{clockTime(slip.at, lang)}</time>
      </span>
      <span class={slip.complete ? "badge tone-ok" : "badge tone-bad"}>{say(slip.complete ? "slip.whole" : "slip.torn")}</span>
    </p>
  );
}

function SlipDialog({ slip, onClose }: { readonly slip: SlipPicture; onClose(): void }) {
  const { say } = useDesk();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="slip-dialog"
      aria-label={say("slip.n", { n: slip.n })}
      onClose={onClose}
      onClick={(e) => {
        if (e.target === dialog.current) dialog.current?.close();
      }}
    >
      <div class="slip-dialog-body">
        <div class="slip-dialog-head">
          <SlipCaption slip={slip} />
          <a class="link" href={slipURL(slip.n)} target="_blank" rel="noreferrer">
            {say("slip.file")}
          </a>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            {say("slip.close")}
          </button>
        </div>
        <img src={slipURL(slip.n)} width={slip.width} height={slip.height} alt={say("slip.n", { n: slip.n })} />
      </div>
    </dialog>
  );
}

function clockTime(at: string, lang: string): string {
  return new Intl.DateTimeFormat(lang, { timeStyle: "medium", timeZone: "Asia/Tokyo" }).format(new Date(at));
}
