package hub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// lines are the lines of a log that is written meanwhile.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.all.Reset()
	return l.all.String()
}

// Where an alarm is raised the log says so, in a line that alarm=true finds.
func TestAlarmsStandInTheLog(t *testing.T) {
	r := newRig(t)
	log := &lines{}
	r.ingest.Log = slog.New(slog.NewTextHandler(log, nil))
	api := r.api(r.ingest, r.box)
	api.Messages = 1
	srv := r.listen(api)
	defer srv.Close()
	k := r.kiosk("demo")
	k.base = func() string { return srv.URL }
	put := func(s wire.Submission) int {
		b, err := json.Marshal(s)
		must(t, err)
		status, _ := k.send(http.MethodPut, wire.PathSubmissions+s.ID, b)
		return status
	}
	stored := k.reserve(persona(t, "taro"))
	if status := put(stored); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	if said := log.take(); strings.Contains(said, "alarm=") || !strings.Contains(said, "Submission stored") {
		t.Errorf("of a sound one it says %s", said)
	}
	for kind, do := range map[hub.AlarmKind]func(){
		hub.AlarmConflict: func() {
			s, err := wire.Seal(k.seal, k.id, stored.ID, persona(t, "hanako").payload(k.reservation()))
			must(t, err)
			put(s)
		},
		hub.AlarmForged: func() {
			p := persona(t, "taro").payload(k.reservation())
			p.Signed.Signature[7] ^= 1
			put(k.sealed(p))
		},
		hub.AlarmKey: func() { s := k.reserve(persona(t, "taro")); s.KeyID = "none"; put(s) },
		hub.AlarmClock: func() {
			d := k.reservation()
			d.Time = d.Time.Add(time.Hour)
			put(k.sealed(persona(t, "hanako").payload(d)))
		},
		hub.AlarmForeign: func() { s := k.reserve(persona(t, "taro")); s.Kiosk = "other"; put(s) },
		hub.AlarmGarbage: func() { k.send(http.MethodPost, wire.PathReport, []byte("{")) },
		hub.AlarmMessages: func() {
			call[wire.IssueStarted](k, wire.PathIssueStart, startOf("4980000000000014", "09012345678"), http.StatusOK)
			k.refused(wire.PathIssueStart, startOf("4980000000000014", "09012345678"), http.StatusTooManyRequests, fault.TooFast)
		},
		hub.AlarmAuditBroken: func() {
			b := wire.AuditBatch{Log: wire.NewSubmissionID(), Prev: wire.AuditStart(), Head: 1,
				Entries: []wire.AuditEntry{{N: 1, At: 1, Event: "stopped", Hash: make([]byte, 32)}}}
			call[wire.AuditAnswer](k, wire.PathAudit, b, http.StatusOK)
		},
	} {
		before := r.alarms(kind)
		log.take()
		do()
		said := log.take()
		if r.alarms(kind) != before+1 || strings.Count(said, "alarm=true") != 1 || !strings.Contains(said, "level=ERROR") {
			t.Errorf("%s: %d alarms, and the log says %s", kind, r.alarms(kind)-before, said)
		}
	}
}

// Who was revoked, and why, stands in the log of the hub that sends it away.
func TestRevocationStandsInTheLog(t *testing.T) {
	r := newRig(t)
	log := &lines{}
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Log = slog.New(slog.NewTextHandler(log, nil)) })
	k := r.kiosk("demo")
	n := open(t, k, l, run1)
	rows(t, r.store, "demo", run1)
	must(t, r.store.Revoke(context.WithoutCancel(t.Context()), "demo", "stolen", r.now()))
	n.hears(wire.LinkRevoked)
	if said := log.take(); !strings.Contains(said, `msg="Kiosk is revoked" kiosk=demo reason=stolen`) {
		t.Errorf("it says %s", said)
	}
}
