package play

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// TCP is the address at which the printer takes connections, "127.0.0.1:9100": one
// at a time, as most printers do.
type TCP string

// succession is how long a new connection waits for the end of the one before it to
// be noticed.
const succession = 300 * time.Millisecond

func (a TCP) open(ctx context.Context, p *Player) (func(context.Context) error, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", string(a))
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	p.say("listening at %s", l.Addr())
	return func(ctx context.Context) error {
		s := &server{p: p, conns: make(chan net.Conn)}
		stop := context.AfterFunc(ctx, func() { _ = l.Close() })
		defer func() { stop(); _ = l.Close() }()
		ended := make(chan error, 1)
		go func() { ended <- s.accept(ctx, l) }()
		s.serve(ctx, ended)
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("cannot listen any more: %w", s.failed)
	}, nil
}

// server serves the connections of one listener, one after the other.
type server struct {
	p      *Player
	conns  chan net.Conn
	who    string
	live   <-chan struct{} // closed when the connection ends, nil without one
	failed error
}

func (s *server) accept(ctx context.Context, l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		select {
		case s.conns <- c:
		case <-ctx.Done():
			_ = c.Close()
			return ctx.Err()
		}
	}
}

func (s *server) serve(ctx context.Context, ended <-chan error) {
	for {
		select {
		case <-ctx.Done():
			return
		case s.failed = <-ended:
			return
		case <-s.live:
			s.left()
		case c := <-s.conns:
			s.take(ctx, c)
		}
	}
}

func (s *server) left() {
	s.p.say("disconnected: %s", s.who)
	s.live = nil
}

func (s *server) take(ctx context.Context, c net.Conn) {
	who := c.RemoteAddr().String()
	if s.live != nil {
		patience := time.NewTimer(succession)
		defer patience.Stop()
		select {
		case <-s.live:
			s.left()
		case <-patience.C:
			s.p.say("turned away: %s: %s has it, and it takes one connection", who, s.who)
			refuse(c)
			return
		case <-ctx.Done():
			refuse(c)
			return
		}
	}
	t := track(c)
	if !s.p.printer.Attach(t) {
		s.p.say("turned away: %s: it is off, or its cable is out", who)
		refuse(c)
		return
	}
	s.who, s.live = who, t.ended
	s.p.say("connected: %s", who)
}

// refuse breaks a connection off, as a printer that takes no other one does.
func refuse(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // else it ends in the ordinary way
	}
	_ = c.Close()
}

// tracked is a connection whose end is seen.
type tracked struct {
	io.ReadWriteCloser
	ended chan struct{}
	once  sync.Once
}

func track(c io.ReadWriteCloser) *tracked {
	return &tracked{ReadWriteCloser: c, ended: make(chan struct{})}
}

// Close is called by the printer, whichever end has ended it.
func (t *tracked) Close() error {
	err := t.ReadWriteCloser.Close()
	t.once.Do(func() { close(t.ended) })
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
