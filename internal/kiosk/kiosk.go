package kiosk

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"sync"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/felica"
	"kioskd/internal/hw/light"
	"kioskd/internal/hw/printer"
	ksync "kioskd/internal/sync"
)

// Errors of a touch.
var (
	// ErrStale says that the touch was meant for an earlier question.
	ErrStale = errors.New("cannot take a touch meant for an earlier question")
	// ErrAhead says that the touch names a snapshot that was never sent.
	ErrAhead = errors.New("cannot take a touch for a snapshot that does not exist")
	// ErrEnded says that the loop does not run any more.
	ErrEnded = errors.New("cannot reach the visit: the kiosk has stopped")
)

// Options are the parts that a kiosk is made of. All are required but Skew, Button,
// Standing, Fixtures and Forget.
type Options struct {
	Settings flow.Settings
	Reader   card.Driver
	Printer  printer.Printer
	Lights   light.Lights
	Outbox   Outbox
	Hub      Hub
	// Line tells whether the hub answers, Acks what it has stored.
	Line <-chan bool
	Acks <-chan ksync.Acked
	// Storage tells whether the outbox has room for another visit.
	Storage <-chan fault.Code
	// Standing tells how the kiosk stands with its hub: "" while it is accepted there,
	// else not_enrolled or kiosk_revoked. Until it first tells, the kiosk counts as not
	// enrolled. nil: that it is accepted is taken for granted.
	Standing <-chan flow.EnrolmentIs
	// Kick wakes the courier after a submission was stored.
	Kick func()
	// Identity is the ID under which the hub knows this kiosk, once it is enrolled.
	Identity func() (string, bool)
	// Draw draws a slip for the printer, piece by piece while it prints.
	Draw func(slip flow.Slip, reprint bool) printer.Drawing
	// Button gives each press of the staff button; nil where there is none.
	Button <-chan struct{}
	// Fixtures are the states of lights and button, for the sign of life; may be nil.
	Fixtures func() map[string]string
	// Roots are the authorities whose cards are taken; empty leaves that to the hub.
	Roots []*x509.Certificate
	// WAON says where this kiosk's reader finds the number of a WAON card.
	WAON  felica.Config
	Clock *Clock
	// Skew is how far the hub's clock is ahead of this machine's. By the hub's clock
	// documents are judged, so they are stamped by it. nil: it is not known.
	Skew func() time.Duration
	// Forget overwrites in memory what nothing refers to any more. It is called when
	// nothing of a visit that has ended runs any more, and when the hub has answered to
	// something after that; nil: it is left there.
	Forget func()
	Log    *slog.Logger
}

// Kiosk owns the visit. Its methods may be called from any goroutine.
type Kiosk struct {
	opt Options
	log *slog.Logger

	asks    chan func(work context.Context)
	answers chan answer
	done    chan struct{} // closed when Run has ended
	running sync.WaitGroup
	forget  forgetter
	journal *journal

	// step and view are flow's own, but for tests of defects.
	step func(flow.State, flow.Event) (flow.State, []flow.Effect)
	view func(flow.State) flow.Snapshot

	// What follows belongs to the loop.
	state  flow.State
	life   uint64 // grows each time the state is built anew
	visits map[uint64]*visit
	slips  turnstile
	cut    cutShort
	known  devices
	subs   map[*Subscription]struct{}
	pub    publisher
	frame  Frame
	told   told
	broken error // a defect met while a caller waits: it ends Run
	signal flow.Signal
	timer  *time.Timer
}

// devices is what was last reported, for a state that is built anew.
type devices struct {
	reader  *flow.ReaderIs
	printer *flow.PrinterIs
	line    *flow.LineIs
	storage *flow.StorageIs
	enrol   *flow.EnrolmentIs
}

// answer is a fact that comes from an effect.
type answer struct {
	life uint64
	fact flow.Fact
}

// New makes a kiosk. Nothing runs before Run.
func New(opt Options) *Kiosk {
	return &Kiosk{
		opt:     opt,
		log:     opt.Log,
		asks:    make(chan func(context.Context)),
		answers: make(chan answer),
		done:    make(chan struct{}),
		forget:  forgetter{turn: make(chan struct{}, 1), do: opt.Forget, log: opt.Log},
		journal: newJournal(),
		step:    flow.Step,
		view:    flow.View,
		visits:  map[uint64]*visit{},
		subs:    map[*Subscription]struct{}{},
		pub:     publisher{seq: uint64(max(0, opt.Clock.base().UnixMilli()))},
	}
}

// Run owns the visit until ctx ends. It then waits for the effects that still
// run, and switches the lights to out of service. It must be called once.
func (k *Kiosk) Run(ctx context.Context) error {
	work, stop := context.WithCancel(ctx)
	defer close(k.done)
	defer k.writeJournal(ctx)() // what runs to the end has still something to note
	defer k.running.Wait()
	defer stop()

	if err := warm(); err != nil {
		return err
	}
	k.timer = time.NewTimer(time.Hour)
	defer k.timer.Stop()
	k.state = flow.New(k.opt.Settings)
	// The first screen must not offer for a moment what then cannot be done, nor leave
	// out that nothing counts here.
	if k.opt.Standing != nil {
		k.known.enrol = &flow.EnrolmentIs{Fault: fault.NotEnrolled}
		if err := k.take(work, *k.known.enrol); err != nil {
			return err
		}
	}
	if err := k.settle(); err != nil {
		return err
	}
	for {
		if err := k.once(ctx, work); err != nil {
			if ctx.Err() != nil {
				k.opt.Lights.Show(light.OutOfService)
				return nil
			}
			return err
		}
	}
}

// once takes the next thing that happens.
func (k *Kiosk) once(ctx, work context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case ask := <-k.asks:
		ask(work)
		return k.broken
	case a := <-k.answers:
		if a.life != k.life {
			k.log.Info("Dropped an answer from before a defect", "fact", nameOf(a.fact))
			wipeFact(a.fact)
			return nil
		}
		if v := visitOf(a.fact); v != 0 && v != k.state.Visit() {
			wipeFact(a.fact) // its visit is over: the flow will drop it
		}
		return k.take(work, a.fact)
	case s := <-k.opt.Reader.Watch():
		fact := readerFact(s)
		k.known.reader = &fact
		k.letGo(fact.ISO)
		return k.take(work, fact)
	case c := <-k.opt.Printer.Watch():
		fact := printerFact(c)
		k.known.printer = &fact
		return k.take(work, fact)
	case up := <-k.opt.Line:
		k.known.line = &flow.LineIs{Up: up}
		return k.take(work, flow.LineIs{Up: up})
	case code := <-k.opt.Storage:
		k.known.storage = &flow.StorageIs{Fault: code}
		return k.take(work, flow.StorageIs{Fault: code})
	case fact := <-k.opt.Standing:
		k.known.enrol = &fact
		return k.take(work, fact)
	case a := <-k.opt.Acks:
		if k.state.Visit() == 0 { // else the visit's end sees to it
			k.running.Go(func() { k.forget.late(work) })
		}
		return k.take(work, flow.Acknowledged{ID: a.ID, Verdict: a.Verdict})
	case <-k.opt.Button:
		return k.take(work, flow.ButtonPressed{})
	case <-k.opt.Clock.moved:
		return k.take(work, flow.Tick{})
	case <-k.timer.C:
		return k.take(work, flow.Tick{})
	}
}

// letGo closes a card that has left, so that the next one can be opened.
func (k *Kiosk) letGo(lying uint64) {
	for _, v := range k.visits {
		if o, ok := v.cards.left(lying); ok {
			k.running.Go(func() { o.close(k.log) })
		}
	}
}

// take steps the visit by one fact.
func (k *Kiosk) take(work context.Context, fact flow.Fact) error {
	before := k.state.Step()
	state, effects, err := k.tryStep(fact)
	if err != nil {
		k.log.Error("Visit ended by a defect", "step", before, "fact", nameOf(fact), "defect", err)
		return k.rebuild(work)
	}
	k.state = state
	k.tellJournal(fact)
	k.slips.pass(work, state.Visit())
	for _, effect := range effects {
		k.carryOut(work, effect)
	}
	if after := k.state.Step(); after != before {
		if before == flow.StepRecovered {
			k.toldOfCut(work)
		}
		k.log.Debug("Step changed", "from", before, "to", after, "fact", nameOf(fact))
	}
	if err := k.settle(); err != nil {
		k.log.Error("Visit ended by a defect", "step", before, "fact", nameOf(fact), "defect", err)
		return k.rebuild(work)
	}
	return k.tell(work)
}

// settle publishes the state: snapshot, lights, the next deadline.
func (k *Kiosk) settle() error {
	view, err := k.tryView()
	if err != nil {
		return err
	}
	frame, fresh, err := k.pub.next(k.opt.Clock.base(), view, k.question(), k.state.Step())
	if err != nil {
		return err
	}
	k.frame = frame
	if fresh {
		for s := range k.subs {
			s.put(frame)
		}
	}
	if signal := flow.SignalOf(k.state); signal != k.signal {
		k.signal = signal
		k.opt.Lights.Show(light.Signal(signal))
	}
	if due, ok := k.state.Wake(); ok {
		k.timer.Reset(max(0, due.Sub(k.opt.Clock.Now())))
	} else {
		k.timer.Stop()
	}
	return nil
}

// question numbers what is asked over all lives of the state.
func (k *Kiosk) question() uint64 { return k.life<<32 | k.state.Question()&(1<<32-1) }

// call runs f in the loop and waits for it.
func (k *Kiosk) call(stop <-chan struct{}, f func(work context.Context)) error {
	finished := make(chan struct{})
	select {
	case k.asks <- func(work context.Context) { defer close(finished); f(work) }:
		<-finished
		return nil
	case <-stop:
		return ErrEnded
	case <-k.done:
		return ErrEnded
	}
}

// Touch hands the shopper's touch to the visit. Seq is the snapshot that the
// shopper saw: it must not be older than the present question.
func (k *Kiosk) Touch(ctx context.Context, seq uint64, fact flow.Fact) error {
	var refused error
	err := k.call(ctx.Done(), func(work context.Context) {
		switch {
		case seq < k.frame.Since:
			refused = ErrStale
		case seq > k.frame.Seq:
			refused = ErrAhead
		default:
			k.broken = k.take(work, fact)
		}
	})
	if err != nil {
		return err
	}
	return refused
}

// EndVisit ends the visit on behalf of staff.
func (k *Kiosk) EndVisit(ctx context.Context) error {
	return k.call(ctx.Done(), func(work context.Context) { k.broken = k.take(work, flow.StaffEnds{}) })
}

// Look gives the visit as it stands now, counters included.
func (k *Kiosk) Look(ctx context.Context) (Frame, error) {
	var frame Frame
	err := k.call(ctx.Done(), func(work context.Context) {
		k.broken = k.take(work, flow.Tick{})
		frame = k.frame
	})
	return frame, err
}

// Subscribe gives a view of the visit, beginning with how it stands now.
func (k *Kiosk) Subscribe(ctx context.Context) (*Subscription, error) {
	slot := make(chan Frame, 1)
	s := &Subscription{C: slot, slot: slot, k: k}
	err := k.call(ctx.Done(), func(work context.Context) {
		k.broken = k.take(work, flow.Tick{}) // counters as of now
		k.subs[s] = struct{}{}
		if !k.cut.recalled {
			k.cut.recalled = true
			k.cut.add(k.recall(work))
		}
		if k.broken == nil {
			k.broken = k.tell(work)
		}
		s.put(k.frame)
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Done is closed when Run has ended.
func (k *Kiosk) Done() <-chan struct{} { return k.done }
