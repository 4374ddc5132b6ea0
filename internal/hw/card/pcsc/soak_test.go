package pcsc_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/pcsc"
	"kioskd/internal/hw/card/pcsc/pcsctest"
)

// number reads how much of something is to be done.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number", variable, text)
	}
	return n
}

// board is where the watcher's word is pinned, for several who wait for it.
type board struct {
	mu      sync.Mutex
	state   card.State
	changed chan struct{}
}

func (b *board) pin(s card.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = s
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *board) until(ctx context.Context, want func(card.State) bool) (card.State, error) {
	for {
		b.mu.Lock()
		s, changed := b.state, b.changed
		b.mu.Unlock()
		if want(s) {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s, fmt.Errorf("the state does not come; last was %+v", s)
		}
	}
}

// holdings is what a leak would make grow.
type holdings struct {
	goroutines, files int
	heap, resident    float64 // MiB
}

func held(t *testing.T) holdings {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	var kib float64
	if m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status); m != nil {
		kib, _ = strconv.ParseFloat(string(m[1]), 64)
	}
	return holdings{runtime.NumGoroutine(), len(files), float64(m.HeapAlloc) / (1 << 20), kib / 1024}
}

// Cards come and go on two readers, pcscd is killed in between, and nothing is
// left of it: no goroutine, no file, no memory. Each insertion costs pcscd two
// looks of 0.4 s, so `make test` does a few and `make soak-card` ten thousand.
func TestSoak(t *testing.T) {
	inserts, restarts := number(t, "KIOSKD_SOAK_INSERTS", 16), number(t, "KIOSKD_SOAK_RESTARTS", 3)
	service := pcsctest.Start(t)
	slots := []*cardtest.Slot{cardtest.NewSlot(), cardtest.NewSlot()}
	pcsctest.AttachTo(t, slots[0], pcsctest.Addr)
	pcsctest.AttachTo(t, slots[1], pcsctest.SecondAddr)
	names := []string{pcsctest.First, pcsctest.Second}

	drv := newDriver(t, pcsc.Options{Debounce: 50 * time.Millisecond})
	ctx, b := t.Context(), watched(t, drv)

	rounds := restarts + 1
	each := max(inserts/(rounds*len(slots)), 1)
	var first holdings
	done := 0
	for round := range rounds {
		var hands sync.WaitGroup
		for i, slot := range slots {
			hands.Go(func() {
				for n := range each {
					if err := comeAndGo(ctx, b, drv, slot, names[i], []string{"taro", "hanako", "waon-1"}[n%3]); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		hands.Wait()
		done += each * len(slots)
		if t.Failed() {
			return
		}
		if round == rounds/4 {
			first = held(t)
		}
		if round == rounds-1 {
			break
		}
		service.Kill()
		if _, err := b.until(limited(t, ctx), func(s card.State) bool { return !s.Ready() }); err != nil {
			t.Fatal(err)
		}
		service.Restart(t)
		if _, err := b.until(limited(t, ctx), func(s card.State) bool { return len(s.Readers) == 2 }); err != nil {
			t.Fatal(err)
		}
	}
	last := held(t)
	t.Logf("%d insertions, %d restarts of pcscd; after a quarter %+v, at the end %+v", done, restarts, first, last)
	if last.goroutines > first.goroutines || last.files > first.files {
		t.Errorf("goroutines %d, then %d; files %d, then %d", first.goroutines, last.goroutines, first.files, last.files)
	}
	if last.heap > first.heap+4 || last.resident > first.resident+16 {
		t.Errorf("memory grows: %+v, then %+v", first, last)
	}
}

func limited(t *testing.T, ctx context.Context) context.Context { //nolint:revive // t comes first in tests
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	return ctx
}

// comeAndGo lays a card, talks to it, and takes it away.
func comeAndGo(ctx context.Context, b *board, drv *pcsc.Driver, slot *cardtest.Slot, reader, persona string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := slot.Put(persona); err != nil {
		return err
	}
	for {
		s, err := b.until(ctx, func(s card.State) bool { return on(s, reader).Number != 0 })
		if err != nil {
			return err
		}
		err = use(ctx, drv, on(s, reader).Number)
		if err == nil {
			break
		}
		// A machine that stalls may let vpcd lose the card for a moment: whoever asks
		// for it again finds it, under another number.
		if number := on(s, reader).Number; fault.CodeOf(err) == fault.CardLifted {
			if _, err := b.until(ctx, func(s card.State) bool { return on(s, reader).Number != number }); err != nil {
				return err
			}
			continue
		}
		return err
	}
	slot.Lift()
	_, err := b.until(ctx, func(s card.State) bool { return on(s, reader).Number == 0 })
	return err
}

// use talks to a card.
func use(ctx context.Context, drv *pcsc.Driver, number uint64) error {
	conn, err := drv.Connect(ctx, number)
	if err != nil {
		return err
	}
	_, err = conn.Transmit(ctx, selectJPKI)
	if closing := conn.Close(); err == nil {
		err = closing
	}
	return err
}
