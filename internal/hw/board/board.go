package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"periph.io/x/conn/v3/driver"
	"periph.io/x/conn/v3/driver/driverreg"
)

// Board is the machine's lines and LEDs. Its methods may be called from any
// goroutine.
type Board struct {
	dev, leds string // folders

	mu     sync.Mutex
	state  *driverreg.State // of periph; nil before its first look
	chips  string           // what was below dev at the last look for chips
	chipAt int              // where the chips of the last look begin in periph's list
	lent   map[string]os.FileInfo
}

// New makes the board. Nothing is touched yet.
func New() *Board {
	return &Board{dev: "/dev", leds: "/sys/class/leds", lent: map[string]os.FileInfo{}}
}

// names of periph's drivers.
const (
	chipDriver = "ioctl-gpio"
	ledDriver  = "sysfs-led"
)

// begin has periph look for the first time. The lock is held.
func (b *Board) begin() (first bool, err error) {
	if b.state != nil {
		return false, nil
	}
	// Only the drivers that this package imports are there: not those that would
	// claim the pins of a board by its memory.
	b.state, err = driverreg.Init()
	if err != nil {
		return false, fmt.Errorf("cannot start periph: %w", err)
	}
	return true, nil
}

// again has one driver of periph look once more. The lock is held.
func (b *Board) again(name string) {
	all := slices.Clone(b.state.Loaded)
	for _, f := range slices.Concat(b.state.Skipped, b.state.Failed) {
		all = append(all, f.D)
	}
	if i := slices.IndexFunc(all, func(d driver.Impl) bool { return d.String() == name }); i >= 0 {
		_, _ = all[i].Init() // what it has not found is missed by name
	}
}

var (
	errNoChip  = errors.New("this machine has no GPIO chip")
	errForbids = errors.New("the GPIO chips may not be opened")
)

const (
	hintChip   = "plug the GPIO adapter in; ls /dev/gpiochip* shows what the kernel has"
	hintForbid = "let kioskd's user open /dev/gpiochip*: docs/OPERATIONS.md has a udev rule"
	hintTwice  = "restart kioskd: chips that were plugged in later cannot be told from those before on this machine"
)

// scan makes sure that periph knows the chips that are there now. The lock is held.
func (b *Board) scan() error {
	files, err := filepath.Glob(filepath.Join(b.dev, "gpiochip*"))
	if err != nil {
		return fmt.Errorf("cannot list GPIO chips: %w", err)
	}
	seen, usable, twice := b.inspect(files)
	switch {
	case len(files) == 0:
		return &Error{State: Absent, Cause: errNoChip, Hint: hintChip}
	case usable == 0: // periph would complain for every chip, on standard error
		return &Error{State: Failed, Cause: errForbids, Hint: hintForbid}
	case seen == b.chips:
		return nil
	}
	first, err := b.begin()
	switch {
	case err != nil:
		return err
	case first:
	case twice:
		return &Error{State: Failed, Cause: errors.New("the GPIO chips have changed"), Hint: hintTwice}
	default:
		b.chipAt = known()
		b.again(chipDriver)
	}
	b.chips = seen
	return nil
}

// inspect describes the chips' devices so that any change shows: another device,
// and other rights, which udev sets a moment after the device has come.
func (b *Board) inspect(files []string) (seen string, usable int, twice bool) {
	var all strings.Builder
	var infos []os.FileInfo
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			continue
		}
		twice = twice || slices.ContainsFunc(infos, func(other os.FileInfo) bool { return os.SameFile(info, other) })
		infos = append(infos, info)
		f, err := os.Open(file)
		if err == nil {
			usable++
			f.Close()
		}
		_, _ = fmt.Fprintf(&all, "%s %d %t\n", file, info.ModTime().UnixNano(), err == nil)
	}
	return all.String(), usable, twice
}

// Prepare looks for the chips now, where lines will be asked for later, and before
// the program opens files of its own. What is not there is told by [Board.Line].
func (b *Board) Prepare() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.scan()
}
