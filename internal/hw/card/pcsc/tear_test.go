package pcsc_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"sync"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/jpki"
	"kioskd/internal/hw/card/pcsc"
	"kioskd/internal/hw/card/pcsc/pcsctest"
	"kioskd/internal/secret"
)

// Below a real pcscd the card is torn away at every command of the whole dialogue,
// before and after it has carried the command out, with a wrong and with the right
// PIN: a try is spent only if the card has compared it, the fault is pin_uncertain exactly when
// the answer to VERIFY was lost, and card_lifted otherwise. (What the visit makes
// of it is tried in package kiosk, at every command too.)
func TestTearEverywhere(t *testing.T) {
	pcsctest.Start(t)
	drv := newDriver(t, pcsc.Options{})
	b := watched(t, drv)
	readers := []struct{ name, addr string }{{pcsctest.First, pcsctest.Addr}, {pcsctest.Second, pcsctest.SecondAddr}}
	// Two readers share the work: each case costs several looks of pcscd.
	var work sync.WaitGroup
	for i, reader := range readers {
		slot := cardtest.NewSlot()
		pcsctest.AttachTo(t, slot, reader.addr)
		work.Go(func() {
			for pin, least := range map[string]int{"9999": 12, "1234": 14} {
				at, torn := 0, true
				for ; torn && !t.Failed(); at++ {
					var err error
					if torn, err = tornSign(t.Context(), b, drv, slot, reader.name, pin, at, i == 1); err != nil {
						t.Errorf("PIN %s, at %d, after %t: %v", pin, at, i == 1, err)
					}
				}
				if at-1 < least {
					t.Errorf("PIN %s: the dialogue has %d commands", pin, at-1)
				}
			}
		})
	}
	work.Wait()
}

// watched runs the driver and pins up its states until the test ends.
func watched(t *testing.T, drv *pcsc.Driver) *board {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	b := &board{changed: make(chan struct{})}
	var running sync.WaitGroup
	running.Go(func() { _ = drv.Run(ctx) })
	running.Go(func() {
		for {
			select {
			case s := <-drv.Watch():
				b.pin(s)
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return b
}

// tornSign signs on a fresh card that is torn away at the n-th
// command. It reports whether the dialogue came that far.
func tornSign(ctx context.Context, b *board, drv *pcsc.Driver, slot *cardtest.Slot, reader, pin string, at int, after bool) (torn bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	name := fmt.Sprint("card ", at)
	mine := cardtest.NewJPKI(cardtest.TaroProfile())
	slot.TearAt(-1)
	slot.PutCard(name, mine)
	s, err := b.until(ctx, func(s card.State) bool { return on(s, reader).Number != 0 })
	if err != nil {
		return false, err
	}
	slot.ClearLog()
	if after {
		slot.TearAfter(at)
	} else {
		slot.TearAt(at)
	}
	conn, err := drv.Connect(ctx, on(s, reader).Number)
	if err != nil {
		return false, err
	}
	block, _ := pem.Decode(cardtest.RootPEM())
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false, err
	}
	err = asInAVisit(ctx, conn, jpki.Order{
		PIN: secret.New([]byte(pin)), MinTries: 1, Message: []byte("what is signed"),
		Judge: jpki.Judge{At: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Roots: []*x509.Certificate{root}},
	})
	code := fault.CodeOf(err)
	_ = conn.Close()
	log := slot.Log()
	if len(log) <= at {
		slot.Lift()
		if (pin == "9999") != (code == fault.PINWrong) || pin == "1234" && err != nil {
			return false, fmt.Errorf("without a tear: %w", err)
		}
		_, err = b.until(ctx, func(s card.State) bool { return on(s, reader).Number == 0 })
		return false, err
	}
	verify := log[at].INS == apdu.InsVerify && log[at].Bytes > 4
	want, left := fault.CardLifted, 3
	switch {
	case verify:
		want = fault.PINUncertain
		if after && pin == "9999" {
			left = 2
		}
	case log[at].Command == goodbye:
		want = "" // everything was done before
	}
	compared := 0
	for n, e := range log {
		if e.INS == apdu.InsVerify && e.Bytes > 4 && (n != at || after) {
			compared++
		}
	}
	if code != want || compared > 1 || mine.Verifications() != compared || mine.TriesLeft() != left {
		return true, fmt.Errorf("%s: fault %q, want %q; %d PINs compared, %d were sent whole; %d tries left",
			log[at].Command, code, want, mine.Verifications(), compared, mine.TriesLeft())
	}
	_, err = b.until(ctx, func(s card.State) bool { return on(s, reader).Number == 0 })
	return true, err
}

// asInAVisit identifies the card, reads it, and has it sign on the same connection.
func asInAVisit(ctx context.Context, conn card.Conn, order jpki.Order) error {
	s, err := jpki.Open(ctx, conn)
	if err != nil {
		return err
	}
	defer s.End(ctx)
	if _, err := s.Inspect(ctx, order.Judge); err != nil {
		return err
	}
	_, err = s.Sign(ctx, order)
	return err
}

// goodbye takes a verified PIN back.
const goodbye = "00 A4 04 0C A0000001510000"

// on is the card that lies on a reader and answers.
func on(s card.State, reader string) card.Lying {
	for _, c := range s.Cards {
		if c.Reader == reader && len(c.ATR) > 0 {
			return c
		}
	}
	return card.Lying{}
}
