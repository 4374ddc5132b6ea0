package cardtest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
)

// ParseTranscript reads what String of a [Transcript] writes, and nothing else:
// whatever it reads gives the same bytes again, so that a file has one form only.
func ParseTranscript(text []byte) (Transcript, error) {
	body, whole := strings.CutSuffix(string(text), "\n")
	head, rest, _ := strings.Cut(body, "\n")
	quoted, ours := strings.CutPrefix(head, transcriptHead)
	name, err := strconv.Unquote(quoted)
	if !whole || !ours || err != nil || strconv.Quote(name) != quoted {
		return Transcript{}, errors.New("cannot read a transcript: it does not begin or end as one")
	}
	t := Transcript{Name: name}
	if len(body) == len(head) {
		return t, nil
	}
	links := map[uint64]bool{} // by connection: open
	for i, line := range strings.Split(rest, "\n") {
		e, err := parseEvent(line)
		if err == nil && e.String() != line {
			err = errors.New("it is not written as usual")
		}
		if err == nil {
			err = checkLinks(links, e)
		}
		if err != nil {
			return Transcript{}, fmt.Errorf("cannot read line %d of transcript %q: %w", i+2, name, err)
		}
		t.events = append(t.events, e)
	}
	return t, nil
}

// checkLinks refuses connections that cannot be.
func checkLinks(links map[uint64]bool, e *event) error {
	open, known := links[e.conn]
	switch e.kind {
	case kindConnect:
		if e.failure != nil {
			return nil
		}
		if known {
			return fmt.Errorf("connection %d is there already", e.conn)
		}
		links[e.conn] = true
	case kindSend, kindEscape, kindClose:
		if !known {
			return fmt.Errorf("there is no connection %d", e.conn)
		}
		if e.kind == kindClose {
			if !open {
				return fmt.Errorf("connection %d is closed already", e.conn)
			}
			links[e.conn] = false
		}
	case kindPut, kindLift, kindUnplug, kindPlug, kindState:
	}
	return nil
}

func parseEvent(line string) (*event, error) {
	all, err := splitLine(line)
	if err != nil {
		return nil, err
	}
	call, outcome := lineWords{rest: all}, lineWords{}
	if i := slices.Index(all, "->"); i >= 0 {
		call.rest, outcome.rest = all[:i], all[i+1:]
	}
	e := &event{kind: eventKind(call.next())}
	switch e.kind {
	case kindPut:
		e.persona = call.name()
	case kindLift, kindUnplug, kindPlug:
	case kindState:
		e.state = call.state()
	case kindConnect:
		e.number = call.number()
		e.ended(&outcome)
	case kindSend, kindEscape:
		e.conn = call.number()
		e.command = call.octets()
		e.ended(&outcome)
	case kindClose:
		e.conn = call.number()
		e.ended(&outcome)
	default:
		return nil, fmt.Errorf("no event is called %q", string(e.kind))
	}
	return e, errors.Join(call.end(), outcome.end())
}

// ended reads how a call ended.
func (e *event) ended(w *lineWords) {
	switch {
	case w.skip("fault"):
		f := &failure{code: fault.Code(w.next()), device: w.next()}
		if !slices.Contains(fault.All(), f.code) {
			w.fail("no fault is called %q", string(f.code))
		}
		switch {
		case f.device == noBytes:
			f.device = ""
		case !lowerCase(f.device):
			w.fail("no device is called %q", f.device)
		}
		f.ended = w.skip("ended")
		e.failure = f
	case e.kind == kindConnect:
		w.expect("conn")
		e.conn = w.number()
		w.expect("on")
		e.reader, e.atr = w.name(), w.bytes()
		e.escapes = w.skip("escapes")
	case e.kind == kindClose:
		w.expect("ok")
	default:
		e.answer = w.octets()
	}
}

func lowerCase(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < 'a' || r > 'z' })
}

// splitLine cuts a line at its spaces. Quoted names stay whole and keep their quotes.
func splitLine(line string) ([]string, error) {
	var all []string
	for {
		word, rest, more := strings.Cut(line, " ")
		if strings.HasPrefix(line, `"`) {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, errors.New("a quotation does not end")
			}
			word = quoted
			rest, more = strings.CutPrefix(line[len(quoted):], " ")
			if !more && rest != "" {
				return nil, errors.New("a quotation is followed by no space")
			}
		}
		if word == "" {
			return nil, errors.New("an empty word")
		}
		all = append(all, word)
		if !more {
			return all, nil
		}
		line = rest
	}
}

// lineWords are read one by one. The first mistake stays; what is read after it is
// of no use.
type lineWords struct {
	rest []string
	err  error
}

func (w *lineWords) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

func (w *lineWords) end() error {
	if len(w.rest) > 0 {
		w.fail("%q is too much", w.rest[0])
	}
	return w.err
}

func (w *lineWords) next() string {
	if len(w.rest) == 0 {
		w.fail("a word is missing")
		return ""
	}
	word := w.rest[0]
	w.rest = w.rest[1:]
	return word
}

// skip reads the next word if it is this one.
func (w *lineWords) skip(word string) bool {
	if len(w.rest) == 0 || w.rest[0] != word {
		return false
	}
	w.rest = w.rest[1:]
	return true
}

func (w *lineWords) expect(word string) {
	if !w.skip(word) {
		w.fail("%q is missing", word)
	}
}

func (w *lineWords) name() string {
	word := w.next()
	name, err := strconv.Unquote(word)
	if err != nil {
		w.fail("%q is no name in quotes", word)
	}
	return name
}

// number is one of an insertion or a connection, never 0.
func (w *lineWords) number() uint64 {
	word := w.next()
	n, err := strconv.ParseUint(word, 10, 64)
	if err != nil || n == 0 {
		w.fail("%q is no number", word)
	}
	return n
}

// bytes are hex in one word.
func (w *lineWords) bytes() []byte {
	d, err := parseOctets([]string{w.next()})
	if err != nil {
		w.fail("%w", err)
	}
	if len(d) == 0 {
		return nil
	}
	if d[0].hidden > 0 {
		w.fail("an answer to reset is never hidden")
	}
	return d[0].bytes
}

// octets are all that is left.
func (w *lineWords) octets() octets {
	d, err := parseOctets(w.rest)
	if err != nil {
		w.fail("%w", err)
	}
	w.rest = nil
	return d
}

func (w *lineWords) state() card.State {
	var s card.State
	if w.skip("none") {
		return s
	}
	for {
		if w.skip("card") {
			l := card.Lying{Number: w.number()}
			w.expect("on")
			l.Reader = w.name()
			l.Tech = w.tech()
			l.ATR = w.bytes()
			s.Cards = append(s.Cards, l)
		} else {
			r := card.Reader{Name: w.name()}
			r.MyNumber = w.skip("my-number")
			r.WAON = w.skip("waon")
			s.Readers = append(s.Readers, r)
		}
		if w.err != nil || !w.skip("+") {
			return s
		}
	}
}

func (w *lineWords) tech() card.Tech {
	word := w.next()
	for _, t := range []card.Tech{card.TechUnknown, card.TechISO, card.TechFeliCa} {
		if techWord(t) == word {
			return t
		}
	}
	w.fail("no family of cards is called %q", word)
	return card.TechUnknown
}
