package board

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"
)

// Line is a GPIO line. It belongs to this program from the first Out or In until
// Close. Out, In and WaitForEdge are called from one goroutine.
type Line interface {
	gpio.PinIO
	// Present says whether the chip is still the one that the line was found on.
	// A line of a chip that is gone reads low.
	Present() bool
	// Close gives the line back. The kernel promises no level from then on.
	Close()
}

// Line finds a line by its name, or by its name behind that of its chip, as in
// "gpiochip1-LED_R", where several chips have one of that name. It does not
// request it: that is what the first In or Out does. The error is an [*Error].
func (b *Board) Line(name string) (Line, error) {
	op := "open line " + name
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.scan(); err != nil {
		return nil, withOp(op, err)
	}
	for _, chip := range chips(b.chipAt) {
		for _, line := range chip.Lines() {
			if fits(name, chip.Name(), line.Name()) {
				info, err := os.Stat(chip.Path())
				if err != nil {
					return nil, &Error{Op: op, State: Absent, Cause: err, Hint: hintChip}
				}
				return held{line, name, chip.Path(), info}, nil
			}
		}
	}
	return nil, &Error{
		Op: op, State: Absent, Cause: fmt.Errorf("no chip has a line named %s", name),
		Hint: among("gpioinfo lists the lines", b.named()),
	}
}

// fits says whether a line of a chip is meant by a name. periph has put the chip's name
// before that of some lines.
func fits(name, chip, line string) bool {
	line = strings.TrimPrefix(line, chip+"-")
	return line != "" && (name == line || name == chip+"-"+line)
}

// among says where names are found, and names some.
func among(where string, names []string) string {
	const most = 12
	switch {
	case len(names) == 0:
		return where + ": none has a name"
	case len(names) > most:
		return fmt.Sprintf("%s: %s and %d more", where, strings.Join(names[:most], ", "), len(names)-most)
	}
	return where + ": " + strings.Join(names, ", ")
}

func withOp(op string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Op = op
		return e
	}
	return &Error{Op: op, State: Failed, Cause: err}
}

// Lines names the lines that there are.
func (b *Board) Lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.scan() != nil {
		return nil
	}
	return b.named()
}

// named gives the names of the lines that periph knows. The lock is held.
func (b *Board) named() []string {
	var names []string
	for _, chip := range chips(b.chipAt) {
		for _, line := range chip.Lines() {
			if name := strings.TrimPrefix(line.Name(), chip.Name()+"-"); name != "" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// known counts the chips in periph's list.
func known() int { return len(gpioioctl.Chips) }

func chips(from int) []*gpioioctl.GPIOChip {
	return gpioioctl.Chips[min(from, len(gpioioctl.Chips)):]
}

// held is a line of periph's that is closed after every error, for it would not
// request itself again. Of periph's errors nothing can be told but the words.
type held struct {
	*gpioioctl.GPIOLine
	name string // that it was asked for by
	chip string // path
	info os.FileInfo
}

var _ Line = held{}

const hintBusy = "if it is busy, another program or kernel driver holds it: gpioinfo names it"

// Out implements gpio.PinOut.
func (h held) Out(l gpio.Level) error { return h.after("drive", h.GPIOLine.Out(l)) }

// In implements gpio.PinIn.
func (h held) In(pull gpio.Pull, edge gpio.Edge) error {
	return h.after("read", h.GPIOLine.In(pull, edge))
}

func (h held) after(op string, err error) error {
	if err == nil {
		return nil
	}
	h.Close()
	op += " line " + h.name
	if !h.Present() {
		return &Error{Op: op, State: Absent, Cause: err, Hint: hintChip}
	}
	return &Error{Op: op, State: Failed, Cause: err, Hint: hintBusy}
}

// Present implements Line.
func (h held) Present() bool {
	now, err := os.Stat(h.chip)
	return err == nil && os.SameFile(now, h.info)
}
