package hub

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// What ended together is forgotten together, a second later; what ends meanwhile is
// forgotten next, but a hub that takes long over it does so seldom.
func TestForgetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		f := NewForgetter(func() {
			at = append(at, time.Since(began))
			tick := time.NewTimer(100 * time.Millisecond)
			<-tick.C
		}, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); f.Run(ctx) }()
		after := func(d time.Duration) {
			<-time.NewTimer(d).C
			synctest.Wait()
		}
		after(time.Minute)
		if len(at) != 0 {
			t.Errorf("nothing has ended, and it is forgotten at %v", at)
		}
		f.Ring()
		f.Ring()
		after(1050 * time.Millisecond) // it is being done
		f.Ring()
		f.Ring()
		after(10 * time.Second)
		// One second after the first; then it took 0.1 s, rests 2 s, and waits another second.
		want := []time.Duration{61 * time.Second, 64*time.Second + 100*time.Millisecond}
		if len(at) != 2 || at[0] != want[0] || at[1] != want[1] {
			t.Errorf("forgotten after %v, not %v", at, want)
		}
		f.Ring()
		synctest.Wait()
		stop()
		<-ended
		if len(at) != 2 {
			t.Errorf("forgotten after %v: it was told to end", at)
		}
	})
}

// The forgetter learns of the end of connections that carried a shopper's call, once,
// and of no others.
func TestDoorTellsWhatWasEntrusted(t *testing.T) {
	left := 0
	d := &Door{Log: slog.New(slog.DiscardHandler), Left: func() { left++ }}
	for _, carried := range []bool{false, true} {
		ours, theirs := net.Pipe()
		c := d.enter(ours)
		ctx := context.WithValue(t.Context(), doorKey{}, c)
		if carried {
			entrusted(ctx)
		}
		for range 2 { // a server may close it again
			_ = c.Close()
		}
		_ = theirs.Close()
	}
	if left != 1 {
		t.Errorf("told %d times", left)
	}
	entrusted(t.Context()) // without a door
}
