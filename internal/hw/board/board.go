package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/driver"
	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
)

// Board is the machine's lines and LEDs. Its methods may be called from any
// goroutine.
type Board struct {
	dev, leds string // folders
	// What periph does, which tests play.
	start func() (*driverreg.State, error)
	find  func(led string, info os.FileInfo) (gpio.PinOut, error)

	mu     sync.Mutex       // held while periph looks, not while an LED is driven
	state  *driverreg.State // of periph; nil before its first look
	chips  string           // what was below dev at the last look for chips
	chipAt int              // where the chips of the last look begin in periph's list
	lent   map[string]os.FileInfo
}

// New makes the board. Nothing is touched yet.
func New() *Board {
	b := &Board{dev: "/dev", leds: "/sys/class/leds", start: driverreg.Init, lent: map[string]os.FileInfo{}}
	b.find = b.led
	return b
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
	// A chip with two names has periph close descriptor 0. It must not be the chip's
	// own until then, nor anybody else's afterwards.
	stopgap()
	// Only the drivers that this package imports are there: not those that would
	// claim the pins of a board by its memory.
	b.state, err = b.start()
	stopgap()
	if err != nil {
		return false, fmt.Errorf("cannot start periph: %w", err)
	}
	return true, nil
}

// stopgap puts /dev/null where descriptor 0 is closed.
func stopgap() {
	if _, err := unix.FcntlInt(0, unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		return
	}
	fd, err := unix.Open(os.DevNull, unix.O_RDWR, 0)
	if err == nil && fd != 0 { // somebody else was faster
		_ = unix.Close(fd)
	}
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
// and other rights, which udev sets a moment after the device has come. Their times
// say nothing: udev touches a device at every event, whether it changes or not.
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
		_, _ = fmt.Fprintf(&all, "%s %s %t\n", file, identity(info), err == nil)
	}
	return all.String(), usable, twice
}

// identity tells one device from another. The number of the device alone is given
// again to the next one that comes; that of its file is not.
func identity(info os.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d/%d/%d", s.Dev, s.Ino, s.Rdev)
}

// Prepare looks for the chips now, where lines will be asked for later, and before
// the program opens files of its own. What is not there is told by [Board.Line].
func (b *Board) Prepare() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.scan()
}
