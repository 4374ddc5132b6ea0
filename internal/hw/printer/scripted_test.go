package printer_test

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"kioskd/internal/hw/printer"
)

// scripted is a line whose other end is the test.
type scripted struct {
	mu   sync.Mutex
	sent []byte
	in   *io.PipeReader
	out  *io.PipeWriter
}

func newScripted() *scripted {
	s := &scripted{}
	s.in, s.out = io.Pipe()
	return s
}

func (s *scripted) dial(context.Context) (printer.Port, error) { return s, nil }

func (s *scripted) say(b ...byte) { _, _ = s.out.Write(b) }

func (s *scripted) written() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.sent)
}

func (s *scripted) Read(p []byte) (int, error) { return s.in.Read(p) }

func (s *scripted) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, p...)
	return len(p), nil
}

func (s *scripted) Close() error { return s.in.Close() }

func (s *scripted) SetWriteDeadline(time.Time) error { return nil }
