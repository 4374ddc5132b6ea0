package flow

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/secret"
	"kioskd/internal/wire"
)

// Markers: what a shopper types and gets. None of it may turn up elsewhere.
const (
	markPIN      = "7391"
	markPassword = "Zebra42quux"
	markOTP      = "582914"
	markCode     = "864207"
	markID       = "6900000000004562"
	markName     = "ヤマネコ タロウ"
	markPhone    = "09055501234"
	markKey      = "MK-5KQ7-0001"
	markHolder   = "holder-of-the-card"
)

var start0 = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// world plays everything around the flow: it holds a state, the effects that
// are not answered yet, and a clock.
type world struct {
	t   testing.TB
	s   State
	now time.Time
	out []Effect // not answered yet
	all []Effect // everything ever asked for
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: start0, s: New(Settings{Catalogue: loadCatalogue(t), Name: "見本店 1号機", Langs: []string{"ja", "en"}})}
	w.do(LineIs{Up: true}, PrinterIs{}, ReaderIs{Ready: true, WAON: true})
	return w
}

var loadOnce = sync.OnceValues(catalogue.Load)

func loadCatalogue(t testing.TB) *catalogue.Catalogue {
	t.Helper()
	cat, err := loadOnce()
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// do feeds facts, one after the other.
func (w *world) do(facts ...Fact) *world {
	w.t.Helper()
	for _, f := range facts {
		var out []Effect
		w.s, out = Step(w.s, Event{At: w.now, Fact: f})
		w.out = append(w.out, out...)
		w.all = append(w.all, out...)
	}
	return w
}

// wait lets time pass, with every tick that is due on the way.
func (w *world) wait(d time.Duration) *world {
	w.t.Helper()
	end := w.now.Add(d)
	for range 1000 {
		at, ok := w.s.Wake()
		if !ok || at.After(end) {
			break
		}
		w.now = at
		w.do(Tick{})
	}
	w.now = end
	return w.do(Tick{})
}

func (w *world) keys(text string) *world {
	w.t.Helper()
	for _, r := range text {
		w.do(Key{Text: string(r)})
	}
	return w
}

func (w *world) at(want StepName) *world {
	w.t.Helper()
	if w.s.step != want {
		w.t.Fatalf("at step %s, want %s (trouble %q, problem %+v)", w.s.step, want, w.troubleCode(), w.problem())
	}
	return w
}

func (w *world) troubleCode() string {
	if w.s.v == nil {
		return ""
	}
	return string(w.s.v.trouble.code)
}

func (w *world) problem() EntryProblem {
	if w.s.v == nil || w.s.v.problem == nil {
		return EntryProblem{}
	}
	return *w.s.v.problem
}

func (w *world) view() Snapshot { return View(w.s) }

// pop takes the oldest unanswered effect of type E.
func pop[E Effect](w *world) E {
	w.t.Helper()
	for i, e := range w.out {
		if got, ok := e.(E); ok {
			w.out = slices.Delete(w.out, i, i+1)
			return got
		}
	}
	var none E
	w.t.Fatalf("at %s: no %T was asked for; waiting: %T", w.s.step, none, w.out)
	return none
}

func has[E Effect](w *world) bool {
	return slices.ContainsFunc(w.out, func(e Effect) bool { _, ok := e.(E); return ok })
}

// putCard lays a My Number card on the reader; it identifies itself when asked.
func (w *world) putCard(n uint64, tries int) *world {
	w.t.Helper()
	w.do(ReaderIs{Ready: true, WAON: true, ISO: n})
	if has[Inspect](w) {
		w.seen(tries)
	}
	return w
}

func (w *world) seen(tries int) *world {
	w.t.Helper()
	e := pop[Inspect](w)
	return w.do(CardSeen{Ticket: e.Ticket, Card: e.Card, Holder: markHolder, TriesLeft: tries})
}

// lift takes the card away; whoever was reading it says so.
func (w *world) lift() *world {
	w.t.Helper()
	w.do(ReaderIs{Ready: true, WAON: true})
	if has[Inspect](w) {
		e := pop[Inspect](w)
		w.do(CardSeen{Ticket: e.Ticket, Card: e.Card, Fault: "card_lifted"})
	}
	return w
}

// sign answers the Sign effect with a good signature.
func (w *world) sign() *world {
	w.t.Helper()
	e := pop[Sign](w)
	if string(e.PIN.Bytes()) != markPIN {
		w.t.Fatal("the card was given another PIN")
	}
	e.PIN.Wipe()
	wipeAll(e.Codes)
	return w.do(DocumentSigned{Ticket: e.Ticket, Verified: true, TriesLeft: 3, Holder: markHolder, Signed: wire.Signed{Document: []byte("{}")}, ID: "signed"})
}

// store answers Submit, and the hub its acknowledgement.
func (w *world) store(id string) *world {
	w.t.Helper()
	e := pop[Submit](w)
	return w.do(Committed{Ticket: e.Ticket, ID: id, Number: "N-" + id})
}

func (w *world) ack(id string) *world {
	return w.do(Acknowledged{ID: id, Verdict: wire.Verdict{Accepted: true, MyKeyID: markKey}})
}

func (w *world) printed() *world {
	w.t.Helper()
	e := pop[Print](w)
	wipeAll(e.Slip.Codes)
	return w.do(SlipEnded{Ticket: e.Ticket, Outcome: SlipPrinted})
}

func (w *world) readTerms() *world {
	w.t.Helper()
	for {
		v, ok := w.view().Screen.(TermsView)
		if !ok {
			w.t.Fatalf("no terms at %s", w.s.step)
		}
		if v.Page == v.Pages-1 {
			break
		}
		w.do(Turn{Page: v.Page + 1})
	}
	return w.do(Box{On: true}, Next{})
}

// issue walks issue to its end, typing everything.
func (w *world) issue(plan Plan) *world {
	w.t.Helper()
	w.do(Start{Plan: plan}).at(StepIssueKind)
	w.do(Pick{ID: "aeon-card-waon"}).at(StepIssueTerms)
	w.readTerms().at(StepIssueCard)
	w.keys(markID).do(Next{}).at(StepIssueName)
	w.keys(markName).do(Next{}).at(StepIssueBirth)
	w.keys("250203").do(Next{}).at(StepIssuePhone)
	w.keys(markPhone).do(Next{})
	w.sent().at(StepIssueCode)
	w.keys(markOTP)
	c := pop[CheckCode](w)
	c.Code.Wipe()
	w.do(CodeChecked{Ticket: c.Ticket}).at(StepIssuePassword)
	w.keys(markPassword).do(Next{})
	i := pop[IssueID](w)
	i.Password.Wipe()
	w.do(IDIssued{Ticket: i.Ticket, IssueRef: "ref", RecordID: "rec", ServiceID: markID, Codes: []Code{secret.New([]byte(markCode))}})
	return w.at(StepIssued)
}

func (w *world) sent() *world {
	w.t.Helper()
	e := pop[SendCode](w)
	return w.do(CodeSent{Ticket: e.Ticket, Started: wire.IssueStarted{
		Session: "s1", ExpiresInSec: 300, ResendInSec: 30, ResendsLeft: 3, TriesLeft: 3,
	}})
}

// leak reports which of the marks the snapshot holds.
func (w *world) leak(marks ...string) string {
	w.t.Helper()
	b, err := json.Marshal(w.view())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range marks {
		if strings.Contains(string(b), m) {
			return m
		}
	}
	return ""
}
