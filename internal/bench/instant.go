package main

import (
	"bytes"
	"io"
	"sync"
	"time"

	"kioskd/internal/hw/printer"
)

// instantLine is a line to a printer that takes everything at once and answers at once
// that all is well: what is left of a job's time is the kiosk's own work. It relies on
// the driver to write each question in one go, as it does.
type instantLine struct {
	answers chan []byte
	closed  chan struct{}
	once    sync.Once

	mu    sync.Mutex
	bytes int       // since begin
	dots  time.Time // when the first command with dots came
}

var _ printer.Port = (*instantLine)(nil)

func newInstantLine() *instantLine {
	return &instantLine{answers: make(chan []byte, 64), closed: make(chan struct{})}
}

// begin starts the count anew.
func (l *instantLine) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes, l.dots = 0, time.Time{}
}

// sum gives the bytes since begin, and when the first dots came.
func (l *instantLine) sum() (bytes int, dots time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes, l.dots
}

// Write implements io.Writer.
func (l *instantLine) Write(b []byte) (int, error) {
	l.mu.Lock()
	l.bytes += len(b)
	if l.dots.IsZero() && bytes.HasPrefix(b, []byte("\x1dv0")) {
		l.dots = time.Now()
	}
	l.mu.Unlock()
	if a := answer(b); a != nil {
		l.answers <- a
	}
	return len(b), nil
}

// answer is what a printer in good order says to b, nil for nothing.
func answer(b []byte) []byte {
	const confirm = "\x1d(H\x06\x0000"
	switch at := len(b) - len(confirm) - 4; {
	case bytes.HasPrefix(b, []byte("\x10\x04")):
		return []byte{0x12}
	case bytes.HasPrefix(b, []byte("\x10\x14")):
		return []byte("\x37\x25\x00")
	case bytes.HasPrefix(b, []byte("\x1dr")):
		return []byte{0}
	case at >= 0 && bytes.HasPrefix(b[at:], []byte(confirm)):
		return append(append([]byte("\x37\x22"), b[len(b)-4:]...), 0)
	}
	return nil
}

// Read implements io.Reader.
func (l *instantLine) Read(b []byte) (int, error) {
	select {
	case a := <-l.answers:
		return copy(b, a), nil
	case <-l.closed:
		return 0, io.EOF
	}
}

// SetWriteDeadline implements printer.Port: no write waits.
func (l *instantLine) SetWriteDeadline(time.Time) error { return nil }

// Close implements io.Closer.
func (l *instantLine) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}
