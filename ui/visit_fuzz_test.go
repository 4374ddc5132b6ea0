package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/secret"
	"kioskd/internal/wire"
)

// journey plays all that is around a visit: who touches, the card, and what answers the
// effects.
type journey struct {
	t       testing.TB
	state   flow.State
	at      time.Time
	answers []byte // one for each effect; behind the last all goes well
	asked   int
	card    uint64
	reached map[flow.StepName]bool
}

func newJourney(t testing.TB, cat *catalogue.Catalogue, answers []byte) *journey {
	j := &journey{
		t: t, at: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), answers: answers, reached: map[flow.StepName]bool{},
		state: flow.New(flow.Settings{Catalogue: cat, Name: "test", Langs: []string{"ja", "en"}}),
	}
	for _, fact := range []flow.Fact{flow.LineIs{Up: true}, flow.ReaderIs{Ready: true, WAON: true}, flow.PrinterIs{}} {
		j.do(fact)
	}
	return j
}

// walk takes a text line by line: a word lays a card, lifts it, or lets time pass; all
// else is a message of the screen. At the end the visit is over, and its secrets wiped.
func (j *journey) walk(text []byte) {
	j.t.Helper()
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		j.at = j.at.Add(time.Second)
		switch string(line) {
		case "card":
			j.card++
			j.do(flow.ReaderIs{Ready: true, WAON: true, ISO: j.card})
		case "waon":
			j.card++
			j.do(flow.ReaderIs{Ready: true, WAON: true, FeliCa: j.card})
		case "lift":
			j.do(flow.ReaderIs{Ready: true, WAON: true})
		case "down", "up":
			j.do(flow.LineIs{Up: string(line) == "up"})
		case "wait":
			if wake, ok := j.state.Wake(); ok && wake.After(j.at) {
				j.at = wake
			}
			j.do(flow.Tick{})
		default:
			if _, fact, err := parse(line); err == nil {
				j.do(fact)
			}
		}
	}
	j.do(flow.StaffEnds{})
}

// do takes a fact, and the answers to what it asks for, and theirs.
func (j *journey) do(fact flow.Fact) {
	j.t.Helper()
	for facts := []flow.Fact{fact}; len(facts) > 0; facts = facts[1:] {
		var effects []flow.Effect
		j.state, effects = flow.Step(j.state, flow.Event{At: j.at, Fact: facts[0]})
		j.reached[j.state.Step()] = true
		if _, err := json.Marshal(flow.View(j.state)); err != nil {
			j.t.Fatalf("after %T at %s: %v", facts[0], j.state.Step(), err)
		}
		for _, e := range effects {
			facts = append(facts, j.answer(e)...)
		}
	}
}

// outcome says how the next effect ends: well, with a fault, or without an answer.
func (j *journey) outcome() (code fault.Code, tries int, silent bool) {
	j.asked++
	if j.asked > 1000 {
		j.t.Fatalf("at %s: what is asked for never ends", j.state.Step())
	}
	const well, none = 4, 255
	if len(j.answers) == 0 {
		return "", 3, false
	}
	b := j.answers[0]
	j.answers = j.answers[1:]
	switch {
	case b < well:
		return "", int(b), false
	case b == none:
		return "", 0, true
	}
	return fault.All()[int(b)%len(fault.All())], int(b) % well, false
}

// answer gives the facts that an effect leads to. It wipes the secrets that come with it.
func (j *journey) answer(e flow.Effect) []flow.Fact {
	code, tries, silent := j.outcome()
	problem := flow.Problem{Code: code, TriesLeft: tries}
	var fact, later flow.Fact
	const holder, number = "holder", "6900000000004562"
	codes := func() []flow.Code { return []flow.Code{secret.New([]byte("864207"))} }
	switch e := e.(type) {
	case flow.Inspect:
		fact = flow.CardSeen{Ticket: e.Ticket, Fault: code, Card: e.Card, Holder: holder, TriesLeft: tries}
	case flow.ReadWAON:
		fact = flow.WAONSeen{Ticket: e.Ticket, Fault: code, Number: number}
	case flow.Sign:
		e.PIN.Wipe()
		wipe(e.Codes)
		fact = flow.DocumentSigned{
			Ticket: e.Ticket, Fault: code, TriesLeft: tries, Verified: code == "", Holder: holder,
			Signed: wire.Signed{Document: []byte("{}")}, ID: fmt.Sprintf("%026d", j.asked),
		}
	case flow.Submit:
		fact = flow.Committed{Ticket: e.Ticket, Fault: code, ID: e.ID, Number: wire.NumberOf(fmt.Sprintf("%026d", j.asked))}
		if code == "" { // the hub has another word to say
			refused, _, lost := j.outcome()
			if !lost {
				later = flow.Acknowledged{ID: e.ID, Verdict: wire.Verdict{Accepted: refused == "", Code: refused, MyKeyID: "MK-1"}}
			}
		}
	case flow.Print:
		wipe(e.Slip.Codes)
		outcome := flow.SlipPrinted
		if code != "" {
			outcome = []flow.SlipOutcome{flow.SlipNot, flow.SlipUnconfirmed, flow.SlipUnknown}[tries%3]
		}
		fact = flow.SlipEnded{Ticket: e.Ticket, Outcome: outcome, Fault: code}
	case flow.SendCode:
		fact = flow.CodeSent{Ticket: e.Ticket, Problem: problem, Started: wire.IssueStarted{
			Session: "s", ExpiresInSec: 300, ResendInSec: 30, ResendsLeft: 3, TriesLeft: 3,
		}}
	case flow.CheckCode:
		e.Code.Wipe()
		fact = flow.CodeChecked{Ticket: e.Ticket, Problem: problem}
	case flow.IssueID:
		e.Password.Wipe()
		issued := flow.IDIssued{Ticket: e.Ticket, Problem: problem}
		if code == "" && !silent {
			issued.IssueRef, issued.ServiceID, issued.Codes, issued.RecordID = "ref", number, codes(), "record"
		}
		fact = issued
	case flow.LogIn:
		e.Password.Wipe()
		in := flow.LoggedIn{Ticket: e.Ticket, Problem: problem}
		if code == "" && !silent {
			in.Account, in.Codes = wire.Account{Service: "aeon-card-waon", Status: wire.StatusIssued, ServiceID: number}, codes()
		}
		fact = in
	case flow.Inquire:
		fact = flow.StandingIs{Ticket: e.Ticket, Problem: problem, Standing: wire.Standing{Reserved: tries > 0, Applied: tries == 2}}
	case flow.EndVisit:
		return nil
	}
	if silent {
		return nil
	}
	if later != nil {
		return []flow.Fact{fact, later}
	}
	return []flow.Fact{fact}
}

func wipe(codes []flow.Code) {
	for i := range codes {
		codes[i].Wipe()
	}
}

// lines gives messages of the screen for words such as "start reserve", "key 7391",
// "next", and leaves what is no message as it is.
func lines(words ...string) string {
	member := map[string]string{"start": "plan", "key": "text", "pick": "id"}
	var out []string
	for _, w := range words {
		typ, data, found := strings.Cut(w, " ")
		switch {
		case w == "terms":
			for page := range 12 {
				out = append(out, fmt.Sprintf(`{"type":"turn","data":{"page":%d}}`, page))
			}
			out = append(out, `{"type":"box","data":{"on":true}}`, `{"type":"next"}`)
		case found:
			out = append(out, fmt.Sprintf(`{"type":%q,"data":{%q:%q}}`, typ, member[typ], data))
		case w == "next" || w == "back" || w == "home" || w == "another":
			out = append(out, fmt.Sprintf(`{"type":%q}`, w))
		default:
			out = append(out, w)
		}
	}
	return strings.Join(out, "\n")
}

// FuzzVisit sends the lines of a text as messages to a visit, and answers what it asks
// for from bytes: whatever they are, it goes on, and each snapshot can be drawn and
// encoded.
func FuzzVisit(f *testing.F) {
	cat, err := catalogue.Load()
	if err != nil {
		f.Fatal(err)
	}
	reserve := []string{"start reserve", "card", "key 7391", "next"}
	apply := []string{
		"start apply", "card", "key 7391", "next", "key いおん", "pick waon", "next", "terms",
		"key 69000000", "key 00004562", "next", "key 864207", "next", "key 1234", "next", "next", "key 7391", "next",
	}
	issue := []string{
		"start issue", "pick aeon-card-waon", "terms", "key 69000000", "key 00004562", "next", "key ヤマネコ タロウ", "next",
		"key 250203", "next", "key 0905550", "key 1234", "next", "key 582914", "key Zebra42q", "next",
	}
	manage := []string{"start manage", "key 0901234", "key 5678", "next", "key Zebra42q", "next"}
	for _, seed := range []struct {
		words []string
		want  flow.StepName // the control: this screen is reached when all goes well
	}{
		{reserve, flow.StepReserved}, {apply, flow.StepApplied}, {issue, flow.StepIssued}, {manage, flow.StepManage},
		{[]string{"start reserve", "card", "lift", "card", "wait", "home", "next", "wait"}, flow.StepPIN},
		{[]string{"start full", `{"type":"size","data":{"size":3}}`, `{"type":"clear"}`, "waon", "lift", "home", "next"}, flow.StepIssueKind},
		{[]string{`{"type":"open","data":{"overlay":"language"}}`, `{"type":"lang","data":{"lang":"en"}}`, "home", `{"type":"staff","data":{"on":true}}`}, flow.StepTop},
		{[]string{"{}", `{"seq":18446744073709551615}`, "[]", "down", "up"}, flow.StepTop},
	} {
		text := []byte(lines(seed.words...))
		j := newJourney(f, cat, nil)
		if j.walk(text); !j.reached[seed.want] {
			f.Errorf("%q does not lead to %s: %v", seed.words, seed.want, j.reached)
		}
		f.Add(text, []byte{})
		for n := range 7 { // one fault on the way, or one answer that never comes
			well := bytes.Repeat([]byte{3}, n)
			f.Add(text, append(bytes.Clone(well), byte(40+n)))
			f.Add(text, append(well, 255))
		}
	}
	f.Fuzz(func(t *testing.T, text, answers []byte) { newJourney(t, cat, answers).walk(text) })
}
