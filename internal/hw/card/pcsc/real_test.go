package pcsc_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ebfe/scard"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/pcsc"
	"kioskd/internal/hw/card/pcsc/pcsctest"
)

// These tests run below a real pcscd of their own, with virtual cards behind vpcd.
func TestMain(m *testing.M) { pcsctest.Main(m) }

// patience is how long a machine with other work may take to notice a card.
const patience = 20 * time.Second

func newDriver(t testing.TB, opt pcsc.Options) *pcsc.Driver {
	t.Helper()
	opt.Log = slog.New(slog.DiscardHandler)
	d, err := pcsc.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rig is a driver that runs on a pcscd, and the slot of its first reader.
type rig struct {
	testing.TB
	service *pcsctest.Service
	slot    *cardtest.Slot
	drv     *pcsc.Driver
}

func newRig(t testing.TB, opt pcsc.Options) *rig {
	t.Helper()
	return newRigAt(t, opt, pcsctest.Addr)
}

// newRigAt has the slot where vpcd, or a bridge to it, takes cards.
func newRigAt(t testing.TB, opt pcsc.Options, vpcd string) *rig {
	t.Helper()
	r := &rig{TB: t, service: pcsctest.Start(t), slot: cardtest.NewSlot(), drv: newDriver(t, opt)}
	pcsctest.AttachTo(t, r.slot, vpcd)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.drv.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	r.until(card.State.Ready)
	return r
}

// until waits for a state.
func (r *rig) until(want func(card.State) bool) card.State {
	r.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var last card.State
	for {
		select {
		case last = <-r.drv.Watch():
			if want(last) {
				return last
			}
		case <-timer.C:
			r.Fatalf("the state does not come; last was %+v", last)
		}
	}
}

// put lays a persona's card and gives the number of its insertion.
func (r *rig) put(persona string) uint64 {
	r.Helper()
	if err := r.slot.Put(persona); err != nil {
		r.Fatal(err)
	}
	return r.until(func(s card.State) bool { return len(s.Cards) == 1 && len(s.Cards[0].ATR) > 0 }).Cards[0].Number
}

func (r *rig) lift() {
	r.Helper()
	r.slot.Lift()
	r.until(func(s card.State) bool { return len(s.Cards) == 0 })
}

func (r *rig) connect(number uint64) card.Conn {
	r.Helper()
	conn, err := r.drv.Connect(r.Context(), number)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = conn.Close() })
	return conn
}

var selectJPKI = []byte{0x00, 0xA4, 0x04, 0x0C, 0x0A, 0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01}

// Over a bridge a card comes, answers, leaves, and comes back after a pcscd that
// died, as on vpcd itself.
func TestBridge(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "cards")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	bridged := make(chan error, 1)
	go func() { bridged <- cardtest.Bridge(ctx, l, pcsctest.Addr) }()

	r := newRigAt(t, pcsc.Options{}, socket)
	first := r.put("taro")
	conn := r.connect(first)
	if _, err := conn.Transmit(t.Context(), selectJPKI); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	r.lift()
	if second := r.put("hanako"); second == first {
		t.Error("another card has the number of the one before")
	}
	r.service.Kill()
	r.until(func(s card.State) bool { return !s.Ready() && len(s.Cards) == 0 })
	r.service.Restart(t)
	again := r.until(func(s card.State) bool { return len(s.Cards) == 1 && len(s.Cards[0].ATR) > 0 }).Cards[0].Number
	if _, err := r.connect(again).Transmit(t.Context(), selectJPKI); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-bridged; !errors.Is(err, context.Canceled) {
		t.Errorf("the bridge ended with %v", err)
	}
	r.until(func(s card.State) bool { return len(s.Cards) == 0 })
}

func TestServiceRestarts(t *testing.T) {
	for name, end := range map[string]func(*pcsctest.Service){"killed": (*pcsctest.Service).Kill, "stopped": (*pcsctest.Service).Stop} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, pcsc.Options{})
			number := r.put("taro")
			conn := r.connect(number)
			if _, err := conn.Transmit(t.Context(), selectJPKI); err != nil {
				t.Fatal(err)
			}
			end(r.service)
			if _, err := conn.Transmit(t.Context(), selectJPKI); fault.CodeOf(err) != fault.ReaderGone {
				t.Errorf("transmit: %v", err)
			}
			r.until(func(s card.State) bool { return !s.Ready() && len(s.Cards) == 0 })
			if err := conn.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			r.service.Restart(t)
			s := r.until(func(s card.State) bool { return len(s.Cards) == 1 })
			if s.Cards[0].Number == number {
				t.Error("the card has its old number")
			}
			if _, err := r.connect(s.Cards[0].Number).Transmit(t.Context(), selectJPKI); err != nil {
				t.Error(err)
			}
		})
	}
}

// Without a pcscd the driver waits for one.
func TestServiceComesLate(t *testing.T) {
	service, err := pcsctest.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.Kill)
	r := &rig{TB: t, service: service, drv: newDriver(t, pcsc.Options{})}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.drv.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	if s := <-r.drv.Watch(); s.Ready() {
		t.Fatalf("%+v", s)
	}
	if _, err := r.drv.Connect(t.Context(), 1); fault.CodeOf(err) != fault.ReaderGone {
		t.Errorf("%v", err)
	}
	service.Restart(t)
	s := r.until(card.State.Ready)
	names := []string{s.Readers[0].Name, s.Readers[1].Name}
	if !slices.Equal(names, []string{pcsctest.First, pcsctest.Second}) {
		t.Errorf("readers %q", names)
	}
}

// foreign is another program that talks to the first reader.
func foreign(t *testing.T, mode scard.ShareMode) (release func()) {
	t.Helper()
	ctx, err := scard.EstablishContext()
	if err != nil {
		t.Fatal(err)
	}
	c, err := ctx.Connect(pcsctest.First, mode, scard.ProtocolAny)
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	release = func() {
		once.Do(func() {
			_ = c.Disconnect(scard.LeaveCard)
			_ = ctx.Release()
		})
	}
	t.Cleanup(release)
	return release
}

// Another program has the card, for itself or shared: the kiosk waits for it, says
// so when it stays, and goes on when it is gone.
func TestSharingViolation(t *testing.T) {
	for name, mode := range map[string]scard.ShareMode{"shared": scard.ShareShared, "exclusive": scard.ShareExclusive} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, pcsc.Options{Patience: 500 * time.Millisecond})
			number := r.put("taro")
			release := foreign(t, mode)
			if _, err := r.drv.Connect(t.Context(), number); fault.CodeOf(err) != fault.ReaderBusy {
				t.Errorf("%v", err)
			}
			time.AfterFunc(100*time.Millisecond, release)
			conn := r.connect(number)
			if _, err := conn.Transmit(t.Context(), selectJPKI); err != nil {
				t.Error(err)
			}
		})
	}
}

// Nobody else gets at a card while the kiosk has it.
func TestExclusive(t *testing.T) {
	r := newRig(t, pcsc.Options{})
	r.connect(r.put("taro"))
	ctx, err := scard.EstablishContext()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ctx.Release() }()
	if _, err := ctx.Connect(pcsctest.First, scard.ShareShared, scard.ProtocolAny); err != error(scard.ErrSharingViolation) { //nolint:errorlint // the binding returns it bare
		t.Errorf("another program: %v", err)
	}
}

// A card that lies there and says nothing, and finds its voice again.
func TestMuteCard(t *testing.T) {
	r := newRig(t, pcsc.Options{})
	number := r.put("taro")
	conn := r.connect(number)
	r.slot.Mute(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := conn.Transmit(ctx, selectJPKI); fault.CodeOf(err) != fault.CardMute {
		t.Fatalf("%v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.drv.Connect(t.Context(), number); fault.CodeOf(err) != fault.CardMute {
		t.Errorf("connect while it is silent: %v", err)
	}
	r.slot.Mute(false)
	r.works(number)
}

// works tries until the card answers.
func (r *rig) works(number uint64) {
	r.Helper()
	try := func() error {
		conn, err := r.drv.Connect(r.Context(), number)
		if err == nil {
			_, err = conn.Transmit(r.Context(), selectJPKI)
			_ = conn.Close()
		}
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-timer.C:
			r.Fatal(err)
		}
	}
}

// A pcscd that hangs in the middle of a command ends neither the daemon nor its
// patience.
func TestFrozenService(t *testing.T) {
	r := newRig(t, pcsc.Options{})
	number := r.put("taro")
	conn := r.connect(number)
	r.service.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := conn.Transmit(ctx, selectJPKI); fault.CodeOf(err) != fault.CardMute {
		t.Errorf("%v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	r.service.Thaw()
	r.works(number)
}

// A My Number card and a WAON card, each on a reader of its own.
func TestTwoReaders(t *testing.T) {
	r := newRig(t, pcsc.Options{MyNumber: []string{"00 00$"}, WAON: []string{"00 01$"}})
	waon := cardtest.NewSlot()
	pcsctest.AttachTo(t, waon, pcsctest.SecondAddr)
	first := r.put("taro")
	if err := waon.Put("waon-1"); err != nil {
		t.Fatal(err)
	}
	s := r.until(func(s card.State) bool { return len(s.Cards) == 2 })
	if s.Cards[0].Number != first || s.Cards[1].Tech != card.TechFeliCa || s.Cards[1].Reader != pcsctest.Second {
		t.Errorf("%+v", s)
	}
	if on, ok := s.On(s.Cards[1].Reader); !ok || on.MyNumber || !on.WAON {
		t.Errorf("%+v", on)
	}
	// Both are open at the same time.
	mine, other := r.connect(first), r.connect(s.Cards[1].Number)
	if _, err := mine.Transmit(t.Context(), selectJPKI); err != nil {
		t.Error(err)
	}
	if _, err := other.Transmit(t.Context(), []byte{0xFF, 0xCA, 0, 0, 0}); err != nil {
		t.Error(err)
	}
}
