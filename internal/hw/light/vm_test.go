package light_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"

	"kioskd/internal/hw/board"
	"kioskd/internal/hw/light"
	"kioskd/internal/hw/light/fixture"
)

// These tests run where the kernel simulates a GPIO chip: see tools/vm.

// machine is what the virtual machine has, seen from below the driver.
type machine struct {
	*testing.T
	gpio string
}

func inVM(t *testing.T) machine {
	t.Helper()
	if os.Getenv("KIOSKD_VM") != "1" {
		t.Skip("needs simulated GPIO: make test-vm")
	}
	return machine{t, os.Getenv("KIOSKD_VM_GPIO")}
}

// vmLines are the lines of the simulated chip, by their number.
func vmLines() []string {
	return []string{"LED_R", "LED_G", "LED_B", "LED_W", "BUZZER", "STAFF", "SPARE6", "SPARE7"}
}

// level is what the simulated chip says that a line is at.
func (m machine) level(line string) int {
	m.Helper()
	i := slices.Index(vmLines(), line)
	raw, err := os.ReadFile(filepath.Join(m.gpio, "sim_gpio"+strconv.Itoa(i), "value"))
	if err != nil {
		m.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		m.Fatal(err)
	}
	return n
}

// levels are those of several lines, as "0110".
func (m machine) levels(lines ...string) string {
	m.Helper()
	all := ""
	for _, line := range lines {
		all += strconv.Itoa(m.level(line))
	}
	return all
}

// until waits for something to become so.
func (m machine) until(about string, is func() bool) {
	m.Helper()
	limit := time.NewTimer(15 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit.C:
			m.Fatalf("in vain: %s", about)
		}
	}
}

// play runs an engine on a lamp until f returns.
func (m machine) play(lamp light.Lamp, f func(e *light.Engine)) {
	m.Helper()
	e := light.NewEngine(lamp, slog.New(slog.NewTextHandler(m.Output(), nil)))
	ctx, stop := context.WithCancel(m.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	f(e)
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		m.Errorf("Run ended with %v", err)
	}
}

func vmWires() []fixture.Wire {
	return []fixture.Wire{
		{Element: light.RedElement, Name: "LED_R"}, {Element: light.GreenElement, Name: "LED_G"},
		{Element: light.BlueElement, Name: "LED_B"}, {Element: light.WhiteElement, Name: "LED_W"},
	}
}

func TestVMColours(t *testing.T) {
	m := inVM(t)
	for _, low := range []bool{false, true} {
		lamp := fixture.GPIO(board.New(), vmWires(), low)
		at := func() string {
			all := m.levels("LED_R", "LED_G", "LED_B", "LED_W")
			if low {
				all = strings.NewReplacer("0", "1", "1", "0").Replace(all)
			}
			return all
		}
		m.play(lamp, func(e *light.Engine) {
			for _, c := range []struct {
				signal light.Signal
				want   string
			}{
				{light.Idle, "0010"}, {light.Working, "0001"}, {light.Done, "0100"}, {light.StaffWanted, "1100"},
				{light.OutOfService, "1000"}, {light.Identify, "0001"}, {light.LookAtScreen, "1100"},
			} {
				e.Show(c.signal)
				m.until(string(c.signal)+" shows as "+c.want, func() bool { return at() == c.want })
			}
			for _, p := range lamp.Parts() {
				if p.State != board.Ready {
					t.Errorf("%+v", p)
				}
			}
		})
		// The simulated chip lets a line that was given back fall to low, whatever it
		// was. That is dark for one kind of wiring only, and why the other wants a
		// resistor.
		if !low && at() != "0000" {
			t.Errorf("left at %s", at())
		}
	}
}

// The rhythm arrives at the pin.
func TestVMRhythm(t *testing.T) {
	m := inVM(t)
	m.play(fixture.GPIO(board.New(), vmWires(), false), func(e *light.Engine) {
		e.Show(light.Identify)
		m.until("identify begins", func() bool { return m.level("LED_W") == 1 })
		rises, before := 0, 1
		end := time.NewTimer(4 * time.Second)
		defer end.Stop()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for watching := true; watching; {
			select {
			case <-tick.C:
				if now := m.level("LED_W"); now != before {
					rises, before = rises+now, now
				}
			case <-end.C:
				watching = false
			}
		}
		if rises < 7 || rises > 12 { // 10 in a world without load
			t.Errorf("%d flashes in 4 s", rises)
		}
	})
}

// What an earlier run has left on is dark before anything is shown.
func TestVMAfterACrash(t *testing.T) {
	m := inVM(t)
	line, err := board.New().Line("LED_G")
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Out(gpio.High); err != nil || m.level("LED_G") != 1 {
		t.Fatalf("level %d, %v", m.level("LED_G"), err)
	}
	line.Close() // as the kernel does with a process that dies
	t.Logf("a line that was given back while high is at %d", m.level("LED_G"))
	m.play(fixture.GPIO(board.New(), vmWires(), false), func(e *light.Engine) {
		e.Show(light.OutOfService)
		m.until("green is dark and red shines", func() bool { return m.levels("LED_R", "LED_G") == "10" })
	})
}

func TestVMMissingAndBusy(t *testing.T) {
	m := inVM(t)
	b := board.New()
	if !slices.Contains(b.Lines(), "SPARE6") {
		t.Errorf("lines %q", b.Lines())
	}
	var held *gpioioctl.LineSet
	for _, chip := range gpioioctl.Chips {
		if chip.ByName("SPARE6") != nil {
			var err error
			if held, err = chip.LineSet(gpioioctl.LineOutput, gpio.NoEdge, gpio.PullNoChange, "SPARE6"); err != nil {
				t.Fatal(err)
			}
		}
	}
	lamp := fixture.GPIO(b, []fixture.Wire{
		{Element: light.RedElement, Name: "NOWHERE"}, {Element: light.GreenElement, Name: "SPARE6"}, {Element: light.BlueElement, Name: "SPARE7"},
	}, false)
	states := func() (all []board.State) {
		for _, p := range lamp.Parts() {
			all = append(all, p.State)
		}
		return all
	}
	m.play(lamp, func(e *light.Engine) {
		e.Show(light.Identify)
		m.until("one is missing, one is busy", func() bool {
			return slices.Equal(states(), []board.State{board.Absent, board.Failed, board.Ready})
		})
		for _, p := range lamp.Parts() {
			t.Logf("%s: %s: %s (%s)", p.Name, p.State, p.Cause, p.Hint)
		}
		m.until("the other stands in", func() bool { return m.level("SPARE7") == 1 })
		if err := held.Close(); err != nil {
			t.Fatal(err)
		}
		m.until("the busy one is found again", func() bool {
			return slices.Equal(states(), []board.State{board.Absent, board.Ready, board.Ready})
		})
	})
}

// simChip is a chip of the kernel's that can be plugged in and out.
type simChip struct {
	machine
	folder string
}

func (c simChip) write(file, text string) {
	c.Helper()
	if err := os.WriteFile(filepath.Join(c.folder, file), []byte(text), 0); err != nil {
		c.Fatal(err)
	}
}

func (m machine) chip(name, line string) simChip {
	m.Helper()
	c := simChip{m, filepath.Join("/sys/kernel/config/gpio-sim", name)}
	if err := os.MkdirAll(filepath.Join(c.folder, "bank", "line0"), 0o700); err != nil {
		m.Fatal(err)
	}
	c.write("bank/num_lines", "1")
	c.write("bank/line0/name", line)
	m.Cleanup(func() {
		if live, _ := os.ReadFile(filepath.Join(c.folder, "live")); strings.TrimSpace(string(live)) == "1" {
			c.write("live", "0")
		}
		for _, dir := range []string{"bank/line0", "bank", "."} {
			if err := os.Remove(filepath.Join(c.folder, dir)); err != nil {
				m.Error(err)
			}
		}
	})
	return c
}

// value is the level of the chip's line.
func (c simChip) value() string {
	c.Helper()
	read := func(file string) string {
		raw, err := os.ReadFile(file)
		if err != nil {
			c.Fatal(err)
		}
		return strings.TrimSpace(string(raw))
	}
	device, chip := read(filepath.Join(c.folder, "dev_name")), read(filepath.Join(c.folder, "bank", "chip_name"))
	return read(filepath.Join("/sys/devices/platform", device, chip, "sim_gpio0", "value"))
}

// An adapter is plugged in after the start, pulled out while a light shines, and
// plugged in again. The lights on other chips do not notice.
func TestVMHotplug(t *testing.T) {
	m := inVM(t)
	lamp := fixture.GPIO(board.New(), []fixture.Wire{
		{Element: light.AmberElement, Name: "HOT"}, {Element: light.RedElement, Name: "SPARE7"},
	}, false)
	states := func() string {
		p := lamp.Parts()
		return string(p[0].State) + " " + string(p[1].State)
	}
	c := m.chip("hot", "HOT")
	m.play(lamp, func(e *light.Engine) {
		e.Show(light.StaffWanted)
		m.until("it is missing", func() bool { return states() == "absent ready" })
		for range 2 {
			m.until("red stands in", func() bool { return m.level("SPARE7") == 1 })
			c.write("live", "1")
			m.until("it is there", func() bool { return states() == "ready ready" })
			m.until("it shines", func() bool { return c.value() == "1" })
			if m.level("SPARE7") != 0 {
				t.Error("red still stands in")
			}
			c.write("live", "0")
			m.until("it is gone", func() bool { return states() == "absent ready" })
		}
	})
	if m.level("SPARE7") != 0 {
		t.Error("left on")
	}
}

func TestVMLEDs(t *testing.T) {
	m := inVM(t)
	names := strings.FieldsFunc(os.Getenv("KIOSKD_VM_LEDS"), func(r rune) bool { return r == ',' })
	if len(names) == 0 {
		t.Fatal("the machine of make test-vm names no LED in KIOSKD_VM_LEDS")
	}
	b := board.New()
	for _, name := range names {
		folder := filepath.Join("/sys/class/leds", name)
		read := func(file string) string {
			raw, err := os.ReadFile(filepath.Join(folder, file))
			if err != nil {
				t.Fatal(err)
			}
			return strings.TrimSpace(string(raw))
		}
		trigger := read("trigger")
		m.play(fixture.LEDs(b, []fixture.Wire{{Element: light.AmberElement, Name: name}}), func(e *light.Engine) {
			e.Show(light.StaffWanted)
			m.until(name+" is bright", func() bool { return read("brightness") == read("max_brightness") })
			m.until(name+" is dark", func() bool { return read("brightness") == "0" })
			if strings.Contains(trigger, "[") && !strings.Contains(read("trigger"), "[none]") {
				t.Errorf("%s: trigger %s", name, read("trigger"))
			}
		})
		if read("brightness") != "0" || read("trigger") != trigger {
			t.Errorf("%s: left at %s, trigger %s, was %s", name, read("brightness"), read("trigger"), trigger)
		}
	}
	if _, err := b.LED("nowhere"); board.StatusOf(err).State != board.Absent {
		t.Errorf("an LED that is not there: %v", err)
	}
}
