package pcsc

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ebfe/scard"

	"kioskd/internal/fault"
)

var led = []byte{0xE0, 0x00, 0x00, 0x29, 0x01, 0x02}

func TestControl(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		s.change(func() { s.devices[acr].controls = true })
		if s.now(); s.drv.Preferred() != acr {
			s.Errorf("preferred is %q", s.drv.Preferred())
		}
		answer, err := s.drv.Control(s.Context(), acr, led)
		if want := []byte{0xE1, 0x00, 0x00, 0x29, 0x01, 0x02}; err != nil || !bytes.Equal(answer, want) {
			s.Fatalf("%x, %v", answer, err)
		}
		s.put(acr, mynaATR)
		before := s.lies()
		if _, err := s.drv.Control(s.Context(), acr, led); err != nil {
			s.Errorf("beside a card: %v", err)
		}
		s.pass(time.Minute)
		if s.lies() != before {
			s.Error("the card was disturbed")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if slices.Contains(s.ends, scard.UnpowerCard) || slices.Contains(s.ends, scard.ResetCard) || len(s.ends) != 2 {
			s.Errorf("connections ended as %v", s.ends)
		}
	})
}

// While the card is talked to, nothing goes to the reader, and the dialogue does
// not notice that somebody wanted to.
func TestControlGivesWay(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		s.change(func() { s.devices[acr].controls = true })
		s.put(acr, mynaATR)
		conn, err := s.drv.Connect(s.Context(), s.lies())
		if err != nil {
			s.Fatal(err)
		}
		began := time.Now()
		if _, err := s.drv.Control(s.Context(), acr, led); fault.CodeOf(err) != fault.ReaderBusy || time.Since(began) != 0 {
			s.Errorf("%v after %v", err, time.Since(began))
		}
		if s.commands() != 0 {
			s.Error("a command was sent")
		}
		if _, err := conn.Transmit(s.Context(), []byte{0, 0x20, 0, 0x80}); err != nil {
			s.Error(err)
		}
		if err := conn.Close(); err != nil {
			s.Error(err)
		}
		if _, err := s.drv.Control(s.Context(), acr, led); err != nil {
			s.Errorf("afterwards: %v", err)
		}
		// Another program has it.
		s.change(func() { s.devices[acr].exclusive = true })
		if _, err := s.drv.Control(s.Context(), acr, led); fault.CodeOf(err) != fault.ReaderBusy {
			s.Errorf("%v", err)
		}
	})
}

// A card is connected to as soon as the reader has answered.
func TestConnectDuringControl(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		hung := make(chan struct{})
		s.change(func() { s.devices[acr].controls, s.hung = true, hung })
		s.put(acr, mynaATR)
		n := s.lies()
		answered := make(chan error, 1)
		go func() {
			_, err := s.drv.Control(s.Context(), acr, led)
			answered <- err
		}()
		synctest.Wait()
		connected := make(chan error, 1)
		go func() {
			conn, err := s.drv.Connect(s.Context(), n)
			if err == nil {
				err = conn.Close()
			}
			connected <- err
		}()
		synctest.Wait()
		s.change(func() { s.hung = nil })
		close(hung)
		if err := <-answered; err != nil {
			s.Error(err)
		}
		if err := <-connected; err != nil {
			s.Error(err)
		}
	})
}

func TestControlTrouble(t *testing.T) {
	onStage(t, Options{}, []string{acr}, func(s *stage) {
		if _, err := s.drv.Control(s.Context(), acr, led); fault.CodeOf(err) != fault.CardRefused {
			s.Errorf("a reader that takes no commands: %v", err)
		}
		if _, err := s.drv.Control(s.Context(), "none", led); fault.CodeOf(err) != fault.ReaderGone {
			s.Errorf("a reader that is not there: %v", err)
		}
		hung := make(chan struct{})
		s.change(func() { s.devices[acr].controls, s.hung = true, hung })
		ctx, cancel := context.WithTimeout(s.Context(), time.Second)
		defer cancel()
		if _, err := s.drv.Control(ctx, acr, led); fault.CodeOf(err) != fault.CardMute {
			s.Errorf("a pcscd that hangs: %v", err)
		}
		s.put(acr, mynaATR)
		if _, err := s.drv.Connect(s.Context(), s.lies()); fault.CodeOf(err) != fault.CardMute {
			s.Errorf("connect behind it: %v", err)
		}
		s.change(func() { s.hung = nil })
		close(hung)
		synctest.Wait()
		if _, err := s.drv.Control(s.Context(), acr, led); err != nil {
			s.Errorf("afterwards: %v", err)
		}
		s.die()
		if s.now(); s.drv.Preferred() != "" {
			s.Errorf("preferred is %q", s.drv.Preferred())
		}
		if _, err := s.drv.Control(s.Context(), acr, led); fault.CodeOf(err) != fault.ReaderGone {
			s.Errorf("no pcscd: %v", err)
		}
	})
}
