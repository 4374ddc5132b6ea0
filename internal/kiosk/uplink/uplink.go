// Package uplink holds the kiosk's connection to its hub through the life of an
// enrolment: it waits for the enrolment file, starts client and courier when it
// is there, and starts them anew when it changes.
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
	"net"
	"os"
	"sync/atomic"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/kiosk"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

var _ kiosk.Hub = (*Uplink)(nil)

// look is how often the enrolment file is looked at.
const look = time.Second

// Options of an Uplink.
type Options struct {
	File        string // of the enrolment; it may not be there yet
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Refuse says why an enrolment cannot be used here; nil: every one can.
	Refuse func(*wire.Enrolment) error
	// Report is the content of the sign of life.
	Report func(context.Context) wire.Report
	Log    *slog.Logger
}

// Uplink is the way to the hub. Its methods may be called from any goroutine.
type Uplink struct {
	opt  Options
	now  atomic.Pointer[session]
	line chan bool
	acks chan ksync.Acked

	seen [sha256.Size]byte // of the file that was tried last
	told string            // what was last logged of a file that cannot be used
}

// session is the use of one enrolment.
type session struct {
	enrolment *wire.Enrolment
	client    *ksync.Client
	courier   *ksync.Courier
}

// New makes an uplink. Nothing runs before Run.
func New(opt Options) *Uplink {
	return &Uplink{opt: opt, line: make(chan bool), acks: make(chan ksync.Acked)}
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

// Line tells whether the hub answers. One receiver, which must keep up.
func (u *Uplink) Line() <-chan bool { return u.line }

// Acks tells what the hub has stored. One receiver, which must keep up.
func (u *Uplink) Acks() <-chan ksync.Acked { return u.acks }

// Kick wakes the courier. It does not block.
func (u *Uplink) Kick() {
	if s := u.now.Load(); s != nil {
		s.courier.Kick()
	}
}

// Forget gives up the connections over which visits were served: their buffers
// hold what was said. It does not block.
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
		}
	}
}

// fresh gives the enrolment when the file has changed and can be used.
func (u *Uplink) fresh() *wire.Enrolment {
	raw, err := os.ReadFile(u.opt.File)
	sum := sha256.Sum256(raw)
	if err == nil && sum == u.seen {
		return nil
	}
	e, err := wire.LoadEnrolment(u.opt.File)
	if err == nil && u.opt.Refuse != nil {
		err = u.opt.Refuse(e)
	}
	if err != nil {
		u.tell(err)
		return nil
	}
	u.seen, u.told = sum, ""
	return e
}

// tell logs once why there is no enrolment.
func (u *Uplink) tell(err error) {
	if err.Error() == u.told {
		return
	}
	u.told = err.Error()
	if errors.Is(err, fs.ErrNotExist) {
		u.opt.Log.Info("Waiting for the enrolment file", "file", u.opt.File)
		return
	}
	u.opt.Log.Error("Cannot use the enrolment file", "err", err)
}

// start begins to use an enrolment; the function it returns ends that, and waits.
func (u *Uplink) start(ctx context.Context, e *wire.Enrolment, outbox *ksync.Outbox) func() error {
	client, err := ksync.NewClient(e, ksync.ClientOptions{DialContext: u.opt.DialContext})
	if err != nil {
		u.tell(err)
		return func() error { return nil }
	}
	s := &session{
		enrolment: e, client: client,
		courier: ksync.NewCourier(outbox, client, u.opt.Log, ksync.CourierOptions{Report: u.opt.Report}),
	}
	ctx, cancel := context.WithCancel(ctx)
	u.now.Store(s)
	u.opt.Log.Info("Enrolled", "kiosk", e.Kiosk, "hub", e.HubURL)
	ended := make(chan error, 1)
	passed := make(chan struct{})
	go func() { ended <- s.courier.Run(ctx) }()
	go func() { defer close(passed); u.pass(ctx, s.courier) }()
	return func() error {
		cancel()
		<-passed
		client.Close()
		return <-ended
	}
}

// pass hands on what a courier says, until ctx ends.
func (u *Uplink) pass(ctx context.Context, c *ksync.Courier) {
	for {
		select {
		case <-ctx.Done():
			return
		case up := <-c.Line():
			select {
			case u.line <- up:
			case <-ctx.Done():
				return
			}
		case ack := <-c.Acks():
			select {
			case u.acks <- ack:
			case <-ctx.Done():
				return
			}
		}
	}
}

// errUnenrolled is every call's error while there is no enrolment.
var errUnenrolled = errors.New("this kiosk is not enrolled")

// call makes one interactive call with the present client.
func call[In, Out any](ctx context.Context, u *Uplink, op string, in In, do func(*ksync.Client, context.Context, In) (Out, error)) (Out, error) {
	s := u.now.Load()
	if s == nil {
		var none Out
		return none, &fault.Error{Device: "hub", Op: op, Code: fault.LineDown, Cause: errUnenrolled, Hint: "enrol the kiosk at its hub"}
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
