package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/host/v3/sysfs"
)

// LED is an LED that the kernel drives and this program has taken over. It is used
// from one goroutine.
type LED interface {
	// Max is the highest brightness. 1 says that it is on or off.
	Max() int
	// Set makes it as bright as wanted, 0 to Max.
	Set(brightness int) error
	// Close makes it dark and gives it back to the trigger that it had.
	Close() error
}

// LED takes an LED over: its trigger is taken away and it is made dark. The error
// is an [*Error].
func (b *Board) LED(name string) (LED, error) {
	op := "open LED " + name
	folder := filepath.Join(b.leds, name)
	info, err := os.Stat(folder)
	if err != nil {
		return nil, &Error{
			Op: op, State: Absent, Cause: fmt.Errorf("there is no LED named %s", name),
			Hint: among("ls "+b.leds+" lists the LEDs", b.LEDs()),
		}
	}
	b.mu.Lock()
	out, err := b.find(name, info)
	b.mu.Unlock() // an LED may take its time
	if err != nil {
		return nil, withOp(op, err)
	}
	return take(folder, name, out)
}

// LEDs names the LEDs that there are.
func (b *Board) LEDs() []string {
	entries, err := os.ReadDir(b.leds)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// led has periph's LED. It keeps a file open for each that it has found, so it
// looks again only when the LED is another one than was lent before. The lock is held.
func (b *Board) led(name string, info os.FileInfo) (gpio.PinOut, error) {
	first, err := b.begin()
	if err != nil {
		return nil, err
	}
	before, lent := b.lent[name]
	led := newest(name)
	if !first && (led == nil || lent && !os.SameFile(before, info)) {
		b.again(ledDriver)
		led = newest(name)
	}
	if led == nil {
		return nil, &Error{State: Failed, Cause: errors.New("periph does not find it")}
	}
	b.lent[name] = info
	return led, nil
}

func newest(name string) *sysfs.LED {
	for _, led := range slices.Backward(sysfs.LEDs) {
		if led.Name() == name {
			return led
		}
	}
	return nil
}

// taken is an LED in use.
type taken struct {
	folder, name string
	out          gpio.PinOut
	max          int
	trigger      string // that it had
}

const (
	hintLED   = "let kioskd's user write to it: docs/OPERATIONS.md has a udev rule"
	noTrigger = "none"
)

// take makes an LED ours. A trigger goes first: it would go on changing what is set.
func take(folder, name string, out gpio.PinOut) (*taken, error) {
	t := &taken{folder: folder, name: name, out: out}
	raw, err := os.ReadFile(filepath.Join(folder, "max_brightness"))
	if err == nil {
		t.max, err = strconv.Atoi(strings.TrimSpace(string(raw)))
	}
	t.max = min(t.max, widest)
	if err == nil && t.max < 1 {
		err = fmt.Errorf("its highest brightness is %d", t.max)
	}
	if err != nil {
		return nil, t.failed("open", err)
	}
	// Where periph may not write, it opens the file to be read only, for good.
	if err := t.writable(); err != nil {
		return nil, t.failed("open", err)
	}
	// A kernel without triggers has no such file.
	triggers, err := os.ReadFile(filepath.Join(folder, "trigger"))
	if err == nil {
		t.trigger = current(string(triggers))
		err = t.write(noTrigger)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, t.failed("open", err)
	}
	if err := t.Set(0); err != nil {
		return nil, err
	}
	return t, nil
}

// current finds the trigger in brackets: "none [heartbeat] timer".
func current(list string) string {
	_, rest, _ := strings.Cut(list, "[")
	name, _, ok := strings.Cut(rest, "]")
	if !ok {
		return noTrigger
	}
	return name
}

func (t *taken) writable() error {
	f, err := os.OpenFile(filepath.Join(t.folder, "brightness"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

func (t *taken) write(trigger string) error {
	f, err := os.OpenFile(filepath.Join(t.folder, "trigger"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(trigger)
	return errors.Join(err, f.Close())
}

// Max implements LED.
func (t *taken) Max() int { return t.max }

// widest is the highest brightness that fits through periph: an LED that can do
// more is not driven brighter.
const widest = 32767

// Set implements LED. periph takes a duty cycle and writes it as 0 to 255 whatever
// the LED can do, so the duty here is the one by which it writes the number wanted.
func (t *taken) Set(brightness int) error {
	duty := gpio.Duty(min(max(brightness, 0), t.max)) * (gpio.DutyMax / 256)
	if err := t.out.PWM(duty, physic.KiloHertz); err != nil {
		return t.failed("set", err)
	}
	return nil
}

func (t *taken) failed(op string, err error) error {
	e := &Error{Op: op + " LED " + t.name, State: Failed, Cause: err, Hint: hintLED}
	if _, gone := os.Stat(t.folder); gone != nil {
		e.State, e.Hint = Absent, ""
	}
	return e
}

// Close implements LED.
func (t *taken) Close() error {
	err := t.Set(0)
	if t.trigger != "" && t.trigger != noTrigger {
		if back := t.write(t.trigger); back != nil {
			err = errors.Join(err, t.failed("give back", back))
		}
	}
	return err
}
