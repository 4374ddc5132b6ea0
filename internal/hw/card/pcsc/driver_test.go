package pcsc

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ebfe/scard"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
)

var (
	mynaATR = []byte{0x3B, 0x88, 0x80, 0x01, 0x00, 0x00, 0x05, 0xE0, 0xB3, 0x81, 0xA1, 0x00, 0x7F}
	waonATR = []byte{0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06, 0x11, 0x00, 0x3B, 0x00, 0x00, 0x00, 0x00, 0x42}
)

const acr = "ACS ACR1252 1S CL Reader PICC 0"

// stage is a driver that runs on a daemon of the test's, in a bubble.
type stage struct {
	*testing.T
	*daemon
	drv *Driver
}

func onStage(t *testing.T, opt Options, readers []string, f func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(readers...)
		opt.Log = slog.New(slog.DiscardHandler)
		r, err := newRoles(opt.MyNumber, opt.WAON)
		if err != nil {
			t.Fatal(err)
		}
		s := &stage{T: t, daemon: d, drv: newDriver(opt, r, d)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.drv.Run(ctx) }()
		defer func() {
			cancel()
			<-done
			synctest.Wait()
			if contexts, handles := d.counts(); !t.Failed() && (contexts != 0 || handles != 0) {
				t.Errorf("%d contexts and %d handles are left", contexts, handles)
			}
		}()
		f(s)
	})
}

// now is the state when nothing moves any more.
func (s *stage) now() card.State {
	s.Helper()
	synctest.Wait()
	s.drv.mu.Lock()
	defer s.drv.mu.Unlock()
	return s.drv.last
}

func (s *stage) pass(d time.Duration) {
	s.Helper()
	<-time.After(d)
	synctest.Wait()
}

// lies is the number of the one card that is told.
func (s *stage) lies() uint64 {
	s.Helper()
	st := s.now()
	switch len(st.Cards) {
	case 0:
		return 0
	case 1:
		return st.Cards[0].Number
	}
	s.Fatalf("several cards: %+v", st)
	return 0
}

func TestCardsComeAndGo(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		if st := s.now(); !st.Ready() || !st.ReadsWAON() || len(st.Cards) != 0 {
			s.Fatalf("%+v", st)
		}
		s.put(acr, mynaATR)
		first := s.lies()
		if st := s.now(); first == 0 || st.Cards[0].Tech != card.TechISO || st.Cards[0].Reader != acr {
			s.Fatalf("%+v", st)
		}
		s.lift(acr)
		if s.lies() != first {
			s.Error("a flicker is told")
		}
		if _, f := s.drv.here(first); f == nil || f.Code != fault.CardLifted {
			s.Errorf("it can still be connected to: %v", f)
		}
		s.pass(DefaultDebounce)
		if s.lies() != 0 {
			s.Error("the leaving is not told")
		}
		s.put(acr, waonATR)
		if st := s.now(); s.lies() <= first || st.Cards[0].Tech != card.TechFeliCa {
			s.Errorf("%+v", st)
		}
	})
}

// A card that comes back before its leaving was told is another insertion, for
// it has lost what it had selected; nothing is told of the time between.
func TestFlicker(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		s.put(acr, mynaATR)
		first := s.lies()
		s.lift(acr)
		s.pass(DefaultDebounce / 2)
		s.put(acr, mynaATR)
		if second := s.lies(); second == first || second == 0 {
			s.Errorf("numbers %d and %d", first, second)
		}
		s.pass(time.Second)
		if s.lies() == 0 {
			s.Error("the old leaving was still told")
		}
	})
}

// A swap between two looks shows in nothing but the event counter.
func TestSwap(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		s.put(acr, mynaATR)
		first := s.lies()
		s.swap(acr, mynaATR)
		if second := s.lies(); second == first {
			s.Error("a swap went unseen")
		}
		if _, err := s.drv.Connect(s.Context(), first); fault.CodeOf(err) != fault.CardLifted {
			s.Errorf("connect to the first: %v", err)
		}
	})
}

func TestReadersComeAndGo(t *testing.T) {
	onStage(t, Options{}, nil, func(s *stage) {
		if st := s.now(); st.Ready() {
			s.Fatalf("%+v", st)
		}
		s.plug(acr)
		s.plug("ACS ACR1252 1S CL Reader SAM 0")
		s.plug("Some Contact Reader 00 00")
		want := []string{acr, "Some Contact Reader 00 00"}
		names := func() (n []string) {
			for _, r := range s.now().Readers {
				n = append(n, r.Name)
			}
			return n
		}
		if got := names(); !slices.Equal(got, want) {
			s.Errorf("readers %q, want %q", got, want)
		}
		s.put(acr, mynaATR)
		s.put("Some Contact Reader 00 00", mynaATR)
		if st := s.now(); len(st.Cards) != 2 || st.Cards[0].Number >= st.Cards[1].Number {
			s.Errorf("%+v", st)
		}
		s.unplug(acr)
		if st := s.now(); len(st.Readers) != 1 || len(st.Cards) != 1 {
			s.Errorf("%+v", st)
		}
		s.unplug("Some Contact Reader 00 00")
		if st := s.now(); st.Ready() || len(st.Cards) != 0 {
			s.Errorf("%+v", st)
		}
	})
}

func TestRoles(t *testing.T) {
	const port = "Sony FeliCa Port/PaSoRi 4.0 00 00"
	opt := Options{MyNumber: []string{"^Identiv", "ACR125"}, WAON: []string{"PaSoRi"}}
	onStage(t, opt, []string{acr, port, "Yubico YubiKey 00 00"}, func(s *stage) {
		st := s.now()
		want := []card.Reader{{Name: acr, MyNumber: true}, {Name: port, WAON: true}}
		if !slices.Equal(st.Readers, want) {
			s.Errorf("%+v, want %+v", st.Readers, want)
		}
		s.plug("Identiv uTrust 00 00")
		if st := s.now(); st.Readers[0].Name != "Identiv uTrust 00 00" {
			s.Errorf("%+v", st.Readers)
		}
		s.unplug("Identiv uTrust 00 00")
		s.unplug(acr)
		if st := s.now(); st.Ready() || !st.ReadsWAON() {
			s.Errorf("%+v", st.Readers)
		}
	})
	if _, err := New(Options{WAON: []string{"("}}); err == nil {
		t.Error("a pattern that is none was taken")
	}
}

// pcscd dies and comes back: its old contexts are of no use, and nobody says so.
func TestServiceDies(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		s.put(acr, mynaATR)
		first := s.lies()
		conn, err := s.drv.Connect(s.Context(), first)
		if err != nil {
			s.Fatal(err)
		}
		s.die()
		if st := s.now(); st.Ready() || len(st.Cards) != 0 {
			s.Errorf("%+v", st)
		}
		if _, err := conn.Transmit(s.Context(), []byte{0, 0x20, 0, 0x80}); fault.CodeOf(err) != fault.ReaderGone {
			s.Errorf("transmit: %v", err)
		}
		if _, err := s.drv.Connect(s.Context(), first); fault.CodeOf(err) != fault.ReaderGone {
			s.Errorf("connect: %v", err)
		}
		if err := conn.Close(); err != nil {
			s.Errorf("close: %v", err)
		}
		s.pass(time.Minute)
		s.rise()
		s.pass(awayMost)
		second := s.lies()
		if second == 0 || second == first {
			s.Errorf("after the return the card is %d", second)
		}
		conn, err = s.drv.Connect(s.Context(), second)
		if err != nil {
			s.Fatal(err)
		}
		_ = conn.Close()
	})
}

func TestConnectTrouble(t *testing.T) {
	many := func(e scard.Error, n int) []scard.Error { return slices.Repeat([]scard.Error{e}, n) }
	for _, c := range []struct {
		name   string
		refuse []scard.Error
		code   fault.Code
	}{
		{"another program for a moment", many(scard.ErrSharingViolation, 5), ""},
		{"another program for good", many(scard.ErrSharingViolation, 500), fault.ReaderBusy},
		{"the card wakes up", many(scard.ErrUnresponsiveCard, 3), ""},
		{"the card stays silent", many(scard.ErrUnresponsiveCard, 500), fault.CardMute},
		{"unpowered", many(scard.ErrUnpoweredCard, 500), fault.CardMute},
		{"lifted", []scard.Error{scard.ErrRemovedCard}, fault.CardLifted},
		{"no card", []scard.Error{scard.ErrNoSmartcard}, fault.CardLifted},
		{"reader gone", []scard.Error{scard.ErrReaderUnavailable}, fault.ReaderGone},
		{"service stopped", []scard.Error{scard.ErrServiceStopped}, fault.ReaderGone},
		{"out of order", []scard.Error{scard.ErrInternalError}, fault.CardMute},
	} {
		t.Run(c.name, func(t *testing.T) {
			onStage(t, Options{}, []string{acr}, func(s *stage) {
				s.put(acr, mynaATR)
				n := s.lies()
				s.change(func() { s.refuse = c.refuse })
				began := time.Now()
				conn, err := s.drv.Connect(s.Context(), n)
				if fault.CodeOf(err) != c.code {
					s.Fatalf("%v, want %q", err, c.code)
				}
				if took := time.Since(began); took > DefaultPatience+again {
					s.Errorf("it took %v", took)
				}
				if conn != nil {
					_ = conn.Close()
				}
			})
		})
	}
}

func TestTransmitTrouble(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer error
		then   func(*stage)
		code   fault.Code
	}{
		{"the card says nothing", scard.ErrNotTransacted, nil, fault.CardMute},
		{"lifted, and pcscd notices later", scard.ErrNotTransacted, func(s *stage) { <-time.After(400 * time.Millisecond); s.lift(acr) }, fault.CardLifted},
		{"reset by somebody", scard.ErrResetCard, nil, fault.CardMute},
		{"unplugged, and pcscd notices later", scard.ErrNotTransacted, func(s *stage) { <-time.After(400 * time.Millisecond); s.unplug(acr) }, fault.ReaderGone},
		{"reader gone", scard.ErrReaderUnavailable, nil, fault.ReaderGone},
	} {
		t.Run(c.name, func(t *testing.T) {
			onStage(t, Options{}, []string{acr}, func(s *stage) {
				s.put(acr, mynaATR)
				conn, err := s.drv.Connect(s.Context(), s.lies())
				if err != nil {
					s.Fatal(err)
				}
				s.change(func() { s.answer = c.answer })
				if c.then != nil {
					go c.then(s)
				}
				for range 2 { // the second time nothing is sent
					if _, err := conn.Transmit(s.Context(), []byte{0, 0x20, 0, 0x80}); fault.CodeOf(err) != c.code {
						s.Errorf("%v, want %q", err, c.code)
					}
				}
				if s.commands() != 1 {
					s.Errorf("%d commands were sent", s.commands())
				}
				_ = conn.Close()
			})
		})
	}
}

// A card that never answers costs one goroutine and one handle, holds nobody
// up, and gives everything back when pcscd gives up on it.
func TestSilentForEver(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		s.put(acr, mynaATR)
		n := s.lies()
		conn, err := s.drv.Connect(s.Context(), n)
		if err != nil {
			s.Fatal(err)
		}
		hung := make(chan struct{})
		s.change(func() { s.hung = hung })
		ctx, cancel := context.WithTimeout(s.Context(), time.Second)
		defer cancel()
		pin := []byte{0, 0x20, 0, 0x80, 4, '1', '2', '3', '4'}
		if _, err := conn.Transmit(ctx, pin); fault.CodeOf(err) != fault.CardMute {
			s.Fatalf("%v", err)
		}
		if _, err := conn.Transmit(s.Context(), pin); fault.CodeOf(err) != fault.CardMute || s.commands() != 1 {
			s.Errorf("a second command: %v", err)
		}
		if err := conn.Close(); err != nil {
			s.Error(err)
		}
		if _, err := s.drv.Connect(s.Context(), n); fault.CodeOf(err) != fault.CardMute {
			s.Errorf("connect while it is silent: %v", err)
		}
		s.change(func() { s.hung = nil })
		close(hung)
		synctest.Wait()
		conn, err = s.drv.Connect(s.Context(), n)
		if err != nil {
			s.Fatal(err)
		}
		_ = conn.Close()
	})
}

// A card swapped between the last look and the connection is not taken for the
// one that was asked for.
func TestSwappedJustBefore(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		s.put(acr, mynaATR)
		n := s.lies()
		s.mu.Lock() // pcscd knows, and nobody was woken
		s.devices[acr].events += 2
		s.mu.Unlock()
		if _, err := s.drv.Connect(s.Context(), n); fault.CodeOf(err) != fault.CardLifted {
			s.Errorf("%v", err)
		}
		s.now()
	})
}

func TestWaitsForItsTurn(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		s.put(acr, mynaATR)
		n := s.lies()
		first, err := s.drv.Connect(s.Context(), n)
		if err != nil {
			s.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(s.Context(), time.Second)
		defer cancel()
		if _, err := s.drv.Connect(ctx, n); fault.CodeOf(err) != fault.ReaderBusy {
			s.Errorf("%v", err)
		}
		second := make(chan card.Conn)
		go func() {
			c, err := s.drv.Connect(s.Context(), n)
			if err != nil {
				s.Error(err)
			}
			second <- c
		}()
		synctest.Wait()
		_ = first.Close()
		_ = (<-second).Close()
	})
}

// A reader that pcscd lists and cannot reach is told gone with its card, and costs
// no more looks than any other.
func TestSickReader(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		s.put(acr, mynaATR)
		if s.lies() == 0 {
			s.Fatal("no card")
		}
		s.change(func() { s.devices[acr].sick = true })
		s.pass(DefaultDebounce)
		if st := s.now(); st.Ready() || len(st.Cards) != 0 {
			s.Errorf("%+v", st)
		}
		before := s.looks()
		s.pass(time.Minute)
		if n := s.looks() - before; n > 60 {
			s.Errorf("%d looks in a minute", n)
		}
		s.change(func() { s.devices[acr].sick = false })
		if st := s.now(); !st.Ready() || len(st.Cards) != 1 {
			s.Errorf("%+v", st)
		}
	})
}

// Some readers put a random number into the answer to reset. It is another one at
// each power-up, and no other card.
func TestRandomAnswerToReset(t *testing.T) {
	onStage(t, Options{}, []string{acr, "Other 00 00"}, func(s *stage) {
		s.put(acr, []byte{0x3B, 0x88, 0x80, 0x01, 1, 2, 3, 4, 0x33, 0x81, 0x81, 0x20, 0x00})
		first := s.lies()
		s.mu.Lock()
		s.devices[acr].atr = []byte{0x3B, 0x88, 0x80, 0x01, 5, 6, 7, 8, 0x33, 0x81, 0x81, 0x20, 0x00}
		s.mu.Unlock()
		s.put("Other 00 00", waonATR)
		if st := s.now(); len(st.Cards) != 2 || st.Cards[0].Number != first {
			s.Errorf("%+v", st)
		}
	})
}

// pcscd hangs in the middle of connecting or of powering down: neither waits for it.
func TestHangingService(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		s.put(acr, mynaATR)
		n := s.lies()
		conn, err := s.drv.Connect(s.Context(), n)
		if err != nil {
			s.Fatal(err)
		}
		hang := make(chan struct{})
		s.change(func() { s.stalled = hang })
		began := time.Now()
		if err := conn.Close(); fault.CodeOf(err) != fault.ReaderGone || time.Since(began) > patient {
			s.Errorf("close: %v after %v", err, time.Since(began))
		}
		if _, err := s.drv.Connect(s.Context(), n); fault.CodeOf(err) != fault.CardMute {
			s.Errorf("connect behind it: %v", err)
		}
		s.change(func() { s.stalled = nil })
		close(hang)
		synctest.Wait()

		hang = make(chan struct{})
		s.change(func() { s.stalled = hang })
		ctx, cancel := context.WithTimeout(s.Context(), time.Second)
		defer cancel()
		waiting := make(chan error)
		go func() {
			<-time.After(time.Second / 2)
			_, err := s.drv.Connect(s.Context(), n)
			waiting <- err
		}()
		if _, err := s.drv.Connect(ctx, n); fault.CodeOf(err) != fault.CardMute {
			s.Errorf("connect: %v", err)
		}
		if err := <-waiting; fault.CodeOf(err) != fault.CardMute { // not for ever
			s.Errorf("a second one: %v", err)
		}
		s.change(func() { s.stalled = nil })
		close(hang)
		synctest.Wait()
		conn, err = s.drv.Connect(s.Context(), n)
		if err != nil {
			s.Fatal(err)
		}
		_ = conn.Close()
	})
}

// Most drivers let no escape command through; the connection is as good as before.
func TestEscapeRefused(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		s.put(acr, waonATR)
		conn, err := s.drv.Connect(s.Context(), s.lies())
		if err != nil {
			s.Fatal(err)
		}
		if _, err := conn.(card.Escaper).Escape(s.Context(), []byte{0xFF, 0x50, 0, 0}); err == nil {
			s.Error("an escape command was let through")
		}
		if _, err := conn.Transmit(s.Context(), []byte{0xFF, 0xCA, 0, 0, 0}); err != nil {
			s.Errorf("after a refused escape command: %v", err)
		}
		_ = conn.Close()
	})
}
