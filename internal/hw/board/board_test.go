package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/host/v3/gpioioctl"
)

// at makes a board of folders that the test fills.
func at(t *testing.T) *Board {
	t.Helper()
	b := New()
	b.dev, b.leds = t.TempDir(), t.TempDir()
	return b
}

// A machine without GPIO, as most are: a status with what to do, and no panic.
func TestNothingThere(t *testing.T) {
	b := at(t)
	b.Prepare()
	_, err := b.Line("LED_R")
	if s := StatusOf(err); s.State != Absent || s.Hint == "" || !strings.HasPrefix(err.Error(), "cannot open line LED_R: ") {
		t.Errorf("%v: %+v", err, s)
	}
	if !errors.Is(err, errNoChip) {
		t.Errorf("%v", err)
	}
	_, err = b.LED("red")
	if s := StatusOf(err); s.State != Absent || !strings.Contains(s.Hint, b.leds) {
		t.Errorf("%v: %+v", err, s)
	}
	if len(b.Lines()) != 0 || len(b.LEDs()) != 0 {
		t.Errorf("lines %v, LEDs %v", b.Lines(), b.LEDs())
	}
	if b.state != nil {
		t.Error("periph was started for nothing")
	}
}

// What stands for a change of the chips: another device, or other rights.
func TestInspect(t *testing.T) {
	b := at(t)
	files := []string{filepath.Join(b.dev, "gpiochip0"), filepath.Join(b.dev, "gpiochip1")}
	for _, file := range files {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, usable, twice := b.inspect(files)
	if usable != 2 || twice {
		t.Errorf("%d usable, twice %t", usable, twice)
	}
	if again, _, _ := b.inspect(files); again != before {
		t.Errorf("it changes by itself:\n%s\n%s", before, again)
	}
	if err := os.Remove(files[1]); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(files[0], files[1]); err != nil {
		t.Fatal(err)
	}
	if _, _, twice = b.inspect(files); !twice {
		t.Error("a chip with two names is not seen")
	}
	if err := os.Remove(files[1]); err != nil {
		t.Fatal(err)
	}
	if after, _, _ := b.inspect(files[:1]); after == before {
		t.Error("a chip that left is not seen")
	}
	if none, usable, _ := b.inspect([]string{filepath.Join(b.dev, "gone")}); none != "" || usable != 0 {
		t.Errorf("%q, %d", none, usable)
	}
}

// udev touches a device at every event: that is neither another chip nor a lost one.
func TestTouched(t *testing.T) {
	b := at(t)
	file := filepath.Join(b.dev, "gpiochip0")
	write := func(path string) {
		t.Helper()
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	h := held{name: "X", chip: file, info: info}
	before, _, _ := b.inspect([]string{file})
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(file, later, later); err != nil {
		t.Fatal(err)
	}
	if after, _, _ := b.inspect([]string{file}); after != before || !h.Present() {
		t.Errorf("present %t,\n%s\n%s", h.Present(), before, after)
	}
	write(file + ".new") // so that it is another file for sure
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	if after, _, _ := b.inspect([]string{file}); after == before || h.Present() {
		t.Errorf("another one: present %t,\n%s\n%s", h.Present(), before, after)
	}
}

// periph closes descriptor 0 where a chip has two names. It must be nobody's.
func TestStopgap(t *testing.T) {
	save, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(unix.Dup2(save, 0), unix.Close(save)); err != nil {
			t.Error(err)
		}
	}()
	open := func() error { return unix.Fstat(0, &unix.Stat_t{}) }
	if err := unix.Close(0); err != nil {
		t.Fatal(err)
	}
	b := at(t)
	b.start = func() (*driverreg.State, error) {
		if err := open(); err != nil {
			t.Errorf("when periph starts: %v", err)
		}
		(&gpioioctl.GPIOChip{}).Close() // as periph does with the second name
		if open() == nil {
			t.Error("periph has changed: is this still needed?")
		}
		return &driverreg.State{}, nil
	}
	if first, err := b.begin(); !first || err != nil {
		t.Fatal(first, err)
	}
	if err := open(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// By its name, and behind that of its chip, whichever of them periph calls it.
func TestFits(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       bool
	}{
		{"LED_R", "LED_R", true},
		{"LED_R", "gpiochip1-LED_R", true},
		{"gpiochip1-LED_R", "LED_R", true},
		{"gpiochip1-LED_R", "gpiochip1-LED_R", true},
		{"gpiochip0-LED_R", "LED_R", false},
		{"LED_G", "LED_R", false},
		{"", "", false},
	} {
		if got := fits(c.name, "gpiochip1", c.line); got != c.want {
			t.Errorf("%+v", c)
		}
	}
}

func TestAmong(t *testing.T) {
	for want, names := range map[string][]string{
		"ls: none has a name": nil,
		"ls: a, b":            {"a", "b"},
		"ls: a, b, c, d, e, f, g, h, i, j, k, l and 2 more": strings.Split("abcdefghijklmn", ""),
	} {
		if got := among("ls", names); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestStatus(t *testing.T) {
	if s := StatusOf(nil); s != (Status{State: Ready}) {
		t.Errorf("%+v", s)
	}
	if s := StatusOf(os.ErrClosed); s.State != Failed || s.Cause == "" {
		t.Errorf("%+v", s)
	}
	for want, states := range map[State][]State{
		Ready: {Ready, Ready}, Waiting: {Ready, Waiting}, Absent: {Waiting, Absent, Ready}, Failed: {Absent, Failed},
	} {
		if got := Worst(states...); got != want {
			t.Errorf("the worst of %v is %s", states, got)
		}
	}
	if Worst() != Ready {
		t.Error("nothing is not ready")
	}
}

// kernel writes what periph's sysfs.LED would, in its own way of rounding.
type kernel struct {
	*gpiotest.Pin
	file string
	fail error
}

func (k kernel) PWM(d gpio.Duty, _ physic.Frequency) error {
	if k.fail != nil {
		return k.fail
	}
	v := (d + gpio.DutyMax/512) / (gpio.DutyMax / 256)
	return os.WriteFile(k.file, []byte(strconv.Itoa(int(v))), 0o600)
}

// folder makes an LED as the kernel shows it.
func folder(t *testing.T, top, triggers string) (string, kernel) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "red:status")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"brightness": "77\n", "max_brightness": top, "trigger": triggers} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, kernel{Pin: &gpiotest.Pin{N: "red:status"}, file: filepath.Join(dir, "brightness")}
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

func TestLED(t *testing.T) {
	dir, out := folder(t, "100\n", "none rc-feedback [heartbeat] timer\n")
	l, err := take(dir, "red:status", out)
	if err != nil {
		t.Fatal(err)
	}
	// A regular file keeps what was longer; the kernel's does not.
	if got := content(t, dir, "trigger"); !strings.HasPrefix(got, "none") || content(t, dir, "brightness") != "0" {
		t.Errorf("taken over: trigger %q, brightness %q", got, content(t, dir, "brightness"))
	}
	for set, want := range map[int]string{0: "0", 1: "1", 50: "50", 100: "100", 300: "100", -1: "0"} {
		if err := l.Set(set); err != nil || content(t, dir, "brightness") != want {
			t.Errorf("%d: %q, %v", set, content(t, dir, "brightness"), err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir, "trigger"); !strings.HasPrefix(got, "heartbeat") || content(t, dir, "brightness") != "0" {
		t.Errorf("given back: trigger %q, brightness %q", got, content(t, dir, "brightness"))
	}
}

func TestLEDShapes(t *testing.T) {
	for _, c := range []struct{ top, triggers, written string }{
		{"1", "[none] timer", "1"},
		{"255", "", "255"}, // a kernel without triggers
		{"65535", "nonsense", "32767"},
	} {
		dir, out := folder(t, c.top, c.triggers)
		l, err := take(dir, "x", out)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Set(l.Max()); err != nil || content(t, dir, "brightness") != c.written {
			t.Errorf("%+v: %q, %v", c, content(t, dir, "brightness"), err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// What periph may not write it would open to be read only, for good.
func TestLEDWithoutRights(t *testing.T) {
	dir, out := folder(t, "255", "none [timer]")
	file := filepath.Join(dir, "brightness")
	if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil { // root may write all but this
		t.Fatal(err)
	}
	out.fail = errors.New("periph was asked")
	if _, err := take(dir, "x", out); StatusOf(err).State != Failed || StatusOf(err).Hint != hintLED || errors.Is(err, out.fail) {
		t.Errorf("%v", err)
	}
	if got := content(t, dir, "trigger"); got != "none [timer]" {
		t.Errorf("trigger %q", got)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("9"), 0o600); err != nil {
		t.Fatal(err)
	}
	out.fail = nil
	if _, err := take(dir, "x", out); err != nil {
		t.Errorf("with rights: %v", err)
	}
}

// An LED that takes its time holds up nobody else.
func TestLEDHangs(t *testing.T) {
	b := at(t)
	dir, out := folder(t, "", "[none]")
	b.leds = filepath.Dir(dir)
	b.find = func(string, os.FileInfo) (gpio.PinOut, error) { return out, nil }
	pipe := filepath.Join(dir, "max_brightness")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := b.LED(filepath.Base(dir))
		done <- err
	}()
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0) // until it is being read
	if err != nil {
		t.Fatal(err)
	}
	if !b.mu.TryLock() {
		t.Error("the board is locked meanwhile")
	} else {
		b.mu.Unlock()
	}
	_, err = w.WriteString("255\n")
	if err := errors.Join(err, w.Close(), <-done); err != nil {
		t.Error(err)
	}
}

func TestLEDTrouble(t *testing.T) {
	for _, top := range []string{"0", "bright", ""} {
		dir, out := folder(t, top, "[none]")
		if _, err := take(dir, "x", out); StatusOf(err).State != Failed || !strings.HasPrefix(err.Error(), "cannot open LED x: ") {
			t.Errorf("max_brightness %q: %v", top, err)
		}
	}
	dir, out := folder(t, "255", "[timer]")
	out.fail = fmt.Errorf("write: %w", os.ErrPermission)
	_, err := take(dir, "x", out)
	if s := StatusOf(err); s.State != Failed || s.Hint != hintLED || !errors.Is(err, os.ErrPermission) {
		t.Errorf("%v: %+v", err, s)
	}
	out.fail = nil
	l, err := take(dir, "x", out)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if s := StatusOf(l.Set(1)); s.State != Absent {
		t.Errorf("an LED that left: %+v", s)
	}
}
