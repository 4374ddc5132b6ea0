package printer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"kioskd/internal/fault"
)

// Driver serves one ESC/POS printer. It implements [Printer].
//
// One goroutine, the one that calls Run, owns the line and the job; one more per
// connection only reads. Print hands a job over to Run and waits.
type Driver struct {
	dial    Dial
	profile Profile
	limits  Limits
	log     *slog.Logger

	watch chan Condition
	jobs  chan *request

	now   Condition // only Run
	known bool      // now has been announced
	jobNo uint32
	// soiled: parts of an unfinished slip may hang in the printer's mouth. True
	// at the start too: nobody knows what the last run left, and half a stranger's
	// slip must not come out with the next one.
	soiled bool
}

var _ Printer = (*Driver)(nil)

type request struct {
	job   Job
	reply chan result // buffered: Run never waits for the asker
}

type result struct {
	outcome Outcome
	err     error
}

// Option changes a Driver at its making.
type Option func(*Driver)

// WithLimits replaces DefaultLimits.
func WithLimits(l Limits) Option { return func(d *Driver) { d.limits = l } }

// New makes a driver for the printer that dial reaches.
func New(dial Dial, profile Profile, log *slog.Logger, opts ...Option) *Driver {
	d := &Driver{
		dial: dial, profile: profile, limits: DefaultLimits(), log: log,
		watch: make(chan Condition, 1), jobs: make(chan *request),
		now: Unplugged, soiled: true,
	}
	for _, o := range opts {
		o(d)
	}
	return d
}

// Profile gives the profile that the driver was made with.
func (d *Driver) Profile() Profile { return d.profile }

// Watch implements [Printer].
func (d *Driver) Watch() <-chan Condition { return d.watch }

// Print implements [Printer]. A ctx that ends before the printer has begun takes
// the job back. One that ends later does not: half a slip helps nobody, and the
// job's own limits bound it.
func (d *Driver) Print(ctx context.Context, job Job) (Outcome, error) {
	r := &request{job: job, reply: make(chan result, 1)}
	patience := time.NewTimer(d.limits.Accept)
	defer patience.Stop()
	select {
	case d.jobs <- r:
	case <-patience.C:
		return Failed, d.fault("print", Unplugged, errors.New("no printer took the job"))
	case <-ctx.Done():
		return Failed, d.fault("print", Unknown, context.Cause(ctx))
	}
	res := <-r.reply
	return res.outcome, res.err
}

// Run implements [Printer]. It returns ctx's error.
func (d *Driver) Run(ctx context.Context) error {
	d.announce(d.now)
	for ctx.Err() == nil {
		err := d.connect(ctx)
		if ctx.Err() != nil {
			break
		}
		d.log.Debug("printer line ended", "error", err)
		wait(ctx, d.limits.Redial)
	}
	return ctx.Err()
}

// connect serves one connection from dialling to its end.
func (d *Driver) connect(ctx context.Context) error {
	dialling, cancel := context.WithTimeout(ctx, d.limits.Dial)
	port, err := d.dial(dialling)
	cancel()
	if err != nil {
		d.announce(Unplugged)
		return err
	}
	s := newSession(d, port)
	defer s.close()
	err = s.serve(ctx)
	if errors.Is(err, errMute) {
		d.announce(Unknown)
	} else {
		d.announce(Unplugged)
	}
	return err
}

// announce publishes a new condition; only the newest is kept.
func (d *Driver) announce(c Condition) {
	if d.known && d.now == c {
		return
	}
	if d.known {
		d.log.Info("printer condition changed", "from", string(d.now), "to", string(c))
	}
	d.now, d.known = c, true
	select {
	case <-d.watch:
	default:
	}
	d.watch <- c
}

func (d *Driver) fault(op string, c Condition, cause error) error {
	return &fault.Error{Device: "printer", Op: op, Code: c.Fault(), Cause: cause, Hint: hint(c)}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
