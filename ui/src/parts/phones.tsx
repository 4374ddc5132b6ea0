import { phones } from "../format";

/** A text whose telephone numbers and times stay in one piece where the line breaks. */
export function Phones(props: { text: string }) {
  return (
    <>
      {phones(props.text).map((part, i) =>
        part.whole ? (
          <span class="whole" key={i}>
            {part.text}
          </span>
        ) : (
          part.text
        ),
      )}
    </>
  );
}
