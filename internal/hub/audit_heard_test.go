package hub_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// teller is a kiosk that tells of its log as it likes.
type teller struct {
	*kiosk

	log, prior string
	n          int64
	prev       []byte
}

func (r *rig) teller(t *testing.T) *teller {
	k := r.kiosk("demo")
	k.t = t
	return &teller{kiosk: k, log: wire.NewSubmissionID(), prev: wire.AuditStart()}
}

// writes sends so many entries more.
func (k *teller) writes(entries int) {
	k.t.Helper()
	b := wire.AuditBatch{Log: k.log, Prior: k.prior, Prev: k.prev, Head: k.n + int64(entries)}
	for range entries {
		k.n++
		e := wire.AuditEntry{N: k.n, At: 1, Event: "stopped"}
		e.Hash = e.Sum(k.prev)
		k.prev = e.Hash
		b.Entries = append(b.Entries, e)
	}
	if a := call[wire.AuditAnswer](k.kiosk, wire.PathAudit, b, http.StatusOK); a.Verdict != wire.AuditTaken {
		k.t.Fatalf("%+v", a)
	}
}

func (k *teller) tells(m *wire.AuditMark) {
	k.t.Helper()
	if status, b := k.send(http.MethodPost, wire.PathReport, mustJSON(k.t, wire.Report{Version: "1", Audit: m})); status != http.StatusNoContent {
		k.t.Fatalf("%d %s", status, b)
	}
}

func (k *teller) mark() *wire.AuditMark { return &wire.AuditMark{Log: k.log, N: k.n} }

// A kiosk of which the hub has entries says no more how many there are, or says less.
func TestAuditThatIsToldOfNoMoreIsFoundOut(t *testing.T) {
	other := wire.NewSubmissionID()
	for name, says := range map[string]func(*teller, int) *wire.AuditMark{
		"nothing":            func(*teller, int) *wire.AuditMark { return nil },
		"no log's ID":        func(*teller, int) *wire.AuditMark { return &wire.AuditMark{Log: "none", N: 5} },
		"another log, empty": func(*teller, int) *wire.AuditMark { return &wire.AuditMark{Log: other} },
		"ever other logs":    func(*teller, int) *wire.AuditMark { return &wire.AuditMark{Log: wire.NewSubmissionID()} },
		"the log before":     func(k *teller, _ int) *wire.AuditMark { return &wire.AuditMark{Log: k.prior, N: 5} },
		"now this and now that": func(k *teller, i int) *wire.AuditMark {
			if i%2 == 0 {
				return nil
			}
			return &wire.AuditMark{Log: k.prior, N: 1}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			k := r.teller(t)
			k.writes(5)
			k.tells(k.mark())
			k.log, k.prior = wire.NewSubmissionID(), k.log // it goes on with another
			k.writes(5)
			k.tells(k.mark())
			for i := range 7 {
				r.ahead.Add(int64(10 * time.Minute))
				if got := r.auditAlarms(); len(got) > 0 {
					t.Fatalf("alarms %v after %d minutes", got, 10*i)
				}
				k.tells(says(k, i))
			}
			if got := r.auditAlarms(); !slices.Equal(got, []hub.AlarmKind{hub.AlarmAuditGap}) {
				t.Errorf("alarms %v", got)
			}
		})
	}
}

// Signs of life that were made before a batch came, and batches that came before the
// sign of life was made, a log that takes another's place, and kiosks that never had
// one, are nothing to alarm of.
func TestAuditThatIsUnderWayIsNoGap(t *testing.T) {
	for name, lives := range map[string]func(*teller, int){
		"always told too early": func(k *teller, _ int) {
			early := k.mark()
			k.writes(3)
			k.tells(early)
		},
		"always sent too late": func(k *teller, _ int) {
			k.tells(&wire.AuditMark{Log: k.log, N: k.n + 3})
			k.writes(3)
		},
		"a log that was rescued": func(k *teller, i int) {
			if i == 4 {
				k.log, k.prior = wire.NewSubmissionID(), k.log
				k.tells(&wire.AuditMark{Log: k.log, N: k.n + 1})
				k.writes(1)
			}
			k.tells(k.mark())
		},
		"a reading that fails now and then": func(k *teller, i int) {
			if i%3 == 0 {
				k.tells(k.mark())
				return
			}
			k.tells(nil)
		},
		"a night without a line": func(k *teller, i int) {
			k.tells(&wire.AuditMark{Log: k.log, N: k.n + 1})
			k.ahead.Add(int64(10 * time.Hour))
			k.tells(&wire.AuditMark{Log: k.log, N: k.n + 1})
			k.writes(1)
			k.tells(k.mark())
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			k := r.teller(t)
			k.writes(1)
			for i := range 20 {
				lives(k, i)
				r.ahead.Add(int64(10 * time.Minute))
			}
			if got := r.auditAlarms(); len(got) > 0 {
				t.Errorf("alarms %v", got)
			}
		})
	}
	for name, m := range map[string]*wire.AuditMark{"no mark": nil, "an empty log": {Log: wire.NewSubmissionID()}} {
		t.Run(fmt.Sprintf("never had one: %s", name), func(t *testing.T) {
			r := newRig(t)
			k := r.teller(t)
			for range 10 {
				k.tells(m)
				r.ahead.Add(int64(time.Hour))
			}
			if got := r.auditAlarms(); len(got) > 0 {
				t.Errorf("alarms %v", got)
			}
		})
	}
}
