// Package uplink holds the kiosk's connection to its hub through the life of an
// enrolment: it waits for the enrolment file, starts client, courier and link when
// it is there, and starts them anew when it changes. It renews the certificate, takes
// over what the hub desires, and tells whether the hub accepts this kiosk.
//
// Until the kiosk is enrolled the line is down and every call says so. The
// courier of an old enrolment has ended before that of a new one starts.
package uplink

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/kiosk"
	"kioskd/internal/kiosk/identity"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

var _ kiosk.Hub = (*Uplink)(nil)

// look is how often the enrolment file is looked at.
const look = time.Second

// Options of an Uplink.
type Options struct {
	Home        identity.Home // of the enrolment; it may not be there yet
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Refuse says why an enrolment cannot be used here; nil: every one can.
	Refuse func(*wire.Enrolment) error
	// Report is the content of the sign of life.
	Report func(context.Context) wire.Report
	Log    *slog.Logger
}

// Uplink is the way to the hub. Its methods may be called from any goroutine.
type Uplink struct {
	opt      Options
	run      string // names this start of the daemon
	now      atomic.Pointer[session]
	line     chan bool
	acks     chan ksync.Acked
	standing *standing
	expiring atomic.Bool   // the certificate ends soon, and its renewal fails
	changed  chan struct{} // the files have: they are looked at without delay
	notes    notes
	renewed  atomic.Pointer[string] // the newest certificate that came by renewal

	seen [sha256.Size]byte // of the files that were tried last
	told string            // what was last logged of a file that cannot be used
}

// New makes an uplink. Nothing runs before Run.
func New(opt Options) *Uplink {
	return &Uplink{
		opt: opt, run: wire.NewSubmissionID(), line: make(chan bool), acks: make(chan ksync.Acked),
		standing: newStanding(), changed: make(chan struct{}, 1),
	}
}

// Enrolment is the present one, or false while there is none.
func (u *Uplink) Enrolment() (*wire.Enrolment, bool) {
	if s := u.now.Load(); s != nil {
		return s.enrolment, true
	}
	return nil, false
}

// Identity is the kiosk's ID at its hub, or false while it has none.
func (u *Uplink) Identity() (string, bool) {
	e, ok := u.Enrolment()
	if !ok {
		return "", false
	}
	return e.Kiosk, true
}

// Skew is how far the hub's clock is ahead of this machine's; 0 while that is not
// known.
func (u *Uplink) Skew() time.Duration {
	if s := u.now.Load(); s != nil {
		return s.client.Skew()
	}
	return 0
}

// HubTime is what the hub's clock shows now; false while that is not known.
func (u *Uplink) HubTime() (time.Time, bool) {
	if s := u.now.Load(); s != nil {
		return s.client.HubTime()
	}
	return time.Time{}, false
}

// Line tells whether the hub answers. One receiver, which must keep up.
func (u *Uplink) Line() <-chan bool { return u.line }

// Acks tells what the hub has stored. One receiver, which must keep up.
func (u *Uplink) Acks() <-chan ksync.Acked { return u.acks }

// Standing tells how the kiosk stands with its hub, each time that this changes: ""
// while it is accepted there, else not_enrolled, as at the start, or kiosk_revoked; and
// whether that hub is a sandbox.
func (u *Uplink) Standing() <-chan flow.EnrolmentIs { return u.standing.out }

// Troubles are what is wrong with the kiosk's identity, for the sign of life.
func (u *Uplink) Troubles() []fault.Code {
	if u.expiring.Load() {
		return []fault.Code{fault.CertExpiring}
	}
	return nil
}

// Kick wakes the courier. It does not block.
func (u *Uplink) Kick() {
	if s := u.now.Load(); s != nil {
		s.courier.Kick()
	}
}

// Forget gives up the connections over which visits were served and submissions sent:
// their buffers hold what was said. It does not block.
func (u *Uplink) Forget() {
	if s := u.now.Load(); s != nil {
		s.client.Forget()
	}
}

// LinkChanged makes the courier look at the line at once. It does not block.
func (u *Uplink) LinkChanged() {
	if s := u.now.Load(); s != nil {
		s.courier.LinkChanged()
	}
}

// Run serves outbox until ctx ends.
func (u *Uplink) Run(ctx context.Context, outbox *ksync.Outbox) error {
	if u.notes.write == nil { // else a test's
		u.notes.write = func(ctx context.Context, event ksync.AuditEvent, subject, detail string) error {
			switch event {
			case ksync.AuditEnrolled: // at every start; only a change is worth an entry
				return outbox.NoteIdentity(ctx, detail)
			case ksync.AuditHubKeys:
				return outbox.NoteHubKeys(ctx, detail)
			case enrolledAnew:
				event = ksync.AuditEnrolled
			default:
			}
			return outbox.Note(ctx, event, subject, detail)
		}
	}
	defer u.notes.end()
	tick := time.NewTicker(look)
	defer tick.Stop()
	end := func() error { return nil } // of the present session
	for {
		if e := u.fresh(); e != nil {
			if err := end(); err != nil {
				return err
			}
			end = u.start(ctx, e, outbox)
		}
		select {
		case <-ctx.Done():
			return end()
		case <-tick.C:
		case <-u.changed:
		}
	}
}

// fresh gives the enrolment when the files have changed and can be used.
func (u *Uplink) fresh() *wire.Enrolment {
	sum := u.opt.Home.Sum()
	if sum == u.seen {
		if u.standing.lost(false) {
			u.told = ""
			u.opt.Log.Info("The enrolment file is there again", "file", u.opt.Home.File)
		}
		return nil
	}
	e, err := u.opt.Home.Load()
	if err == nil && u.opt.Refuse != nil {
		err = u.opt.Refuse(e)
	}
	if err != nil {
		u.tell(err)
		if u.now.Load() != nil {
			u.standing.lost(true)
		}
		return nil
	}
	u.seen, u.told = sum, ""
	u.standing.lost(false)
	return e
}

// tell logs once why there is no enrolment.
func (u *Uplink) tell(err error) {
	if err.Error() == u.told {
		return
	}
	u.told = err.Error()
	if u.now.Load() != nil {
		u.opt.Log.Error("The enrolment file is lost: the kiosk goes on until it is restarted", "code", string(fault.EnrolmentLost), "alarm", true, "err", err)
		return
	}
	if errors.Is(err, fs.ErrNotExist) {
		u.opt.Log.Info("Waiting for the enrolment file", "file", u.opt.Home.File)
		return
	}
	u.opt.Log.Error("Cannot use the enrolment file", "err", err)
}

// start begins to use an enrolment; the function it returns ends that, and waits.
func (u *Uplink) start(ctx context.Context, e *wire.Enrolment, outbox *ksync.Outbox) func() error {
	former := u.now.Load()
	s, err := u.newSession(e, outbox, former)
	if err != nil {
		u.tell(err)
		return func() error { return nil }
	}
	inSession, cancel := context.WithCancel(ctx)
	u.now.Store(s)
	u.opt.Log.Info("Enrolled", "kiosk", e.Kiosk, "hub", e.HubURL, "until", s.notAfter)
	if former == nil || former.enrolment.ClientCert != e.ClientCert || former.enrolment.Sandbox != e.Sandbox { // a new one starts afresh
		u.expiring.Store(false)
		u.standing.enrolled(e.Sandbox, u.opt.Home.Revoked(e))
	}
	ended := make(chan error, 1)
	go func() {
		err := s.run(inSession)
		s.leave(ctx)
		ended <- err
	}()
	switch {
	case former == nil || former.enrolment.Kiosk != e.Kiosk:
		u.noteEnrolled(ctx, e)
	case former.enrolment.ClientCert != e.ClientCert && !u.hasRenewed(e) && wire.AuditKiosk(e.Kiosk): // the demo's is new at each start of its hub
		u.note(ctx, enrolledAnew, e.Kiosk)
	}
	if former == nil || former.enrolment.KeysDigest() != e.KeysDigest() {
		u.noteKeys(ctx, e)
	}
	return func() error {
		cancel()
		return <-ended
	}
}

// errUnenrolled is every call's error while there is no enrolment.
var errUnenrolled = errors.New("this kiosk is not enrolled")

// nudge marks that there is something to do. It does not block.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pause waits, or less long when it is nudged. It is false when ctx has ended.
func pause(ctx context.Context, wait time.Duration, nudged <-chan struct{}) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-nudged:
	}
	return ctx.Err() == nil
}

// around is d give or take a fifth, so that a fleet does not act as one.
func around(d time.Duration) time.Duration { return d*4/5 + rand.N(d*2/5) }

// call makes one interactive call with the present client.
func call[In, Out any](ctx context.Context, u *Uplink, op string, in In, do func(*ksync.Client, context.Context, In) (Out, error)) (Out, error) {
	s := u.now.Load()
	if s == nil {
		var none Out
		return none, &fault.Error{Device: "hub", Op: op, Code: fault.NotEnrolled, Cause: errUnenrolled, Hint: "enrol the kiosk at its hub"}
	}
	return do(s.client, ctx, in)
}

// IssueStart implements kiosk.Hub.
func (u *Uplink) IssueStart(ctx context.Context, in wire.IssueStart) (wire.IssueStarted, error) {
	return call(ctx, u, "start issuance", in, (*ksync.Client).IssueStart)
}

// IssueResend implements kiosk.Hub.
func (u *Uplink) IssueResend(ctx context.Context, in wire.IssueResend) (wire.IssueStarted, error) {
	return call(ctx, u, "resend code", in, (*ksync.Client).IssueResend)
}

// IssueVerify implements kiosk.Hub.
func (u *Uplink) IssueVerify(ctx context.Context, in wire.IssueVerify) (wire.IssueVerified, error) {
	return call(ctx, u, "check code", in, (*ksync.Client).IssueVerify)
}

// IssueComplete implements kiosk.Hub.
func (u *Uplink) IssueComplete(ctx context.Context, in wire.IssueComplete) (wire.Issued, error) {
	return call(ctx, u, "issue id", in, (*ksync.Client).IssueComplete)
}

// Lookup implements kiosk.Hub.
func (u *Uplink) Lookup(ctx context.Context, in wire.Lookup) (wire.Account, error) {
	return call(ctx, u, "look up account", in, (*ksync.Client).Lookup)
}

// Inquiry implements kiosk.Hub.
func (u *Uplink) Inquiry(ctx context.Context, in wire.InquiryRequest) (wire.Standing, error) {
	return call(ctx, u, "inquire", in, (*ksync.Client).Inquiry)
}
