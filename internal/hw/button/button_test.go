package button

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/internal/hw/board"
	"kioskd/internal/hw/board/boardtest"
)

var _ Lines = (*board.Board)(nil)

func TestDebounce(t *testing.T) {
	const hold = 30 * time.Millisecond
	type step struct {
		at      int // ms
		down    bool
		pressed bool
		next    int // ms
	}
	for name, steps := range map[string][]step{
		"a clean press": {{0, true, false, 30}, {30, true, true, 0}, {500, true, false, 0}, {600, false, false, 30}, {630, false, false, 0}},
		"it bounces on the way in": {
			{0, true, false, 30}, {2, false, false, 0}, {4, true, false, 30}, {5, false, false, 0}, {7, true, false, 30},
			{36, true, false, 1}, {37, true, true, 0},
		},
		"it bounces on the way out": {
			{0, true, false, 30}, {30, true, true, 0}, {100, false, false, 30}, {103, true, false, 0}, {105, false, false, 30}, {135, false, false, 0},
		},
		"a spike of the mains":   {{0, true, false, 30}, {5, false, false, 0}, {200, false, false, 0}},
		"twice":                  {{0, true, false, 30}, {30, true, true, 0}, {100, false, false, 30}, {130, false, false, 0}, {200, true, false, 30}, {230, true, true, 0}},
		"let go too short":       {{0, true, false, 30}, {30, true, true, 0}, {100, false, false, 30}, {110, true, false, 0}, {900, true, false, 0}},
		"told late, counts once": {{0, true, false, 30}, {900, true, true, 0}, {901, true, false, 0}},
	} {
		d := debouncer{hold: hold}
		start := time.Unix(0, 0)
		for _, s := range steps {
			pressed, next := d.see(s.down, start.Add(time.Duration(s.at)*time.Millisecond))
			if pressed != s.pressed || next != time.Duration(s.next)*time.Millisecond {
				t.Errorf("%s, at %d ms: pressed %t, next %v", name, s.at, pressed, next)
			}
		}
	}
}

func run(t *testing.T, b *boardtest.Board, low bool, play func(b *Button)) string {
	t.Helper()
	var log bytes.Buffer
	btn := New(b, Options{Line: "STAFF", ActiveLow: low, Log: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- btn.Run(ctx) }()
	synctest.Wait()
	play(btn)
	began := time.Now()
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) || time.Since(began) > glance {
		t.Errorf("Run ended with %v after %v", err, time.Since(began))
	}
	return log.String()
}

func pass(d time.Duration) {
	t := time.NewTimer(d)
	<-t.C
	synctest.Wait()
}

func pressed(b *Button) bool {
	synctest.Wait()
	select {
	case <-b.Pressed():
		return true
	default:
		return false
	}
}

func TestPresses(t *testing.T) {
	for _, low := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := boardtest.New("STAFF")
			line := b.Of("STAFF")
			run(t, b, low, func(btn *Button) {
				down := gpio.Level(!low)
				if want := map[bool]gpio.Pull{false: gpio.PullDown, true: gpio.PullUp}[low]; line.Pull() != want {
					t.Errorf("bias %v, want %v", line.Pull(), want)
				}
				if btn.Status().State != board.Ready || !line.Held() {
					t.Errorf("%+v", btn.Status())
				}
				pass(time.Minute)
				if pressed(btn) {
					t.Fatal("pressed by itself")
				}
				for range 3 { // it bounces
					line.Edge(down)
					pass(3 * time.Millisecond)
					line.Edge(!down)
					pass(2 * time.Millisecond)
				}
				line.Edge(down)
				pass(DefaultDebounce - time.Millisecond)
				if pressed(btn) {
					t.Error("counted too early")
				}
				pass(time.Millisecond)
				if !pressed(btn) {
					t.Error("not counted")
				}
				pass(10 * time.Second)
				line.Edge(!down)
				pass(time.Second)
				if pressed(btn) {
					t.Error("counted twice")
				}
				for range 3 { // nobody takes them
					line.Edge(down)
					pass(time.Second)
					line.Edge(!down)
					pass(time.Second)
				}
				if !pressed(btn) || pressed(btn) {
					t.Error("not exactly one is kept")
				}
			})
			if line.Held() {
				t.Error("the line is still held")
			}
		})
	}
}

// A contact that chatters is not news all the time.
func TestChatter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := boardtest.New("STAFF")
		calls := 0
		log := run(t, b, true, func(btn *Button) {
			for range 300 { // 18.6 s
				for _, level := range []gpio.Level{gpio.Low, gpio.High} {
					b.Of("STAFF").Edge(level)
					pass(DefaultDebounce + time.Millisecond)
				}
				if pressed(btn) {
					calls++
				}
			}
		})
		if said := strings.Count(log, "was pressed"); said != calls || calls < 15 || calls > 19 {
			t.Errorf("said %d times, called %d times", said, calls)
		}
	})
}

// A chip without interrupts: the line is read again and again, with the same rules.
func TestNoEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := boardtest.New("STAFF")
		line := b.Of("STAFF")
		line.Mute()
		run(t, b, true, func(btn *Button) {
			if s := btn.Status(); s.State != board.Ready || !line.Held() || line.Pull() != gpio.PullUp {
				t.Errorf("%+v, held %t, bias %v", s, line.Held(), line.Pull())
			}
			for range 3 { // it bounces
				line.Edge(gpio.Low)
				pass(DefaultDebounce - poll)
				line.Edge(gpio.High)
				pass(DefaultDebounce)
			}
			if pressed(btn) {
				t.Error("a bounce counts")
			}
			line.Edge(gpio.Low)
			pass(DefaultDebounce + poll)
			if !pressed(btn) {
				t.Error("a press does not count")
			}
			pass(time.Minute)
			line.Edge(gpio.High)
			pass(time.Second)
			b.Unplug("STAFF") // low, as if pressed
			pass(time.Second)
			if s := btn.Status(); s.State != board.Absent || pressed(btn) {
				t.Errorf("lost: %+v", s)
			}
		})
		if line.Held() {
			t.Error("the line is still held")
		}
	})
}

// A line that is missing, and one that is lost while it is read: low is "pressed"
// there, and must not call anybody.
func TestAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := boardtest.New()
		log := run(t, b, true, func(btn *Button) {
			pass(time.Minute)
			if s := btn.Status(); s.State != board.Absent || s.Hint == "" {
				t.Errorf("%+v", s)
			}
			b.Plug("STAFF")
			pass(again)
			if s := btn.Status(); s.State != board.Ready {
				t.Errorf("%+v", s)
			}
			b.Unplug("STAFF")
			pass(time.Minute)
			if s := btn.Status(); s.State != board.Absent {
				t.Errorf("%+v", s)
			}
			b.Plug("STAFF").Busy(true)
			pass(again)
			if s := btn.Status(); s.State != board.Failed {
				t.Errorf("%+v", s)
			}
			b.Of("STAFF").Busy(false)
			pass(again)
			b.Of("STAFF").Edge(gpio.Low)
			pass(time.Second)
			if !pressed(btn) || pressed(btn) {
				t.Error("not exactly one press")
			}
		})
		if strings.Count(log, "cannot be read") != 3 || strings.Count(log, "is back") != 2 {
			t.Errorf("log:\n%s", log)
		}
	})
}
