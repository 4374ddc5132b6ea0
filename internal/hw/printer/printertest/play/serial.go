package play

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"kioskd/internal/hw/printer/printertest"
)

// Serial is the path of a link to the terminal that stands in for a serial port. It
// is made at the start and removed at the end. One that a killed tool has left is
// replaced, anything else that is there is not.
//
// Whoever opens it has it alone until he closes it; then a fresh terminal takes its
// place. As with a serial port the other end does not see that the printer is off:
// bytes vanish then.
type Serial string

func (s Serial) open(_ context.Context, p *Player) (func(context.Context) error, error) {
	l := &serialLink{p: p, link: string(s)}
	if about, err := os.Lstat(l.link); err == nil && !l.ours(about) {
		return nil, fmt.Errorf("cannot make the serial line: %s is there, and it is not a link that this tool has left", l.link)
	}
	if err := l.renew(); err != nil {
		return nil, err
	}
	p.say("serial line at %s", l.link)
	return l.serve, nil
}

// serialLink leads to the terminal of now.
type serialLink struct {
	p    *Player
	link string
	pty  *printertest.PTY
	gone <-chan struct{}
}

// ours: it leads to a terminal.
func (l *serialLink) ours(about os.FileInfo) bool {
	to, err := os.Readlink(l.link)
	return about.Mode()&os.ModeSymlink != 0 && err == nil && strings.HasPrefix(to, "/dev/pts/")
}

// renew makes a terminal and lets the link lead there, at once.
func (l *serialLink) renew() error {
	pty, err := printertest.OpenFreePTY()
	if err != nil {
		return err
	}
	fresh := l.link + ".new"
	_ = os.Remove(fresh) // if something is there, the next step says so
	err = os.Symlink(pty.Path, fresh)
	if err == nil {
		err = os.Rename(fresh, l.link)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot make the serial line: %w", err), pty.Close())
	}
	conn := track(pty.Master)
	l.pty, l.gone = pty, conn.ended
	if !l.p.printer.AttachSerial(conn) {
		return errors.Join(errors.New("cannot make the serial line: the printer is closed"), pty.Close())
	}
	return nil
}

func (l *serialLink) serve(ctx context.Context) error {
	defer func() {
		if to, err := os.Readlink(l.link); err == nil && to == l.pty.Path {
			_ = os.Remove(l.link) // it leads nowhere now
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return l.pty.Close()
		case <-l.gone:
			l.p.say("serial line closed by the other end")
			if err := l.renew(); err != nil {
				return err
			}
		}
	}
}
