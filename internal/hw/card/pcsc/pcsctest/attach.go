package pcsctest

import (
	"context"
	"testing"
	"time"

	"kioskd/internal/hw/card/cardtest"
)

// Start runs a pcscd for this test.
func Start(t testing.TB) *Service {
	t.Helper()
	s, err := New(t.TempDir())
	if err == nil {
		err = s.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Restart starts pcscd again after Kill or Stop.
func (s *Service) Restart(t testing.TB) {
	t.Helper()
	if err := s.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// Attach puts the slot below the first virtual reader until the test ends.
func Attach(t testing.TB, slot *cardtest.Slot) *cardtest.VPCD {
	t.Helper()
	return AttachTo(t, slot, Addr)
}

// AttachTo puts the slot below the virtual reader with this address.
func AttachTo(t testing.TB, slot *cardtest.Slot, addr string) *cardtest.VPCD {
	t.Helper()
	v := cardtest.NewVPCD(slot, addr)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = v.Run(ctx) // it ends with ctx and only then
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Error("the virtual card does not end")
		}
	})
	return v
}
