import { useState } from "preact/hooks";
import { Icon } from "../art/icons";
import type { Keyboard } from "../contract";
import { useEnv } from "../env";
import { digitRows, kanaMarks, kanaRows, letterRows } from "../keys";
import { Press } from "./press";

interface BoardProps {
  /** Shows and sounds nothing of what is pressed. */
  secret?: boolean;
  /** Whether there is something to delete. */
  filled: boolean;
}

function useKeys() {
  const { send } = useEnv();
  return {
    key: (text: string) => send({ type: "key", data: { text } }),
    erase: () => send({ type: "erase" }),
    clear: () => send({ type: "clear" }),
  };
}

function Erase(props: { filled: boolean; discreet: boolean }) {
  const { t } = useEnv();
  const { erase } = useKeys();
  return (
    <Press class="key key-word" onPress={erase} disabled={!props.filled} discreet={props.discreet}>
      <Icon name="erase" />
      <span>{t("key.erase")}</span>
    </Press>
  );
}

function Clear(props: { filled: boolean; discreet: boolean }) {
  const { t } = useEnv();
  const { clear } = useKeys();
  return (
    <Press class="key key-word" onPress={clear} disabled={!props.filled} discreet={props.discreet}>
      <span>{t("key.clear")}</span>
    </Press>
  );
}

/** The 3x4 keypad in the order of a telephone. */
export function Keypad(props: BoardProps) {
  const { t } = useEnv();
  const { key } = useKeys();
  const discreet = props.secret ?? false;
  return (
    <div class="board board-digits" role="group" aria-label={t("key.pad")}>
      {digitRows.flat().map((digit) => (
        <Press key={digit} class="key key-digit" onPress={() => key(digit)} discreet={discreet}>
          {digit}
        </Press>
      ))}
      <Clear filled={props.filled} discreet={discreet} />
      <Press class="key key-digit" onPress={() => key("0")} discreet={discreet}>
        0
      </Press>
      <Erase filled={props.filled} discreet={discreet} />
    </div>
  );
}

/** The kana table, read from the right. */
export function KanaBoard(props: BoardProps & { onSwitch?: () => void }) {
  const { t } = useEnv();
  const { key } = useKeys();
  return (
    <div class="board board-kana" role="group" aria-label={t("key.board")}>
      <div class="board-grid">
        {kanaRows.flatMap((row, r) =>
          row.map((kana, c) =>
            kana === "" ? (
              <span key={`${r}-${c}`} />
            ) : (
              <Press key={kana} class="key" onPress={() => key(kana)}>
                {kana}
              </Press>
            ),
          ),
        )}
      </div>
      <div class="board-row">
        {kanaMarks.map((mark) => (
          <Press key={mark} class="key" onPress={() => key(mark)} {...(mark === "小" ? { label: t("key.small") } : {})}>
            {mark}
          </Press>
        ))}
        <Press class="key key-word key-wide" onPress={() => key("　")}>
          {t("key.space")}
        </Press>
        {props.onSwitch && (
          <Press class="key key-word" onPress={props.onSwitch}>
            {t("key.letters")}
          </Press>
        )}
        <Clear filled={props.filled} discreet={false} />
        <Erase filled={props.filled} discreet={false} />
      </div>
    </div>
  );
}

/** QWERTY with a row of digits. */
export function LetterBoard(props: BoardProps & { onSwitch?: () => void; space?: boolean }) {
  const { t } = useEnv();
  const { key } = useKeys();
  const [shift, setShift] = useState(false);
  const discreet = props.secret ?? false;
  return (
    <div class="board board-letters" role="group" aria-label={t("key.board")}>
      {letterRows.map((row, r) => (
        <div class="board-row" key={r}>
          {row.map((letter) => {
            const shown = shift ? letter.toUpperCase() : letter;
            return (
              <Press key={letter} class="key" onPress={() => key(shown)} discreet={discreet}>
                {shown}
              </Press>
            );
          })}
        </div>
      ))}
      <div class="board-row">
        <Press class="key key-word" pressed={shift} onPress={() => setShift(!shift)} discreet={discreet}>
          <Icon name="shift" />
          <span>{t("key.shift")}</span>
        </Press>
        {props.onSwitch && (
          <Press class="key key-word" onPress={props.onSwitch}>
            {t("key.kana")}
          </Press>
        )}
        {props.space && (
          <Press class="key key-word key-wide" onPress={() => key(" ")}>
            {t("key.space")}
          </Press>
        )}
        <Clear filled={props.filled} discreet={discreet} />
        <Erase filled={props.filled} discreet={discreet} />
      </div>
    </div>
  );
}

/** The keyboard that a field asks for. */
export function Board(props: BoardProps & { keyboard: Keyboard }) {
  switch (props.keyboard) {
    case "digits":
      return <Keypad {...props} />;
    case "kana":
      return <KanaBoard {...props} />;
    case "letters":
      return <LetterBoard {...props} />;
  }
}
