package sync

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	stdsync "sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/catalogue"
	"kioskd/internal/hub"
	"kioskd/internal/sync/linetest"
	"kioskd/internal/wire"
)

// seeded gives what is random in a test of the line: KIOSKD_LINE_SEED, or a new seed,
// which is printed.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := settingOf(t, "KIOSKD_LINE_SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("again: KIOSKD_LINE_SEED=%d", seed)
	return rand.New(rand.NewPCG(uint64(seed), 5))
}

// failures are the ways in which a line is to fail, once the newest connection has shown
// where the records of an exchange end. Most bytes of a TLS record are alike: it fails
// at the ends of all records and around them, in their headers, in their middles, and at
// random. Of these places every so many is taken, each in one manner; with
// KIOSKD_MODEL_CHECKS all are, in all manners. Whatever is drawn, an answer is cut in
// its middle in the end, and the next one, too.
func (r *lineRig) failures(rnd *rand.Rand, every int) (all []linetest.Fault) {
	r.t.Helper()
	whole := os.Getenv("KIOSKD_MODEL_CHECKS") != ""
	if whole {
		every = 1
	}
	for _, way := range []linetest.Way{linetest.Up, linetest.Down} {
		places := []int{0, 1}
		before := 0
		ends := r.line.Records(way)
		if len(ends) < 3 {
			r.t.Fatalf("%d records %s: that is no TLS", len(ends), way)
		}
		for _, end := range ends {
			places = append(places, before+3, before+5, before+6, (before+end)/2, end-1, end, end+1)
			before = end
		}
		for range 10 {
			places = append(places, rnd.IntN(before))
		}
		slices.Sort(places)
		places = slices.Compact(places)
		for n, i := 0, rnd.IntN(every); i < len(places); n, i = n+1, i+every {
			hows := []linetest.How{linetest.Cut, linetest.Half, linetest.Double}
			if !whole {
				hows = hows[n%3 : n%3+1]
			}
			if n%8 == 7 {
				hows = append(hows, linetest.Stop) // which the client has to wait out
			}
			for _, how := range hows {
				all = append(all, linetest.Fault{How: how, Way: way, At: places[i]})
			}
		}
	}
	lost := linetest.Fault{How: linetest.Cut, Way: linetest.Down, At: r.inLast(linetest.Down)}
	return append(all, lost, lost)
}

// anew begins a new connection, over a line that fails so, one fault to each connection.
func (r *lineRig) anew(faults ...linetest.Fault) {
	r.client.opts.Background, r.client.opts.Interactive = neverTired, neverTired
	for _, f := range faults {
		if f.How == linetest.Stop {
			r.client.opts.Background, r.client.opts.Interactive = soonTired, soonTired
		}
	}
	r.line.Break()
	r.fresh(faults...)
}

// countingIssuer counts how often it was asked to issue, by session.
type countingIssuer struct {
	hub.Issuer

	mu    stdsync.Mutex
	asked map[string]int
}

func (i *countingIssuer) Complete(ctx context.Context, kiosk string, r wire.IssueComplete) (wire.Issued, error) {
	i.mu.Lock()
	i.asked[r.Session]++
	i.mu.Unlock()
	return i.Issuer.Complete(ctx, kiosk, r)
}

func (i *countingIssuer) askedFor(session string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[session]
}

// verified opens an issuance for the nth person, as far as the password.
func (r *lineRig) verified(n int) (session string) {
	r.t.Helper()
	number := "498000" + fmt.Sprintf("%09d", 100+n)
	phone := fmt.Sprintf("0905555%04d", n)
	st, err := r.box.Start(r.t.Context(), "demo", wire.IssueStart{
		RequestID: wire.NewNonce(), Service: "aeon-card-waon", CardNumber: number + string(catalogue.LuhnDigit(number)),
		NameKana: "ヤマダ　タロウ", Birth: "1950-04-01", Phone: wire.Private(phone),
	})
	r.ok(err)
	sms, err := r.box.Messages(r.t.Context(), phone, 1)
	r.ok(err)
	_, err = r.box.Verify(r.t.Context(), "demo", wire.IssueVerify{RequestID: wire.NewNonce(), Session: st.Session, Code: sms[0].Code})
	r.ok(err)
	return st.Session
}

// count counts rows of one of the hub's files.
func (r *lineRig) count(file, query string) (n int) {
	r.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(r.base, file)+"?mode=ro")
	r.ok(err)
	r.ok(errors.Join(db.QueryRowContext(r.t.Context(), query).Scan(&n), db.Close()))
	return n
}

// Over a line that fails at any byte, once or twice in a row, either way and in every
// manner, an issuance is made once: the client's own repetition, or the same request
// again, brings the answer, and it is one and the same.
func TestACallOverALineThatFailsAtAnyByte(t *testing.T) {
	r := newLineRig(t)
	sessions := 0
	request := func() wire.IssueComplete {
		sessions++
		return wire.IssueComplete{
			RequestID: wire.NewNonce(), Session: r.verified(sessions), Password: wire.Private("pass" + strconv.Itoa(1000+sessions)), Try: 1,
		}
	}
	r.anew()
	_, err := r.client.IssueComplete(t.Context(), request()) // a clean exchange shows where the records end
	r.ok(err)
	repeated, kept, lost := 0, 0, 0
	for n, f := range r.failures(seeded(t), 4) {
		faults := []linetest.Fault{f, f}[:1+n%2]
		what := fmt.Sprintf("%s %s after byte %d, %d times", f.How, f.Way, f.At, len(faults))
		ask := request()
		r.anew(faults...)
		came := r.line.Arrived()
		first, err := r.client.IssueComplete(t.Context(), ask)
		switch acted := r.issuer.askedFor(ask.Session) > 0; {
		case err == nil && r.line.Arrived() > came+1:
			repeated++
		case err == nil:
		case answered(err):
			t.Errorf("%s: the hub refuses it: %v", what, err)
		case acted:
			lost++
		default:
			kept++
		}
		r.anew()
		again, wrong := r.client.IssueComplete(t.Context(), ask)
		if wrong != nil {
			t.Fatalf("%s, and then a good line: %v", what, wrong)
		}
		if err == nil && !cmp.Equal(first, again) {
			t.Errorf("%s: two answers, %+v and %+v", what, first, again)
		}
		if times := r.issuer.askedFor(ask.Session); times != 1 {
			t.Errorf("%s: the issuer was asked %d times", what, times)
		}
	}
	if n := r.count("sandbox.db", "SELECT count(*) FROM account"); n != sessions {
		t.Errorf("%d accounts, for %d people", n, sessions)
	}
	if n := r.count("hub.db", "SELECT count(*) FROM answer"); n != sessions {
		t.Errorf("%d answers are kept, of %d requests", n, sessions)
	}
	t.Logf("%d issuances; %d came by the client's own repetition, %d did not reach the hub, of %d the answer was lost", sessions, repeated, kept, lost)
	if repeated == 0 || kept == 0 || lost == 0 {
		t.Error("the line did not fail")
	}
}

// The audit log goes on over such a line as if nothing were: no entry is missing or
// there twice, and none counts as a fork.
func TestAnAuditLogOverALineThatFailsAtAnyByte(t *testing.T) {
	r := newLineRig(t)
	send := func() error {
		for {
			more, err := r.courier.sendAudit(t.Context(), r.client)
			if err != nil || !more {
				return err
			}
		}
	}
	stored := func() int64 {
		logs, err := r.store.AuditLogs(t.Context(), "demo")
		r.ok(err)
		if len(logs) == 0 {
			return 0
		}
		return logs[0].N
	}
	r.anew()
	r.ok(send())
	kept, lost := 0, 0
	for _, f := range r.failures(seeded(t), 3) {
		what := fmt.Sprintf("%s %s after byte %d", f.How, f.Way, f.At)
		r.ok(r.outbox.Note(t.Context(), AuditStaffDone, "", ""))
		before := stored()
		r.anew(f)
		if err := send(); err != nil {
			if stored() > before {
				lost++
			} else {
				kept++
			}
		}
		r.anew()
		if err := send(); err != nil {
			t.Fatalf("%s, and then a good line: %v", what, err)
		}
		mark, err := r.outbox.AuditMark(t.Context())
		r.ok(err)
		if n := stored(); n != mark.N || mark.Sent != mark.N {
			t.Errorf("%s: the hub has %d entries, and is said to have %d of %d", what, n, mark.Sent, mark.N)
		}
	}
	mark, err := r.outbox.AuditMark(t.Context())
	r.ok(err)
	found, err := hub.VerifyAudit(t.Context(), r.store, "demo", nil, time.Now())
	r.ok(err)
	if len(found) != 1 || len(found[0].Problems) > 0 || found[0].Entries != mark.N || found[0].Log != mark.Log {
		t.Errorf("of %+v the hub has %+v", mark, found)
	}
	alarms, err := r.store.Alarms(t.Context(), 9)
	r.ok(err)
	if len(alarms) > 0 {
		t.Errorf("alarms: %+v", alarms)
	}
	t.Logf("%d entries; %d sendings did not reach the hub, of %d the answer was lost", mark.N, kept, lost)
	if kept == 0 || lost == 0 {
		t.Error("the line did not fail")
	}
}
