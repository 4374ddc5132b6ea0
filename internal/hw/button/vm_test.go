package button

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kioskd/internal/hw/board"
)

// TestVMLost pulls the chip out under the button: its line reads low from then on,
// which is "pressed" here and must not call anybody.
func TestVMLost(t *testing.T) {
	if os.Getenv("KIOSKD_VM") != "1" {
		t.Skip("needs simulated GPIO: make test-vm")
	}
	folder := "/sys/kernel/config/gpio-sim/button"
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(folder, "bank", "line0"), 0o700); err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, dir := range []string{"bank/line0", "bank", "."} {
			if err := os.Remove(filepath.Join(folder, dir)); err != nil {
				t.Error(err)
			}
		}
	}()
	write("bank/num_lines", "1")
	write("bank/line0/name", "CALL")
	b := New(board.New(), Options{Line: "CALL", ActiveLow: true, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	until := func(want board.State) {
		t.Helper()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for tries := 0; b.Status().State != want; tries++ {
			if <-tick.C; tries > 2000 {
				t.Fatalf("%+v", b.Status())
			}
		}
	}
	until(board.Absent)
	for range 2 {
		write("live", "1")
		until(board.Ready)
		write("live", "0")
		until(board.Absent)
	}
	stop()
	<-done
	if len(b.Pressed()) > 0 {
		t.Error("it has called staff")
	}
}

// TestVMButton presses the button of a simulated GPIO chip: see tools/vm.
func TestVMButton(t *testing.T) {
	if os.Getenv("KIOSKD_VM") != "1" {
		t.Skip("needs simulated GPIO: make test-vm")
	}
	// STAFF is the line with number 5.
	pull := func(to string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(os.Getenv("KIOSKD_VM_GPIO"), "sim_gpio5", "pull"), []byte(to), 0); err != nil {
			t.Fatal(err)
		}
	}
	wait := func(d time.Duration, b *Button) bool {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-b.Pressed():
			return true
		case <-timer.C:
			return false
		}
	}
	for _, c := range []struct {
		low      bool
		down, up string
	}{{true, "pull-down", "pull-up"}, {false, "pull-up", "pull-down"}} {
		pull(c.up)
		b := New(board.New(), Options{Line: "STAFF", ActiveLow: c.low, Debounce: 50 * time.Millisecond, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		tick := time.NewTicker(5 * time.Millisecond)
		for tries := 0; b.Status().State != board.Ready; tries++ {
			if <-tick.C; tries > 1000 {
				t.Fatalf("%+v", b.Status())
			}
		}
		tick.Stop()
		if wait(300*time.Millisecond, b) {
			t.Error("pressed by itself")
		}
		for range 5 { // it bounces
			pull(c.down)
			pull(c.up)
		}
		if wait(300*time.Millisecond, b) {
			t.Error("a bounce counts")
		}
		for range 2 {
			pull(c.down)
			if !wait(5*time.Second, b) {
				t.Error("a press does not count")
			}
			pull(c.up)
			if wait(rest, b) {
				t.Error("letting go counts")
			}
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	}
}
