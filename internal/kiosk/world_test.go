package kiosk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/light"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/printertest"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// world is a kiosk with everything around it: the doubles of the hardware, an
// outbox in a real SQLite file, and a hub played by the test. It lives in a
// synctest bubble, whose end also shows that no goroutine is left.
type world struct {
	t       testing.TB
	k       *Kiosk
	reader  *cardtest.Reader
	printer *printertest.Printer
	lights  *recorder
	hub     *fakeHub
	outbox  *ksync.Outbox
	seal    wire.SealPrivateKey
	line    chan bool
	acks    chan ksync.Acked
	storage chan fault.Code
	kicks   chan struct{}
	log     *bytes.Buffer
	clock   *Clock
	end     context.CancelFunc
	ended   chan error
	windows []*Subscription
}

// recorder notes the signals that the lights were given.
type recorder struct {
	mu      sync.Mutex
	signals []light.Signal
}

func (*recorder) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (r *recorder) Show(s light.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.signals = append(r.signals, s)
}

func (r *recorder) all() []light.Signal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.signals)
}

// fakeHub answers each call with the function that the test has set.
type fakeHub struct {
	start    func(context.Context, wire.IssueStart) (wire.IssueStarted, error)
	resend   func(context.Context, wire.IssueResend) (wire.IssueStarted, error)
	verify   func(context.Context, wire.IssueVerify) (wire.IssueVerified, error)
	complete func(context.Context, wire.IssueComplete) (wire.Issued, error)
	lookup   func(context.Context, wire.Lookup) (wire.Account, error)
	inquiry  func(context.Context, wire.InquiryRequest) (wire.Standing, error)
}

func (h *fakeHub) IssueStart(ctx context.Context, in wire.IssueStart) (wire.IssueStarted, error) {
	return h.start(ctx, in)
}

func (h *fakeHub) IssueResend(ctx context.Context, in wire.IssueResend) (wire.IssueStarted, error) {
	return h.resend(ctx, in)
}

func (h *fakeHub) IssueVerify(ctx context.Context, in wire.IssueVerify) (wire.IssueVerified, error) {
	return h.verify(ctx, in)
}

func (h *fakeHub) IssueComplete(ctx context.Context, in wire.IssueComplete) (wire.Issued, error) {
	return h.complete(ctx, in)
}

func (h *fakeHub) Lookup(ctx context.Context, in wire.Lookup) (wire.Account, error) {
	return h.lookup(ctx, in)
}

func (h *fakeHub) Inquiry(ctx context.Context, in wire.InquiryRequest) (wire.Standing, error) {
	return h.inquiry(ctx, in)
}

// inWorld runs f in a bubble, with a kiosk that stands on its top screen with
// all devices ready and the line up.
func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, filepath.Join(dir, "outbox.db"))
		w.boot()
		defer w.stop()
		f(w)
	})
}

// newWorld makes the parts; boot starts the kiosk.
func newWorld(t *testing.T, path string) *world {
	t.Helper()
	seal, err := wire.NewSealKey()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, seal: seal,
		reader: cardtest.NewReader(), printer: printertest.New(printer.Full().Dots), lights: &recorder{}, hub: &fakeHub{},
		line: make(chan bool, 1), acks: make(chan ksync.Acked, 1), storage: make(chan fault.Code, 1), kicks: make(chan struct{}, 8),
		log: &bytes.Buffer{}, clock: NewClock(time.Now), ended: make(chan error, 4),
	}
	// A bubble's time starts in 2000, when no card's certificate was valid.
	w.clock.Forward(time.Until(time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)))
	enrolment := &wire.Enrolment{Kiosk: "test-kiosk", SealKey: seal.Public().Bytes(), SealKeyID: seal.Public().ID()}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.outbox, err = ksync.OpenOutbox(t.Context(), path, func() (*wire.Enrolment, bool) { return enrolment, true }, log)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	w.k = New(Options{
		Settings: flow.Settings{Catalogue: cat, Name: "見本店", Langs: []string{"ja", "en"}, IdleWarn: 2 * time.Minute, IdleCount: 45 * time.Second},
		Reader:   w.reader, Printer: printer.New(w.printer.Dial, printer.Full(), log), Lights: w.lights,
		Outbox: w.outbox, Hub: w.hub, Line: w.line, Acks: w.acks, Storage: w.storage,
		Kick:     func() { w.kicks <- struct{}{} },
		Identity: func() (string, bool) { return "test-kiosk", true },
		Draw:     blackSlip,
		Clock:    w.clock, Log: log,
	})
	return w
}

// blackSlip is a slip without words: the layout has tests of its own.
func blackSlip(flow.Slip, bool) printer.Drawing {
	return func(p printer.Profile) iter.Seq2[printer.Piece, error] {
		return func(yield func(printer.Piece, error) bool) {
			b := dots.New(p.Dots, 100)
			for x := range 500 {
				b.Set(x, x%100)
			}
			yield(printer.Picture{Bitmap: b}, nil)
		}
	}
}

func (w *world) boot() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w.end = cancel
	for _, run := range []func(context.Context) error{w.k.Run, w.reader.Run, w.k.opt.Printer.Run} {
		go func() { w.ended <- run(ctx) }()
	}
	w.line <- true
	pass(time.Second) // the bubble's clock: the printer is found
	synctest.Wait()
}

// watch opens a window, before which the shopper stands.
func (w *world) watch() {
	w.t.Helper()
	sub, err := w.k.Subscribe(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	w.windows = append(w.windows, sub)
}

func (w *world) closeWindows() {
	for _, sub := range w.windows {
		sub.Close()
	}
	w.windows = nil
}

func (w *world) stop() {
	w.t.Helper()
	w.closeWindows()
	w.end()
	for range 3 {
		if err := <-w.ended; err != nil && !errors.Is(err, context.Canceled) {
			w.t.Error(err)
		}
	}
	w.printer.Close()
	if err := w.outbox.Close(); err != nil {
		w.t.Error(err)
	}
}

// snap is what the tests read of a snapshot.
type snap struct {
	Seq    uint64 `json:"seq"`
	Lang   string `json:"lang"`
	Since  uint64 `json:"since"`
	Screen struct {
		Kind    string `json:"kind"`
		Step    string `json:"step"`
		Code    string `json:"code"`
		Problem any    `json:"problem"`
		Number  string `json:"number"`
		Slip    any    `json:"slip"` // where it stands; on goodbye, whether there is one
		Items   []flow.FoundSubmission
	} `json:"screen"`
	Busy  *flow.Busy     `json:"busy"`
	Kiosk flow.KioskView `json:"kiosk"`
}

// look waits until nothing moves and gives what the screen shows.
func (w *world) look() snap {
	w.t.Helper()
	synctest.Wait()
	frame, err := w.k.Look(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	var s snap
	if err := json.Unmarshal(frame.JSON, &s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// touch makes touches on the present snapshot.
func (w *world) touch(facts ...flow.Fact) {
	w.t.Helper()
	for _, f := range facts {
		if err := w.k.Touch(context.Background(), w.look().Seq, f); err != nil {
			w.t.Fatalf("touch %T: %v", f, err)
		}
	}
}

func (w *world) keys(text string) {
	w.t.Helper()
	for _, r := range text {
		w.touch(flow.Key{Text: string(r)})
	}
}

// expect fails unless the screen stands at step.
func (w *world) expect(step flow.StepName) snap {
	w.t.Helper()
	s := w.look()
	if s.Screen.Step != string(step) {
		w.t.Fatalf("screen is %s (%s), want %s\n%s", s.Screen.Step, s.Screen.Code, step, w.log)
	}
	return s
}

func (w *world) put(persona string) {
	w.t.Helper()
	if err := w.reader.Put(persona); err != nil {
		w.t.Fatal(err)
	}
}

// pass lets time pass in the bubble.
func pass(d time.Duration) { <-time.After(d) }
