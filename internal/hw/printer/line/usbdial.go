package line

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// DefaultPattern is where Linux puts USB printers.
const DefaultPattern = "/dev/usb/lp*"

// Bus is where USB printers are looked for. The zero value is right for Linux.
type Bus struct {
	Pattern string // of the device files; a plain path is that printer
	Sys     string // the class in sysfs that tells a printer's ID without opening it

	open func(path string) (dev device, deaf bool, err error) // nil: the real one
}

func (b Bus) pattern() string {
	if b.Pattern == "" {
		return DefaultPattern
	}
	return b.Pattern
}

// Dial opens the printer with the lowest number that can be opened. Those which
// another program holds are passed over.
func (b Bus) Dial(ctx context.Context) (*USB, error) {
	pattern := b.pattern()
	paths, err := b.paths()
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, &Error{Op: "open", Line: "usb:" + pattern, Kind: ErrAbsent, Hint: hint(byUSB, ErrAbsent)}
	}
	var first error // the first reason that is not "busy", for it can be mended here
	var busy []string
	for _, path := range paths {
		u, err := b.dial(ctx, path)
		if err == nil {
			return u, nil
		}
		if errors.Is(err, ErrBusy) {
			busy = append(busy, path)
		} else if first == nil {
			first = err
		}
	}
	if first != nil {
		return nil, first
	}
	return nil, &Error{
		Op: "open", Line: "usb:" + pattern, Kind: ErrBusy,
		Cause: fmt.Errorf("tried %s", strings.Join(busy, ", ")), Hint: hint(byUSB, ErrBusy),
	}
}

// DialUSB opens one printer. Opening never waits.
func DialUSB(ctx context.Context, path string) (*USB, error) { return Bus{}.dial(ctx, path) }

func (b Bus) dial(ctx context.Context, path string) (*USB, error) {
	line := "usb:" + path
	if err := ctx.Err(); err != nil {
		return nil, opening(byUSB, line, err)
	}
	open := b.open
	if open == nil {
		open = openNode
	}
	dev, deaf, err := open(path)
	if err != nil {
		return nil, opening(byUSB, line, err)
	}
	return newUSB(line, dev, deaf), nil
}

// paths lists the device files by number: lp2 comes before lp10.
func (b Bus) paths() ([]string, error) {
	paths, err := filepath.Glob(b.pattern())
	if err != nil {
		return nil, badAddress("usb:"+b.pattern(), err)
	}
	slices.SortFunc(paths, func(x, y string) int {
		if d := number(x) - number(y); d != 0 {
			return d
		}
		return strings.Compare(x, y)
	})
	return paths, nil
}

// number gives the digits at the end of a name, 0 without.
func number(path string) int {
	digits := path[len(strings.TrimRight(path, "0123456789")):]
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
