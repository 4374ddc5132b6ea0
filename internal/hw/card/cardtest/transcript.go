package cardtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
)

// Transcript is all that went over the edge of a driver: what the hand did, what
// the driver told and what it was asked. A [Recorder] writes one, a [Player]
// plays it, and between the two it is a text to read and to compare, with one
// event a line:
//
//	transcript 1 "closing takes a verified PIN back"
//	state "Virtual PCD 00 00" my-number waon
//	put "taro"
//	state "Virtual PCD 00 00" my-number waon + card 1 on "Virtual PCD 00 00" iso 3BE000FF
//	connect 1 -> conn 1 on "Virtual PCD 00 00" 3BE000FF escapes
//	send 1 00A4040C 0A D392F000260100000001 -> 9000
//	send 1 00200080 04 *4 -> 9000
//	close 1 -> ok
//	send 1 00200080 -> fault card_mute card
//
// "*4" are four bytes that were not written down, "-" is no byte at all. The hand
// does put, lift, unplug and plug. A call is send, escape, close or connect, the
// last with the number of the insertion; behind the arrow stands how it ended. A
// fault is its code and device, and "ended" when the context had ended by then.
//
// A call stands where it began. What the driver told meanwhile comes after it, so
// whatever a state led to comes after that state.
type Transcript struct {
	Name   string // what was recorded
	events []*event
}

// transcriptHead begins the text and has its version: a reader knows one version.
const transcriptHead = "transcript 1 "

// kind is the first word of an event.
type eventKind string

const (
	kindPut     eventKind = "put"
	kindLift    eventKind = "lift"
	kindUnplug  eventKind = "unplug"
	kindPlug    eventKind = "plug"
	kindState   eventKind = "state"
	kindConnect eventKind = "connect"
	kindSend    eventKind = "send"
	kindEscape  eventKind = "escape"
	kindClose   eventKind = "close"
)

// event is one line. Which fields count is up to the kind.
type event struct {
	kind    eventKind
	persona string     // put
	state   card.State // state
	number  uint64     // connect: of the insertion
	conn    uint64     // which connection, counted from 1
	reader  string     // connect: on which the card lies,
	atr     []byte     // … how it answered to reset,
	escapes bool       // … and whether the connection is a card.Escaper
	command octets     // send, escape
	answer  octets     // send, escape
	failure *failure   // of a call; nil = none
}

// failure is what is kept of an error: its text may say too much.
type failure struct {
	code   fault.Code
	device string
	ended  bool // the context had ended
}

func (f *failure) String() string {
	s := "fault " + string(f.code) + " " + f.device
	if f.device == "" {
		s += noBytes
	}
	if f.ended {
		s += " ended"
	}
	return s
}

// call is the event without how it ended.
func (e *event) call() string {
	s := string(e.kind)
	switch e.kind {
	case kindPut:
		s += " " + strconv.Quote(e.persona)
	case kindState:
		s += " " + stateText(e.state)
	case kindConnect:
		s += " " + strconv.FormatUint(e.number, 10)
	case kindSend, kindEscape:
		s += " " + strconv.FormatUint(e.conn, 10) + " " + e.command.String()
	case kindClose:
		s += " " + strconv.FormatUint(e.conn, 10)
	case kindLift, kindUnplug, kindPlug:
	}
	return s
}

// String is the line.
func (e *event) String() string {
	s := e.call()
	switch {
	case e.failure != nil:
		s += " -> " + e.failure.String()
	case e.kind == kindConnect:
		s += fmt.Sprintf(" -> conn %d on %q %s", e.conn, e.reader, hexOf(e.atr))
		if e.escapes {
			s += " escapes"
		}
	case e.kind == kindSend, e.kind == kindEscape:
		s += " -> " + e.answer.String()
	case e.kind == kindClose:
		s += " -> ok"
	}
	return s
}

func stateText(s card.State) string {
	var parts []string
	for _, r := range s.Readers {
		p := strconv.Quote(r.Name)
		if r.MyNumber {
			p += " my-number"
		}
		if r.WAON {
			p += " waon"
		}
		parts = append(parts, p)
	}
	for _, l := range s.Cards {
		parts = append(parts, fmt.Sprintf("card %d on %q %s %s", l.Number, l.Reader, techWord(l.Tech), hexOf(l.ATR)))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, " + ")
}

func techWord(t card.Tech) string {
	switch t {
	case card.TechISO:
		return "iso"
	case card.TechFeliCa:
		return "felica"
	case card.TechUnknown:
		return "unknown"
	default:
		return "?"
	}
}

// String is the text that [ParseTranscript] reads.
func (t Transcript) String() string {
	var b strings.Builder
	b.WriteString(transcriptHead + strconv.Quote(t.Name) + "\n")
	for _, e := range t.events {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

// Equivalent says where two recordings of the same doings differ in more than a
// driver is free to do: it may number the insertions as it likes, and tell or not
// tell a state that the next one replaces before anybody did anything.
func Equivalent(want, got Transcript) error {
	w, g := want.essence(), got.essence()
	for i := range max(len(w), len(g)) {
		const end = "the end"
		a, b := end, end
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Errorf("cannot take the recordings of %q for the same: event %d is %s, not %s", want.Name, i+1, b, a)
		}
	}
	return nil
}

// essence is the events as lines, without what Equivalent overlooks.
func (t Transcript) essence() []string {
	var lines []string
	numbers := map[uint64]uint64{0: 0}
	renumber := func(n uint64) uint64 {
		if _, known := numbers[n]; !known {
			numbers[n] = uint64(len(numbers))
		}
		return numbers[n]
	}
	told := (&event{kind: kindState}).String()
	for i, e := range t.events {
		own := *e
		own.number = renumber(own.number)
		if e.kind != kindState {
			lines = append(lines, own.String())
			continue
		}
		if i+1 == len(t.events) || t.events[i+1].kind == kindState {
			continue // nobody did anything on it
		}
		own.state.Cards = slices.Clone(e.state.Cards)
		for j := range own.state.Cards {
			own.state.Cards[j].Number = renumber(own.state.Cards[j].Number)
		}
		if line := own.String(); line != told {
			told = line
			lines = append(lines, line)
		}
	}
	return lines
}
