package printer

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"kioskd/internal/fault"
)

// Driver serves one printer. It implements [Printer].
//
// One goroutine, the one that calls Run, owns the line and the job; one more per
// connection only reads. Print hands a job over to Run and waits. A job is drawn
// by Run's goroutine, piece by piece, as the printer takes it.
type Driver struct {
	dial     Dial
	override Override
	limits   Limits
	log      *slog.Logger

	watch chan Condition
	jobs  chan *request

	mu    sync.Mutex
	facts Facts

	now   Condition // only Run, as what follows
	known bool      // now has been announced
	jobNo uint32
	// soiled: parts of an unfinished slip may hang in the printer's mouth. True
	// at the start too: nobody knows what the last run left, and half a stranger's
	// slip must not come out with the next one.
	soiled bool
	// torn: they do, for a job of this run has failed.
	torn bool
}

var _ Printer = (*Driver)(nil)

// Facts is what a Driver knows of its printer.
type Facts struct {
	Condition Condition
	// Profile is in force; Probed says that the printer was asked for it on this
	// connection. Before that it is an assumption.
	Profile  Profile
	Probed   bool
	Identity Identity
	// Line is why the printer cannot be reached, nil while it can.
	Line error
}

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

// New makes a driver for the printer that dial reaches, which is what profile says.
func New(dial Dial, profile Profile, log *slog.Logger, opts ...Option) *Driver {
	return Find(dial, Override{Profile: &profile, Text: profile.Text}, log, opts...)
}

// Find makes a driver for the printer that dial reaches, which finds out what that
// can do, but for what o says.
func Find(dial Dial, o Override, log *slog.Logger, opts ...Option) *Driver {
	d := &Driver{
		dial: dial, override: o, limits: DefaultLimits(), log: log,
		watch: make(chan Condition, 1), jobs: make(chan *request),
		now: Unplugged, soiled: true,
		jobNo: rand.Uint32(), // a late answer from before a restart is none of ours
	}
	d.facts = Facts{Condition: Unplugged, Profile: o.apply(d.assumed())}
	for _, opt := range opts {
		opt(d)
	}
	return d
}

// assumed is the profile before a printer was asked.
func (d *Driver) assumed() Profile {
	if d.override.Profile != nil {
		return *d.override.Profile
	}
	return Profile{Name: "assumed", Language: ESCPOS, Dots: 576, Buffer: smallBuffer, Status: true, Cutter: true}
}

// Facts gives what is known of the printer now. It may be called from any goroutine.
func (d *Driver) Facts() Facts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.facts
}

// learn changes what is known.
func (d *Driver) learn(change func(*Facts)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.facts)
}

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
		return Expired, d.fault("print", d.Facts().Condition, errors.New("no printer took the job in time"))
	case <-ctx.Done():
		return Expired, d.fault("print", Unknown, context.Cause(ctx))
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
		d.learn(func(f *Facts) { f.Line = err })
		d.announce(Unplugged)
		return err
	}
	d.learn(func(f *Facts) { f.Line = nil })
	s := newSession(d, port)
	defer s.close()
	err = s.serve(ctx)
	d.learn(func(f *Facts) { f.Line, f.Probed = err, false }) // why comes before what
	if !s.profile.Paced {
		d.soiled = true // nobody knows how much of the last slip it still holds
	}
	switch {
	case !errors.Is(err, errMute):
		d.announce(Unplugged)
	case s.speaks.heard().halted: // its buffer is full by now: what it said last holds
		d.announce(s.condition())
	case !stops(d.now):
		d.announce(Unknown)
	}
	return err
}

// stops says that a printer in this condition may have stopped taking anything.
func stops(c Condition) bool { return c == PaperOut || c == CoverOpen || c == Cutter || c == Offline }

// announce publishes a new condition; only the newest is kept.
func (d *Driver) announce(c Condition) {
	if d.known && d.now == c {
		return
	}
	if d.known {
		d.log.Info("printer condition changed", "from", string(d.now), "to", string(c))
	}
	d.now, d.known = c, true
	d.learn(func(f *Facts) { f.Condition = c })
	select {
	case <-d.watch:
	default:
	}
	d.watch <- c
}

func (d *Driver) fault(op string, c Condition, cause error) error {
	code := c.Fault()
	if code == "" {
		code = fault.PrinterFailed // ready, yet it did not take the job
	}
	return &fault.Error{Device: "printer", Op: op, Code: code, Cause: cause, Hint: hint(c)}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
