package printertest

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// PTY is a pair of terminals that stands in for a character device: what is
// written at one end is read at the other, byte by byte, in both directions.
//
// The slave is held open until Close, so the master does not fail while nobody
// uses the device, as a printer does not fail when the computer is off.
type PTY struct {
	Master *os.File // the printer's end; deadlines and Close work
	Path   string   // the computer's end
	slave  *os.File // nil: not held
}

// OpenPTY makes a pair.
func OpenPTY() (*PTY, error) { return openPTY(true) }

// OpenFreePTY makes a pair whose slave is held by nobody here: the master fails once
// whoever has opened the device closes it. Who asks to have a device for himself
// (TIOCEXCL) has it until the last one closes it, so a held one stays taken for ever.
func OpenFreePTY() (*PTY, error) { return openPTY(false) }

func openPTY(hold bool) (*PTY, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a pty: %w", err)
	}
	p := &PTY{Master: master}
	if err := p.setUp(hold); err != nil {
		return nil, fmt.Errorf("cannot make a pty: %w", errors.Join(err, master.Close()))
	}
	return p, nil
}

func (p *PTY) setUp(hold bool) error {
	var number uint32
	err := onFD(p.Master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		if number, err = unix.IoctlGetUint32(fd, unix.TIOCGPTN); err != nil {
			return err
		}
		return makeRaw(fd)
	})
	if err != nil {
		return err
	}
	p.Path = fmt.Sprintf("/dev/pts/%d", number)
	if !hold {
		return nil
	}
	if p.slave, err = os.OpenFile(p.Path, os.O_RDWR|unix.O_NONBLOCK|unix.O_NOCTTY, 0); err != nil {
		return err
	}
	if err := onFD(p.slave, makeRaw); err != nil {
		return errors.Join(err, p.slave.Close())
	}
	return nil
}

// Close pulls the device out: who has the path open gets errors. The master may be
// closed already, by the printer that it was the line of.
func (p *PTY) Close() error {
	err := p.Master.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if p.slave != nil {
		err = errors.Join(err, p.slave.Close())
	}
	return err
}

// makeRaw turns off everything that a terminal does to bytes.
func makeRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON | unix.IXOFF | unix.IXANY
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// onFD runs f on the descriptor without making the file blocking, as Fd would.
func onFD(file *os.File, f func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}
