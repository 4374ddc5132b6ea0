package dock

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// hub is a TLS server, and a client that reaches it over the line.
func hub(t *testing.T) (*Line, func(ctx context.Context) error) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	}))
	t.Cleanup(server.Close)
	line := NewLine((&net.Dialer{}).DialContext)
	client := server.Client()
	transport, ok := client.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("transport is a %T", client.Transport)
	}
	transport.DialContext = line.DialContext
	t.Cleanup(transport.CloseIdleConnections)
	return line, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		if err == nil && string(body) != "hello" {
			err = errors.New("cannot understand the answer")
		}
		return errors.Join(err, resp.Body.Close())
	}
}

func TestLine(t *testing.T) {
	line, ask := hub(t)
	if err := ask(t.Context()); err != nil {
		t.Fatalf("up: %v", err)
	}
	line.Set(Down)
	var op *net.OpError
	if err := ask(t.Context()); !errors.As(err, &op) || op.Op != "dial" {
		t.Errorf("down, with a connection of before: %v, want a dial error", err)
	}
	line.Set(Rubbish)
	if err := ask(t.Context()); err == nil {
		t.Error("rubbish was taken for an answer")
	}
	line.Set(Up)
	if err := ask(t.Context()); err != nil {
		t.Errorf("up again: %v", err)
	}
	if line.Set("sideways") || line.Mode() != Up {
		t.Error("a mode that does not exist was taken")
	}
}

func TestSlowLineHoldsEachAnswerBack(t *testing.T) {
	line, ask := hub(t)
	line.delay = 150 * time.Millisecond
	line.Set(Slow)
	for _, what := range []string{"a new connection", "a connection of before"} {
		began := time.Now()
		if err := ask(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if took := time.Since(began); took < line.delay || took > 10*line.delay {
			t.Errorf("%s: answer took %v, want a little over %v", what, took, line.delay)
		}
	}
	line.delay = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := ask(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller without patience got %v", err)
	}
}

func TestBrokenLineEndsAWait(t *testing.T) {
	line, ask := hub(t)
	line.delay = time.Hour
	line.Set(Slow)
	ended := make(chan error, 1)
	go func() { ended <- ask(t.Context()) }()
	for line.connections() == 0 {
		<-time.After(5 * time.Millisecond)
	}
	line.Set(Down)
	if err := <-ended; err == nil {
		t.Error("an answer came over a line that was cut")
	}
}

func TestReadDeadlineCountsOnTheSlowLine(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	line := NewLine(func(context.Context, string, string) (net.Conn, error) { return ours, nil })
	line.Set(Slow)
	conn, err := line.DialContext(t.Context(), "tcp", "hub")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		buf := make([]byte, 64)
		for range 2 {
			_, _ = theirs.Read(buf)
		}
		_, _ = theirs.Write([]byte("late"))
	}()
	for range 2 { // the end of a handshake, and a request
		if _, err := conn.Write([]byte{23, 3, 3, 0, 1, 0, 0}); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 16)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read ended with %v, want the deadline", err)
	}
}

// connections counts what is open over the line.
func (l *Line) connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}
