package flow

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kioskd/internal/fault"
	"kioskd/internal/secret"
	"kioskd/internal/wire"
)

var (
	typedSecrets = []string{markPIN, markPassword, markOTP, markCode}
	personal     = append([]string{markID, markName, markPhone, markKey, markHolder, "ヤマネコ", "1950-02-03"}, typedSecrets...)
)

// TestRandomVisits walks random visits: any touch, any device, any answer, at
// any moment. Step never panics; a snapshot never holds a typed secret; from
// everywhere a few touches lead to the top screen, and then nothing personal is
// left.
func TestRandomVisits(t *testing.T) {
	visited := map[StepName]bool{}
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t)
		card := uint64(0)
		for range rapid.IntRange(1, 160).Draw(r, "events") {
			visited[w.s.step] = true
			randomly(r, w, &card)
			w.checkSnapshot(r)
			w.checkState(r)
		}
		w.home(r)
	})
	for _, s := range Steps() {
		if !visited[s] {
			t.Logf("step %s was not met this time", s)
		}
	}
	if len(visited) < len(Steps())*2/3 {
		t.Errorf("only %d of %d steps were met: the walk does not walk", len(visited), len(Steps()))
	}
}

// checkState: no screen stands without a reason or a way on.
func (w *world) checkState(r *rapid.T) {
	v := w.s.v
	if v == nil {
		return
	}
	switch w.s.step {
	case StepReading:
		if v.pending == nil {
			r.Fatal("reading, and nothing is read")
		}
	case StepReserved, StepApplied:
		sub := v.reserved
		if w.s.step == StepApplied {
			sub = v.applied
		}
		if sub.id == "" || sub.number == "" || sub.delivery == "" {
			r.Fatalf("%s without a submission: %+v", w.s.step, sub)
		}
	case StepCard:
		c := v.card
		if w.s.reader.ISO != 0 && c.number == w.s.reader.ISO && v.pending == nil && !v.inspecting.on() {
			r.Fatal("a card lies there, is known, and is asked for")
		}
	case StepCheck:
		if !w.view().Nav.Next {
			r.Fatal("the check screen is dark")
		}
	default:
	}
	for _, e := range w.out {
		sign, ok := e.(Sign)
		if !ok || sign.Document.Application == nil {
			continue
		}
		svc, _ := w.s.set.Catalogue.Find(sign.Document.Application.Service)
		if p := svc.IDField.Problem(sign.Document.Application.ServiceID); p != "" {
			r.Fatalf("the card signs an ID that is %s", p)
		}
	}
	if v.issue.number != "" && v.card.signer != "" && v.card.signer != markHolder {
		r.Fatal("somebody else has signed")
	}
}

// checkSnapshot: what is on the screen may hold no typed secret; an issued code
// stands on the two screens that exist to show it.
func (w *world) checkSnapshot(r *rapid.T) {
	snap := w.view()
	switch s := snap.Screen.(type) {
	case IssuedView:
		s.Fields = nil
		snap.Screen = s
	case ManageView:
		s.Fields = nil
		snap.Screen = s
	}
	b, err := json.Marshal(snap)
	if err != nil {
		r.Fatal(err)
	}
	for _, m := range typedSecrets {
		if strings.Contains(string(b), m) {
			r.Fatalf("at %s the snapshot holds %s", w.s.step, m)
		}
	}
}

// home leads to the top within bounded events and looks for what is left.
func (w *world) home(r *rapid.T) {
	for range 4 {
		if w.s.step == StepTop {
			break
		}
		w.do(GoHome{})
		w.do(Next{})
		w.do(ReaderIs{Ready: true, WAON: true})
		w.wait(goodbyeCard + time.Second)
	}
	if w.s.step != StepTop || w.s.v != nil {
		r.Fatalf("no way home: still at %s", w.s.step)
	}
	for _, text := range textsOf(w.s) {
		for _, m := range personal {
			if strings.Contains(text, m) {
				r.Fatalf("%s is left in the state", m)
			}
		}
	}
}

// textsOf collects every string and byte slice that is reachable from v, but
// not the settings, which are no visit's.
func textsOf(s State) []string {
	s.set = nil
	var out []string
	seen := map[uintptr]bool{}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			out = append(out, v.String())
		case reflect.Pointer:
			if !v.IsNil() && !seen[v.Pointer()] {
				seen[v.Pointer()] = true
				walk(v.Elem())
			}
		case reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			for _, field := range v.Fields() {
				walk(field)
			}
		case reflect.Slice, reflect.Array:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				b := make([]byte, v.Len())
				for i := range b {
					b[i] = byte(v.Index(i).Uint())
				}
				out = append(out, string(b))
				return
			}
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for it := v.MapRange(); it.Next(); {
				walk(it.Key())
				walk(it.Value())
			}
		default:
		}
	}
	walk(reflect.ValueOf(s))
	return out
}

// randomly does one thing: mostly what a shopper on this screen would do, so
// that walks get far, and often enough something else.
func randomly(r *rapid.T, w *world, card *uint64) {
	switch n := rapid.IntRange(0, 99).Draw(r, "what"); {
	case n < 45:
		sensible(r, w, card)
	case n < 70 && len(w.out) > 0:
		answerOne(r, w)
	case n < 80:
		w.do(rapid.SampledFrom(touches()).Draw(r, "touch"))
	case n < 90:
		*card++
		w.do(rapid.SampledFrom([]Fact{
			ReaderIs{Ready: true, WAON: true, ISO: *card}, ReaderIs{Ready: true, WAON: true, ISO: *card},
			ReaderIs{Ready: true, WAON: true, FeliCa: *card}, ReaderIs{Ready: true, WAON: true, ISO: *card},
			ReaderIs{Ready: true, WAON: true}, ReaderIs{}, PrinterIs{}, PrinterIs{Fault: fault.PaperOut}, PrinterIs{Low: true},
			LineIs{}, StorageIs{Fault: fault.StorageFull}, StorageIs{}, EnrolmentIs{Fault: fault.KioskRevoked}, EnrolmentIs{}, LineIs{Up: true}, LineIs{Up: true}, StaffEnds{}, ButtonPressed{}, Found{Submissions: []FoundSubmission{{Number: "X"}}},
		}).Draw(r, "device"))
	default:
		w.wait(time.Duration(rapid.IntRange(0, 60).Draw(r, "seconds")) * time.Second)
	}
}

func touches() []Fact {
	return []Fact{
		Start{Plan: PlanFull}, Start{Plan: PlanApply}, Next{}, Back{}, Another{}, Erase{}, Clear{}, Resend{}, PrintAgain{},
		Key{Text: "1"}, Key{Text: "ア"}, Key{Text: "゛"}, Pick{ID: "waon"}, Pick{ID: "service_id"}, Pick{ID: "code"},
		Pick{ID: "service"}, Pick{ID: "nothing"}, Turn{Page: 0}, Turn{Page: 1}, Turn{Page: 99}, Box{On: true}, Box{},
		SetEra{Era: EraWestern}, Open{Overlay: OverlayLanguage}, Open{Overlay: OverlayDisplay}, Close{}, SetLang{Lang: "en"},
		SetLang{Lang: "xx"}, SetSize{Size: 2}, SetContrast{Contrast: ContrastHigh}, SetVolume{Volume: 9}, CallStaff{On: true},
		CallStaff{}, GoHome{}, Stay{}, Tick{},
	}
}

// sensible does what the screen asks for.
func sensible(r *rapid.T, w *world, card *uint64) {
	if w.s.overlay != OverlayNone {
		w.do(Close{})
		return
	}
	switch s := w.view().Screen.(type) {
	case Menu:
		w.do(Start{Plan: rapid.SampledFrom(Plans()).Draw(r, "plan")})
	case Services:
		w.do(Pick{ID: rapid.SampledFrom([]string{"aeon-card-waon", "waon", "aeon-card-waon"}).Draw(r, "service")})
	case TermsView:
		w.do(Turn{Page: s.Page + 1}, Box{On: true}, Next{})
	case Birth:
		w.do(Clear{}).keys("250203").do(Next{})
	case Consent:
		w.do(Box{On: true}, Next{})
	case CardView:
		if w.s.reader.ISO == 0 {
			*card++
			w.do(ReaderIs{Ready: true, WAON: true, ISO: *card})
		}
	case PINView:
		w.do(Clear{}).keys(markPIN).do(Next{})
	case Entry:
		w.do(Clear{}).keys(typedAt(s.Step)).do(Next{})
	default:
		w.do(Next{})
	}
}

func typedAt(s StepName) string {
	switch s {
	case StepIssueCard, StepApplyID:
		return markID
	case StepIssueName:
		return markName
	case StepIssuePhone, StepManagePhone:
		return markPhone
	case StepIssueCode:
		return markOTP
	case StepApplyCode:
		return markCode
	case StepApplyPhone:
		return "1234"
	}
	return markPassword
}

// answerOne answers one effect, well or badly, and wipes what it carried.
func answerOne(r *rapid.T, w *world) {
	i := rapid.IntRange(0, len(w.out)-1).Draw(r, "effect")
	e := w.out[i]
	w.out = slices.Delete(w.out, i, i+1)
	well := rapid.IntRange(0, 9).Draw(r, "well") < 7
	code := fault.Code("")
	if !well {
		code = rapid.SampledFrom(fault.All()).Draw(r, "code")
	}
	p := Problem{Code: code, TriesLeft: rapid.IntRange(0, 3).Draw(r, "tries")}
	switch e := e.(type) {
	case Inspect:
		w.do(CardSeen{Ticket: e.Ticket, Fault: code, Card: e.Card, Holder: markHolder, TriesLeft: rapid.IntRange(0, 3).Draw(r, "left")})
	case ReadWAON:
		w.do(WAONSeen{Ticket: e.Ticket, Fault: code, Number: markID})
	case Sign:
		e.PIN.Wipe()
		wipeAll(e.Codes)
		w.do(DocumentSigned{
			Ticket: e.Ticket, Fault: code, TriesLeft: p.TriesLeft, Verified: rapid.Bool().Draw(r, "verified"), Holder: markHolder,
			Signed: wire.Signed{Document: []byte(markName)},
		})
	case Submit:
		w.do(Committed{Ticket: e.Ticket, Fault: code, ID: fmt.Sprint("id", e.Ticket.N), Number: "7F3K"})
		if well {
			w.do(Acknowledged{ID: fmt.Sprint("id", e.Ticket.N), Verdict: wire.Verdict{Accepted: rapid.Bool().Draw(r, "ok"), Code: fault.ServiceIDWrong, MyKeyID: markKey}})
		}
	case Print:
		wipeAll(e.Slip.Codes)
		w.do(SlipEnded{Ticket: e.Ticket, Outcome: rapid.SampledFrom([]SlipOutcome{SlipPrinted, SlipUnconfirmed, SlipNot, SlipUnknown}).Draw(r, "slip")})
	case SendCode:
		w.do(CodeSent{Ticket: e.Ticket, Problem: p, Started: wire.IssueStarted{Session: "s", ExpiresInSec: 300, ResendInSec: 30, ResendsLeft: 2, TriesLeft: 3}})
	case CheckCode:
		e.Code.Wipe()
		w.do(CodeChecked{Ticket: e.Ticket, Problem: p})
	case IssueID:
		e.Password.Wipe()
		w.do(IDIssued{Ticket: e.Ticket, Problem: p, ServiceID: markID, Codes: []Code{secret.New([]byte(markCode))}})
	case LogIn:
		e.Password.Wipe()
		w.do(LoggedIn{Ticket: e.Ticket, Problem: p, Account: wire.Account{Service: "waon", Status: wire.StatusIssued, ServiceID: markID}, Codes: []Code{secret.New([]byte(markCode))}})
	case Inquire:
		w.do(StandingIs{Ticket: e.Ticket, Problem: p, Standing: wire.Standing{Reserved: rapid.Bool().Draw(r, "reserved"), Applied: rapid.Bool().Draw(r, "applied")}})
	case EndVisit:
	}
}

// TestWipeZeroesSecrets: the buffers themselves are zero, not just unreachable.
func TestWipeZeroesSecrets(t *testing.T) {
	w := newWorld(t).issue(PlanFull).store("rec")
	code := w.s.v.issue.codes[0].Bytes()
	w.putCard(1, 3).do(Next{}).keys(markPIN)
	pin := w.s.v.card.pin.Bytes()
	w.do(StaffEnds{}).at(StepGoodbye)
	for _, b := range slices.Concat(code, pin) {
		if b != 0 {
			t.Fatalf("left in memory: %q %q", code, pin)
		}
	}
}
