package uplink

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/kiosk/identity"
	"kioskd/internal/kiosk/identity/hubtest"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

const day = 24 * time.Hour

// rig is an uplink with its outbox, and a hub that it may be enrolled at.
type rig struct {
	t      *testing.T
	hub    *hubtest.Hub
	home   identity.Home
	up     *Uplink
	write  func(context.Context, ksync.AuditEvent, string, string) error // not nil: in the place of the outbox's
	outbox *ksync.Outbox
	deaf   bool                  // the kiosk does not read acknowledgements
	cut    bool                  // the kiosk has no line
	stands chan flow.EnrolmentIs // every standing, in order
}

func newRig(t *testing.T) *rig {
	t.Helper()
	t.Parallel()
	r := &rig{t: t, hub: hubtest.New(t), home: identity.At(filepath.Join(t.TempDir(), "enrolment.json"), "", ""), stands: make(chan flow.EnrolmentIs, 16)}
	return r
}

// enrol does so by a code.
func (r *rig) enrol() *rig {
	r.t.Helper()
	if _, err := r.home.Enrol(r.t.Context(), r.hub.Code(r.t), identity.Options{}); err != nil {
		r.t.Fatal(err)
	}
	return r
}

// run starts the uplink.
func (r *rig) run() *rig {
	r.t.Helper()
	log := slog.New(slog.DiscardHandler)
	opt := Options{Home: r.home, Log: log, Report: func(context.Context) wire.Report { return wire.Report{Version: "test"} }}
	if r.cut {
		opt.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no line") }
	}
	r.up = New(opt)
	r.up.notes.write = r.write
	var err error
	r.outbox, err = ksync.OpenOutbox(r.t.Context(), filepath.Join(r.t.TempDir(), "outbox.db"), r.up.Enrolment, log)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	read := make(chan struct{})
	acks := r.up.Acks()
	if r.deaf {
		acks = nil
	}
	go func() { ended <- r.up.Run(ctx, r.outbox) }()
	go func() { // the kiosk, which keeps up
		defer close(read)
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.up.Line():
			case <-acks:
			case now := <-r.up.Standing():
				r.stands <- now
			}
		}
	}()
	r.t.Cleanup(func() {
		cancel()
		<-read
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
		if err := r.outbox.Close(); err != nil {
			r.t.Error(err)
		}
	})
	return r
}

// until looks again and again, at most 20 seconds long.
func (r *rig) until(what string, so func() bool) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			r.t.Fatalf("cannot see: %s", what)
		}
	}
}

func (r *rig) stand(want fault.Code) {
	r.t.Helper()
	select {
	case got := <-r.stands:
		if got.Fault != want {
			r.t.Fatalf("the kiosk stands as %q, want %q", got.Fault, want)
		}
	case <-time.After(20 * time.Second):
		r.t.Fatalf("the kiosk never stands as %q", want)
	}
}

// commit puts a reservation into the outbox and gives its ID.
func (r *rig) commit() string {
	r.t.Helper()
	e, ok := r.up.Enrolment()
	if !ok {
		r.t.Fatal("not enrolled")
	}
	doc, err := wire.EncodeDocument(wire.Document{
		Schema: wire.Schema, Kind: wire.KindReservation, Kiosk: e.Kiosk, Time: time.Now().UTC().Truncate(time.Second),
		Nonce: wire.NewNonce(), Reservation: &wire.Reservation{},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := r.outbox.Commit(r.t.Context(), ksync.Entry{Visit: wire.NewNonce(), Payload: wire.Payload{
		Schema: wire.Schema, Kind: wire.KindReservation, Signed: &wire.Signed{Document: doc, Signature: []byte{1}, Certificate: []byte{2}},
	}})
	if err != nil {
		r.t.Fatal(err)
	}
	return c.ID
}

func (r *rig) pending() int {
	r.t.Helper()
	n, err := r.outbox.Pending(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func (r *rig) empty() {
	r.t.Helper()
	r.until("an empty outbox", func() bool { return r.pending() == 0 })
}

// keys waits until the running session has these.
func (r *rig) keys() {
	r.t.Helper()
	want := r.hub.Desired()
	r.until("the keys that the hub desires", func() bool { e, ok := r.up.Enrolment(); return ok && e.Is(want) })
}

func (r *rig) certEnd() time.Time {
	r.t.Helper()
	e, err := r.home.Load()
	if err != nil {
		r.t.Fatal(err)
	}
	cert, err := e.Certificate()
	if err != nil {
		r.t.Fatal(err)
	}
	return cert.NotAfter
}

// An enrolment that comes while the daemon runs is taken up, and the ID stays when
// another one comes.
func TestEnrolledWhileRunning(t *testing.T) {
	r := newRig(t).run()
	if _, ok := r.up.Identity(); ok {
		t.Error("a kiosk without enrolment has an identity")
	}
	r.enrol().stand("")
	id, _ := r.up.Identity()
	r.hub.UntilStored(t, r.commit())
	r.hub.Name("another")
	r.enrol()
	r.until("the new name", func() bool { e, _ := r.up.Enrolment(); return e.Name == "another" })
	if now, _ := r.up.Identity(); now != id {
		t.Errorf("the ID was %s and is %s", id, now)
	}
	r.empty()
}

// Where nothing is real, the screen has to say so.
func TestSandboxIsTold(t *testing.T) {
	r := newRig(t)
	for _, sandbox := range []bool{true, false} {
		r.hub.Lie(func(a *wire.Enrolled) { a.Sandbox = sandbox })
		if r.enrol(); r.up == nil {
			r.run()
		}
		select {
		case now := <-r.stands:
			if now != (flow.EnrolmentIs{Sandbox: sandbox}) {
				t.Errorf("told %+v, want sandbox %v", now, sandbox)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nothing is told")
		}
	}
}

func TestRenewal(t *testing.T) {
	r := newRig(t)
	r.hub.Life(90*day, 70*day) // two thirds are over
	r.enrol()
	old := r.certEnd()
	r.hub.Life(90*day, time.Hour)
	r.run().stand("")
	ids := []string{r.commit()}
	r.hub.UntilAsked(t, wire.PathRenew, 1)
	ids = append(ids, r.commit()) // in the middle of it
	r.hub.UntilCert(t, old)
	ids = append(ids, r.commit())
	for _, id := range ids {
		r.hub.UntilStored(t, id)
	}
	r.empty()
	if until := r.certEnd(); until.Sub(old) < 69*day {
		t.Errorf("the certificate ended %v, ends %v", old, until)
	}
	if _, known := r.up.HubTime(); !known {
		t.Error("what was known of the hub's clock is forgotten")
	}
	if n := r.hub.Asked(wire.PathRenew); n != 1 {
		t.Errorf("renewed %d times", n)
	}
	if len(r.stands) > 0 {
		t.Errorf("the renewal shows: %v", <-r.stands)
	}
}

// The kiosk's clock does not count: by it, the certificate is new.
func TestRenewalByTheHubsClock(t *testing.T) {
	r := newRig(t).enrol()
	old := r.certEnd()
	r.hub.Ahead(70 * day)
	r.hub.Life(180*day, 71*day) // valid now in fact
	r.run()
	r.hub.UntilCert(t, old)
}

func TestRenewalThatFailsIsTold(t *testing.T) {
	r := newRig(t)
	r.hub.Life(90*day, 85*day)
	r.hub.Refuse(wire.PathRenew, wire.Problem{Status: 503, Code: fault.Internal})
	r.enrol().run()
	r.until("the fault", func() bool { return slices.Equal(r.up.Troubles(), []fault.Code{fault.CertExpiring}) })
	r.hub.UntilStored(t, r.commit()) // meanwhile it works
	r.hub.Life(90*day, time.Hour)
	r.enrol()
	r.until("no fault", func() bool { return r.up.Troubles() == nil })
}

func TestRenewedForAnotherIsRefused(t *testing.T) {
	r := newRig(t)
	r.hub.Life(90*day, 70*day)
	r.enrol()
	old := r.certEnd()
	r.hub.Life(10*day, time.Hour) // would end before the present one
	r.run()
	r.hub.UntilAsked(t, wire.PathRenew, 1)
	r.hub.UntilStored(t, r.commit())
	if until := r.certEnd(); !until.Equal(old) {
		t.Errorf("a certificate that ends sooner was taken: %v", until)
	}
}

// Keys change while submissions are on their way: none is lost, none is stuck, and
// each stays as it was sealed.
func TestKeysRotate(t *testing.T) {
	r := newRig(t).enrol().run()
	r.stand("")
	first := r.hub.Desired().SealKeyID
	if key := r.hub.UntilStored(t, r.commit()); key != first {
		t.Errorf("sealed to %s", key)
	}
	r.empty()

	// The hub signs with a new key before the kiosk has heard of it.
	r.hub.RotateAck(t, 2)
	r.hub.UntilStored(t, r.commit())
	r.empty()
	r.keys()

	// Something is queued under the old seal key when the new one comes.
	paths := wire.PathSubmissions
	r.hub.Refuse(paths, wire.Problem{})
	waiting := r.refuseNext()
	second := r.hub.RotateSeal(t)
	r.hub.UntilLinks(t, 1)
	r.hub.Push(wire.LinkMessage{Kind: wire.LinkLook})
	r.keys()
	r.hub.Refuse(paths+waiting, wire.Problem{})
	if key := r.hub.UntilStored(t, waiting); key != first {
		t.Errorf("what was queued went out under %s, was sealed to %s", key, first)
	}
	if key := r.hub.UntilStored(t, r.commit()); key != second {
		t.Errorf("sealed to %s after the change to %s", key, second)
	}
	r.empty()
	stored, err := r.home.Load()
	if err != nil || !stored.Is(r.hub.Desired()) {
		t.Errorf("the file does not hold what the hub desires: %v", err)
	}
}

// refuseNext commits one that the hub does not take for now.
func (r *rig) refuseNext() string {
	r.t.Helper()
	e, _ := r.up.Enrolment()
	id := wire.NewSubmissionID()
	r.hub.Refuse(wire.PathSubmissions+id, wire.Problem{Status: 503, Code: fault.Internal})
	doc, err := wire.EncodeDocument(wire.Document{
		Schema: wire.Schema, Kind: wire.KindReservation, Kiosk: e.Kiosk, Time: time.Now().UTC().Truncate(time.Second),
		Nonce: wire.NewNonce(), Reservation: &wire.Reservation{},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	_, err = r.outbox.Commit(r.t.Context(), ksync.Entry{ID: id, Visit: wire.NewNonce(), Payload: wire.Payload{
		Schema: wire.Schema, Kind: wire.KindReservation, Signed: &wire.Signed{Document: doc, Signature: []byte{1}, Certificate: []byte{2}},
	}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.hub.UntilAsked(r.t, wire.PathSubmissions+id, 1)
	return id
}

// An acknowledgement under a key that the hub does not list is no proof, however
// often it comes; the hub is asked about it once.
func TestForeignAcknowledgement(t *testing.T) {
	r := newRig(t).enrol().run()
	r.hub.UntilLinks(t, 1)
	r.hub.UntilAsked(t, wire.PathDesired, 1)
	before := r.hub.Asked(wire.PathDesired)
	r.hub.SignUnlisted(t)
	ids := []string{r.commit(), r.commit(), r.commit()}
	for _, id := range ids {
		r.hub.UntilAsked(t, wire.PathSubmissions+id, 2) // it is tried again
	}
	if n := r.pending(); n != len(ids) {
		t.Errorf("%d are pending, want %d", n, len(ids))
	}
	if n := r.hub.Asked(wire.PathDesired) - before; n != 1 {
		t.Errorf("the hub was asked for its keys %d times, want once", n)
	}
	r.hub.RotateAck(t, 1)
	r.hub.Push(wire.LinkMessage{Kind: wire.LinkLook})
	r.empty()
}

func TestLink(t *testing.T) {
	r := newRig(t).enrol().run()
	run := r.hub.UntilLinks(t, 1)
	if run[0] == "" || run[0] != r.up.run {
		t.Errorf("the link names run %q", run)
	}
	r.hub.Say(`{"kind":"dance","steps":3}`) // of a newer hub
	before := r.hub.Asked(wire.PathDesired)
	r.hub.Push(wire.LinkMessage{Kind: wire.LinkLook})
	r.hub.UntilAsked(t, wire.PathDesired, before+1)
	r.hub.UntilLinks(t, 1)

	r.hub.DropLinks()
	r.hub.UntilLinks(t, 0)
	if again := r.hub.UntilLinks(t, 1); again[0] != run[0] {
		t.Errorf("the link came back with run %q", again)
	}
	r.hub.Push(wire.LinkMessage{Kind: wire.LinkDrain, AfterMS: 10})
	r.hub.UntilLinks(t, 0)
	r.hub.UntilLinks(t, 1)
	r.hub.UntilStored(t, r.commit())
}

// Without the link everything else goes on.
func TestNoLink(t *testing.T) {
	r := newRig(t)
	r.hub.Refuse(wire.PathLink, wire.Problem{Status: 404, Code: fault.BadMessage})
	r.hub.Refuse(wire.PathDesired, wire.Problem{Status: 404, Code: fault.BadMessage})
	r.enrol().run()
	r.hub.UntilAsked(t, wire.PathLink, 1)
	r.hub.UntilStored(t, r.commit())
	r.empty()
}

func TestRevokedAndRestored(t *testing.T) {
	r := newRig(t).enrol().run()
	r.stand("")
	r.hub.UntilLinks(t, 1)
	r.hub.Revoke(true)
	r.hub.Push(wire.LinkMessage{Kind: wire.LinkRevoked})
	r.stand(fault.KioskRevoked)
	r.hub.UntilLinks(t, 0)
	id := r.commit() // a visit that was under way
	r.hub.UntilAsked(t, wire.PathSubmissions+id, 1)
	if n := r.pending(); n != 1 {
		t.Errorf("%d are pending", n)
	}
	_, err := r.up.Lookup(t.Context(), wire.Lookup{})
	if code := fault.CodeOf(err); code != fault.KioskRevoked {
		t.Errorf("a call ends with %q", code)
	}
	again := func() *rig { // the kiosk at its next start, without a line
		return (&rig{t: t, hub: r.hub, home: r.home, cut: true, stands: make(chan flow.EnrolmentIs, 16)}).run()
	}
	again().stand(fault.KioskRevoked)
	r.hub.Revoke(false)
	r.stand("")
	r.hub.UntilStored(t, id)
	r.hub.UntilLinks(t, 1)
	r.empty()
	again().stand("")
}

// A revocation of which the link did not tell is learned from the first answer.
func TestRevokedWithoutLink(t *testing.T) {
	r := newRig(t)
	r.hub.Refuse(wire.PathLink, wire.Problem{Status: 404, Code: fault.BadMessage})
	r.enrol().run().stand("")
	r.hub.UntilStored(t, r.commit())
	r.empty()
	r.hub.Revoke(true)
	r.commit()
	r.stand(fault.KioskRevoked)
}

// The answer to a question that was asked before does not restore a kiosk.
func TestStandingInOrder(t *testing.T) {
	t.Parallel()
	s := newStanding()
	early := time.Now()
	s.set("")
	if !s.accepted(false, early) || s.accepted(false, early) {
		t.Error("a revocation is told once")
	}
	if s.accepted(true, early) {
		t.Error("an older answer restores it")
	}
	if s.accepted(true, s.at.Add(time.Second)) {
		t.Error("a hub that may not have heard of it restores it")
	}
	if !s.accepted(true, s.at.Add(believed+time.Millisecond)) || !s.is("") {
		t.Error("a newer answer does not restore it")
	}
	if now := <-s.out; now.Fault != "" || now.Sandbox {
		t.Errorf("told last: %v", now)
	}
	s.enrolled(true, false)
	s.accepted(false, time.Now())
	if now := <-s.out; now.Fault != fault.KioskRevoked || !now.Sandbox {
		t.Errorf("revoked at a sandbox: %v", now)
	}
}
