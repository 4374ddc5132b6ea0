package doctor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/line"
)

// PrinterOptions say what to examine.
type PrinterOptions struct {
	Kind     string // of the line: LineUSB and so on
	Name     string // what the line is called
	Dial     printer.Dial
	Override printer.Override // what the configuration says of the printer
	// List looks at the USB printers of this machine; nil where the line is another.
	List func(context.Context) ([]line.Found, error)
	// Draw draws the test slip for a printer that calls itself so; nil: none is printed.
	Draw func(who string) printer.Drawing
	// Ask asks whether the test slip came out whole; nil: nobody is there.
	Ask func(context.Context) Answer
	Log *slog.Logger
}

const (
	// printerTime is the longest time in which everything is found out: dialling, two
	// languages, and a dozen questions that may stay unanswered.
	printerTime = 15 * time.Second
	// secondChance is how long a line may be in trouble that a further try can mend.
	secondChance = 4 * time.Second
	// lookEach fits into none of the driver's limits, so a look never comes in the very
	// moment in which one of them ends; tests depend on it.
	lookEach = 23 * time.Millisecond
	// aftermath is how long the driver may take to tell of a line that a test slip has
	// ended with.
	aftermath = time.Second
)

// ExaminePrinter finds out how the printer is, with the daemon's own driver, and
// prints a test slip if there is one to draw. A line belongs to one program at a time.
func ExaminePrinter(ctx context.Context, opt PrinterOptions) (PrinterFacts, error) {
	facts := PrinterFacts{Line: PrinterLine{Kind: opt.Kind, Name: opt.Name}, Steps: []Step{}}
	if opt.Kind == LineNone {
		return facts, nil
	}
	if opt.List != nil { // before the driver has one of them
		found, err := opt.List(ctx)
		if err != nil {
			return facts, err
		}
		for _, f := range found {
			facts.USB = append(facts.USB, usbPrinter(f))
		}
	}
	m := &lineMeter{dial: opt.Dial}
	drv := printer.Find(m.Dial, opt.Override, opt.Log)
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = drv.Run(running) // it ends with the context and says nothing else
	}()
	settlePrinter(ctx, drv)
	facts.Steps = append(facts.Steps, m.steps(drv.Facts())...)
	if f := drv.Facts(); opt.Draw != nil && f.Line == nil && f.Condition.CanPrint() {
		end := m.begin(stepTest)
		outcome, err := drv.Print(ctx, printer.Job{ID: "test", Draw: opt.Draw(WhoText(f.Identity))})
		facts.Steps = append(facts.Steps, end(err))
		facts.Test = &TestSlip{Outcome: outcome, Err: err}
		if err != nil {
			settleAfter(ctx, drv)
		}
	}
	facts.driver = drv.Facts()
	stop()
	<-ended // the printer is free again, before anybody is asked
	if facts.Test != nil && opt.Ask != nil && facts.Test.Outcome != printer.Expired && ctx.Err() == nil {
		facts.Test.CameOut = opt.Ask(ctx)
	}
	return facts, ctx.Err()
}

// settlePrinter waits until the driver knows what can be known now.
func settlePrinter(ctx context.Context, drv *printer.Driver) {
	began := time.Now()
	var trouble time.Time
	for time.Since(began) < printerTime {
		f := drv.Facts()
		switch {
		case f.Line == nil && (f.Probed || stands(f.Condition)):
			return // a printer that has stopped is not asked for more
		case f.Line == nil:
		case lasting(f):
			return
		case trouble.IsZero():
			trouble = time.Now()
		case time.Since(trouble) > secondChance:
			return
		}
		if !wait(ctx, lookEach) {
			return
		}
	}
}

// stands: it has said that it has stopped.
func stands(c printer.Condition) bool {
	return c != printer.Unplugged && c != printer.Unknown && !c.CanPrint()
}

// settleAfter waits until the driver has told why a slip failed, if it was the line.
func settleAfter(ctx context.Context, drv *printer.Driver) {
	for began := time.Now(); time.Since(began) < aftermath; {
		if f := drv.Facts(); f.Line != nil || !f.Condition.CanPrint() || !wait(ctx, lookEach) {
			return
		}
	}
}

// lasting: trying again at once does not help.
func lasting(f printer.Facts) bool {
	switch problemOf(f.Line) {
	case ProblemBusy, ProblemDenied, ProblemRefused, ProblemUnsuitable, ProblemAbsent:
		return true
	}
	return false
}

// lineMeter times a line and counts what goes over it.
type lineMeter struct {
	dial printer.Dial

	mu           sync.Mutex
	began, ended time.Time // the last try to open it
	err          error
	out, in      int // bytes, all together
	out0, in0    int // before the line was opened
}

// Dial implements printer.Dial.
func (m *lineMeter) Dial(ctx context.Context) (printer.Port, error) {
	began := time.Now()
	port, err := m.dial(ctx)
	m.mu.Lock()
	m.began, m.ended, m.err = began, time.Now(), err
	m.out0, m.in0 = m.out, m.in
	m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return meteredPort{port, m}, nil
}

// steps are opening the line, and asking the printer on it.
func (m *lineMeter) steps(f printer.Facts) []Step {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.began.IsZero() {
		return nil // it is still being opened
	}
	all := []Step{{Name: stepReach, OK: m.err == nil, Took: MS(m.ended.Sub(m.began)), Err: m.err}}
	if m.err == nil {
		all = append(all, Step{Name: stepAsk, OK: f.Line == nil, Took: MS(time.Since(m.ended)), Out: m.out - m.out0, In: m.in - m.in0, Err: f.Line})
	}
	return all
}

// begin begins a step and gives what ends it.
func (m *lineMeter) begin(name string) (end func(error) Step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, out, in := time.Now(), m.out, m.in
	return func(err error) Step {
		m.mu.Lock()
		defer m.mu.Unlock()
		return Step{Name: name, OK: err == nil, Took: MS(time.Since(at)), Out: m.out - out, In: m.in - in, Err: err}
	}
}

type meteredPort struct {
	printer.Port
	m *lineMeter
}

// Read implements printer.Port.
func (p meteredPort) Read(b []byte) (int, error) {
	n, err := p.Port.Read(b)
	p.m.count(0, n)
	return n, err
}

// Write implements printer.Port.
func (p meteredPort) Write(b []byte) (int, error) {
	n, err := p.Port.Write(b)
	p.m.count(n, 0)
	return n, err
}

func (m *lineMeter) count(out, in int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out += out
	m.in += in
}
