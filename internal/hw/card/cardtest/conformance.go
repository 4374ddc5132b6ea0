package cardtest

import (
	"bytes"
	"context"
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

// Bench is a reader under test and the hand that plays with it. A bench for a
// real driver puts the virtual cards below pcscd.
type Bench struct {
	Reader card.Driver
	Put    func(persona string) // the persona's card lies on the reader
	Lift   func()
	// Unplug and Plug take the reader away and bring it back.
	Unplug, Plug func()
	// Patience is how long a change may take to be noticed; 0 = 5 s.
	Patience time.Duration
}

// Conformance holds a driver against the promises of package card. start makes
// a bench with an empty reader; the suite calls Run itself.
//
// It runs on the reader in process, on the driver for real readers below a real
// pcscd, and on what was recorded there: the last shows that a [Player] keeps the
// promises as well, and that the driver still does what it did.
func Conformance(t *testing.T, start func(t *testing.T) Bench) {
	t.Helper()
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) { c.run(t, start(t)) })
	}
}

// Cases are the names of the suite's cases.
func Cases() []string {
	var names []string
	for _, c := range cases() {
		names = append(names, c.name)
	}
	return names
}

// CaseFile is the file, in testdata/transcripts, of what was recorded of a case.
// It takes the name of the case or of the test that runs it.
func CaseFile(name string) string {
	return strings.NewReplacer(" ", "-", "_", "-").Replace(path.Base(name)) + ".txt"
}

type conformanceCase struct {
	name string
	test func(*testing.T, *hand)
}

func (c conformanceCase) run(t *testing.T, bench Bench) {
	h := &hand{t: t, bench: bench}
	if h.bench.Patience == 0 {
		h.bench.Patience = 5 * time.Second
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- h.bench.Reader.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("Run ended with %v", err)
			}
		case <-time.After(h.bench.Patience):
			t.Error("Run does not end with its context")
		}
	})
	h.until(ready)
	h.again = true
	c.test(t, h)
}

func cases() []conformanceCase {
	return []conformanceCase{
		{"an empty reader is ready and has no card", func(t *testing.T, h *hand) {
			if s := h.until(ready); len(s.Cards) != 0 || s.Readers[0].Name == "" {
				t.Errorf("state %+v", s)
			}
			if _, err := h.bench.Reader.Connect(t.Context(), 1); fault.CodeOf(err) != fault.CardLifted {
				t.Errorf("connect without a card: %v", err)
			}
		}},
		{"each insertion has a number of its own", func(t *testing.T, h *hand) {
			seen := map[uint64]bool{0: true}
			for _, id := range []string{"taro", "taro", "hanako"} {
				h.bench.Put(id)
				s := sole(h.until(func(s card.State) bool { return !seen[sole(s).Number] }))
				seen[s.Number] = true
				h.bench.Lift()
				h.until(empty)
				if _, err := h.bench.Reader.Connect(t.Context(), s.Number); fault.CodeOf(err) != fault.CardLifted {
					t.Errorf("connect to a card that has left: %v", err)
				}
			}
		}},
		{"the family is guessed from the ATR", func(t *testing.T, h *hand) {
			h.bench.Put("taro")
			s := sole(h.until(lying))
			if s.Tech != card.TechISO || len(s.ATR) == 0 {
				t.Errorf("state %+v", s)
			}
			conn := h.connect(s)
			if !bytes.Equal(conn.ATR(), s.ATR) || conn.Reader() != s.Reader {
				t.Errorf("connection says %X on %q, state says %+v", conn.ATR(), conn.Reader(), s)
			}
		}},
		{"commands are answered", func(t *testing.T, h *hand) {
			h.bench.Put("taro")
			conn := h.connect(sole(h.until(lying)))
			h.expect(conn, selectJPKI(), apdu.OK)
			h.expect(conn, selectFile(apdu.FilePIN), apdu.OK)
			h.expect(conn, query(), apdu.TriesSW(3))
			h.expect(conn, selectFile(0x0099), apdu.NotFound)
		}},
		{"closing takes a verified PIN back", func(t *testing.T, h *hand) {
			h.bench.Put("taro")
			s := sole(h.until(lying))
			conn := h.connect(s)
			h.expect(conn, selectJPKI(), apdu.OK)
			h.expect(conn, selectFile(apdu.FilePIN), apdu.OK)
			h.expect(conn, apdu.Command{INS: apdu.InsVerify, P2: 0x80, Data: []byte("1234")}, apdu.OK)
			h.expect(conn, query(), apdu.OK)
			for range 2 { // twice is allowed
				if err := conn.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}
			if _, err := conn.Transmit(t.Context(), []byte{0x00, 0x20, 0x00, 0x80}); err == nil {
				t.Error("a closed connection still answers")
			}
			conn = h.connect(s)
			h.expect(conn, selectJPKI(), apdu.OK)
			h.expect(conn, selectFile(apdu.FilePIN), apdu.OK)
			h.expect(conn, query(), apdu.TriesSW(3))
		}},
		{"a connection is exclusive", func(t *testing.T, h *hand) {
			h.bench.Put("taro")
			s := sole(h.until(lying))
			conn := h.connect(s)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if second, err := h.bench.Reader.Connect(ctx, s.Number); err == nil {
				_ = second.Close()
				t.Error("two connections at the same time")
			}
			h.expect(conn, selectJPKI(), apdu.OK)
		}},
		{"a lifted card ends its connection", func(t *testing.T, h *hand) {
			h.bench.Put("taro")
			conn := h.connect(sole(h.until(lying)))
			h.expect(conn, selectJPKI(), apdu.OK)
			h.bench.Lift()
			h.until(empty)
			for range 2 {
				if _, err := conn.Transmit(t.Context(), []byte{0x00, 0x20, 0x00, 0x80}); fault.CodeOf(err) != fault.CardLifted {
					t.Errorf("transmit: %v", err)
				}
			}
			h.bench.Put("hanako") // the old connection does not reach the new card
			h.until(lying)
			if _, err := conn.Transmit(t.Context(), []byte{0x00, 0x20, 0x00, 0x80}); fault.CodeOf(err) != fault.CardLifted {
				t.Errorf("transmit to another card: %v", err)
			}
			if err := conn.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}},
		{"an ended context ends the exchange", func(t *testing.T, h *hand) {
			h.bench.Put("taro")
			conn := h.connect(sole(h.until(lying)))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := conn.Transmit(ctx, []byte{0x00, 0x20, 0x00, 0x80}); err == nil {
				t.Error("answered in spite of an ended context")
			}
		}},
		{"an unplugged reader is a state", func(t *testing.T, h *hand) {
			h.bench.Put("taro")
			before := sole(h.until(lying))
			conn := h.connect(before)
			h.bench.Unplug()
			if s := h.until(func(s card.State) bool { return !s.Ready() }); len(s.Readers)+len(s.Cards) != 0 {
				t.Errorf("no reader, but %+v", s)
			}
			if _, err := conn.Transmit(t.Context(), []byte{0x00, 0x20, 0x00, 0x80}); fault.CodeOf(err) != fault.ReaderGone {
				t.Errorf("transmit: %v", err)
			}
			if _, err := h.bench.Reader.Connect(t.Context(), before.Number); fault.CodeOf(err) != fault.ReaderGone {
				t.Errorf("connect: %v", err)
			}
			_ = conn.Close()
			h.bench.Plug()
			s := sole(h.until(lying))
			if s.Number == before.Number {
				t.Error("the card has its old number")
			}
			h.expect(h.connect(s), selectJPKI(), apdu.OK)
		}},
	}
}

// hand is what the tests of the suite work with.
type hand struct {
	t     *testing.T
	bench Bench
	last  card.State
	again bool // last has not been looked at
}

func ready(s card.State) bool { return s.Ready() }
func lying(s card.State) bool { return len(s.Cards) == 1 && len(s.Cards[0].ATR) > 0 }
func empty(s card.State) bool { return s.Ready() && len(s.Cards) == 0 }

// sole is the one card that lies there, or none with the number 0.
func sole(s card.State) card.Lying {
	if len(s.Cards) == 0 {
		return card.Lying{}
	}
	return s.Cards[0]
}

// until waits for a state.
func (h *hand) until(want func(card.State) bool) card.State {
	h.t.Helper()
	if h.again && want(h.last) {
		h.again = false
		return h.last
	}
	timer := time.NewTimer(h.bench.Patience)
	defer timer.Stop()
	for {
		select {
		case h.last = <-h.bench.Reader.Watch():
			if want(h.last) {
				return h.last
			}
		case <-timer.C:
			h.t.Fatalf("the state does not come; last was %+v", h.last)
		}
	}
}

func (h *hand) connect(s card.Lying) card.Conn {
	h.t.Helper()
	conn, err := h.bench.Reader.Connect(h.t.Context(), s.Number)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (h *hand) expect(conn card.Conn, c apdu.Command, want apdu.SW) {
	h.t.Helper()
	b, err := c.Encode()
	if err != nil {
		h.t.Fatal(err)
	}
	raw, err := conn.Transmit(h.t.Context(), b)
	if err != nil {
		h.t.Fatalf("%v: %v", c, err)
	}
	if a, err := apdu.ParseAnswer(raw); err != nil || a.SW != want {
		h.t.Errorf("%v: %v, %v; want %v", c, a, err, want)
	}
}

func selectJPKI() apdu.Command {
	return apdu.Command{INS: apdu.InsSelect, P1: 0x04, P2: 0x0C, Data: apdu.JPKI()}
}

func selectFile(f apdu.File) apdu.Command {
	return apdu.Command{INS: apdu.InsSelect, P1: 0x02, P2: 0x0C, Data: []byte{byte(f >> 8), byte(f)}}
}

func query() apdu.Command { return apdu.Command{INS: apdu.InsVerify, P2: 0x80} }
