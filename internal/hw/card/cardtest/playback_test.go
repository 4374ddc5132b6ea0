package cardtest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/cardtest"
)

// What was recorded below a real pcscd keeps every promise.
func TestConformanceOfTranscripts(t *testing.T) {
	cardtest.Conformance(t, func(t *testing.T) cardtest.Bench {
		text, err := os.ReadFile(filepath.Join(stored, cardtest.CaseFile(t.Name())))
		if err != nil {
			t.Fatal(err)
		}
		return playing(t, script(t, string(text)))
	})
}

// playing is the bench of a player whose script must be used up.
func playing(t *testing.T, s cardtest.Transcript) cardtest.Bench {
	t.Helper()
	p := cardtest.Playback(s)
	t.Cleanup(func() { p.Close(t) }) // after the suite has closed and ended everything
	return p.Bench()
}

// The reader in process keeps every promise when it is recorded, and what was
// recorded of it does too, with and without what is hidden.
func TestConformanceRecorded(t *testing.T) {
	for about, public := range map[string]bool{"public": true, "private": false} {
		t.Run(about, func(t *testing.T) {
			scripts := map[string]string{}
			t.Run("recorded", func(t *testing.T) {
				cardtest.Conformance(t, func(t *testing.T) cardtest.Bench {
					r := cardtest.NewReader()
					rec := cardtest.Record(r, cardtest.RecordOptions{Public: public})
					t.Cleanup(func() { scripts[cardtest.CaseFile(t.Name())] = rec.Transcript().String() })
					return rec.Hand(cardtest.Bench{
						Put: func(id string) {
							if err := r.Put(id); err != nil {
								t.Fatal(err)
							}
						},
						Lift: r.Lift, Unplug: func() { r.Power(false) }, Plug: func() { r.Power(true) },
					})
				})
			})
			t.Run("played", func(t *testing.T) {
				cardtest.Conformance(t, func(t *testing.T) cardtest.Bench {
					return playing(t, script(t, scripts[cardtest.CaseFile(t.Name())]))
				})
			})
		})
	}
}

const short = `transcript 1 "short"
state "A" my-number
put "taro"
state "A" my-number + card 4 on "A" iso 3B00
connect 4 -> conn 1 on "A" 3B00
send 1 00A4040C 02 ABCD -> 9000
send 1 00200080 04 *4 -> *3 63C2
close 1 -> ok
lift
state "A" my-number
`

var selectABCD = []byte{0x00, 0xA4, 0x04, 0x0C, 0x02, 0xAB, 0xCD}

// act does what the script has, as far as it is told to.
func act(t *testing.T, p *cardtest.Player, steps int) card.Conn {
	t.Helper()
	bench := p.Bench()
	var conn card.Conn
	for _, do := range []func() error{
		func() error { bench.Put("taro"); return nil },
		func() (err error) { conn, err = p.Connect(t.Context(), 4); return err },
		func() error { _, err := conn.Transmit(t.Context(), selectABCD); return err },
		func() error {
			answer, err := conn.Transmit(t.Context(), []byte{0x00, 0x20, 0x00, 0x80, 0x04, '9', '8', '7', '6'})
			if string(answer) != "\x00\x00\x00\x63\xC2" {
				t.Errorf("answer %X", answer)
			}
			return err
		},
		func() error { return errors.Join(conn.Close(), conn.Close()) },
		func() error { bench.Lift(); return nil },
	}[:steps] {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

func TestPlayback(t *testing.T) {
	p := cardtest.Playback(script(t, short))
	if s := <-p.Watch(); s.Ready() {
		t.Errorf("before Run there is %+v", s)
	}
	run(t, p)
	conn := act(t, p, 5)
	if conn.Reader() != "A" || string(conn.ATR()) != "\x3B\x00" {
		t.Errorf("%q %X", conn.Reader(), conn.ATR())
	}
	if _, ok := conn.(card.Escaper); ok {
		t.Error("a connection takes escape commands that did not")
	}
	until(t, p, func(s card.State) bool { return len(s.Cards) == 1 && s.Cards[0].Number == 4 })
	p.Bench().Lift()
	until(t, p, func(s card.State) bool { return s.Ready() && len(s.Cards) == 0 })
	if err := p.Unused(); err != nil {
		t.Error(err)
	}
	if b := p.Bench(); b.Unplug != nil || b.Plug != nil {
		t.Error("the hand can unplug a reader that was not")
	}
}

// failing is a test that only remembers that it failed.
type failing struct {
	testing.TB
	said string
}

func (*failing) Helper()          {}
func (f *failing) Error(a ...any) { f.said, _ = a[0].(string); f.said += a[0].(error).Error() }

func TestPlaybackUnused(t *testing.T) {
	for steps, left := range []string{"6 steps of it are left, from line 3: put", "5 steps", "4 steps", "3 steps", "2 steps", "1 steps of it are left, from line 9: lift"} {
		p := cardtest.Playback(script(t, short))
		act(t, p, steps)
		f := &failing{TB: t}
		if p.Close(f); !strings.Contains(f.said, left) {
			t.Errorf("after %d steps: %q", steps, f.said)
		}
	}
}

// What the script does not have fails, and so does all that comes after.
func TestPlaybackLeft(t *testing.T) {
	pin := []byte{0x00, 0x20, 0x00, 0x80, 0x05, '1', '2', '3', '4', '5'}
	for about, c := range map[string]struct {
		steps int
		do    func(p *cardtest.Player, conn card.Conn) error
		want  string
	}{
		"another card":       {0, func(p *cardtest.Player, _ card.Conn) error { p.Bench().Put("hanako"); return p.Unused() }, `there came put "hanako" at line 3: put "taro"`},
		"another action":     {0, func(p *cardtest.Player, _ card.Conn) error { p.Bench().Lift(); return p.Unused() }, "there came lift at line 3"},
		"a call too early":   {0, func(p *cardtest.Player, _ card.Conn) error { _, err := p.Connect(t.Context(), 4); return err }, "there came connect 4 at line 3"},
		"another number":     {1, func(p *cardtest.Player, _ card.Conn) error { _, err := p.Connect(t.Context(), 5); return err }, "there came connect 5 at line 5: connect 4"},
		"another command":    {2, transmit(t, []byte{0x00, 0xA4, 0x04, 0x0C, 0x02, 0xAB, 0xCE}), "there came send 1 00A4040C 02 ABCE at line 6: send 1 00A4040C 02 ABCD -> 9000"},
		"a shorter command":  {2, transmit(t, selectABCD[:5]), "there came send 1 00A4040C 02 at line 6"},
		"a longer command":   {2, transmit(t, append(selectABCD[:7:7], 0)), "there came send 1 00A4040C 02 ABCD 00 at line 6"},
		"a step left out":    {2, func(_ *cardtest.Player, conn card.Conn) error { return conn.Close() }, "there came close 1 at line 6"},
		"a longer PIN":       {3, transmit(t, pin), "there came send 1 00200080 05 *5 at line 7: send 1 00200080 04 *4"},
		"a call too many":    {6, transmit(t, selectABCD), "there came send 1 00A4040C 02 ABCD at its end"},
		"an action too many": {6, func(p *cardtest.Player, _ card.Conn) error { p.Bench().Lift(); return p.Unused() }, "there came lift at its end"},
	} {
		t.Run(about, func(t *testing.T) {
			p := cardtest.Playback(script(t, short))
			conn := act(t, p, c.steps)
			err := c.do(p, conn)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), `cannot play "short": `) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if fault.CodeOf(err) != fault.Internal || strings.Contains(err.Error(), "3132") {
				t.Errorf("%v", err)
			}
			if _, next := p.Connect(t.Context(), 4); !errors.Is(next, err) || !errors.Is(p.Unused(), err) {
				t.Errorf("afterwards: %v, %v", next, p.Unused())
			}
		})
	}
}

func transmit(t *testing.T, command []byte) func(*cardtest.Player, card.Conn) error {
	return func(_ *cardtest.Player, conn card.Conn) error {
		_, err := conn.Transmit(t.Context(), command)
		return err
	}
}

const waits = "transcript 1 \"waits\"\nconnect 1 -> fault reader_busy reader ended\nconnect 1 -> fault card_lifted card\n"

// A call ends with its context if it did then, and only then.
func TestPlaybackContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := cardtest.Playback(script(t, waits))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := p.Connect(ctx, 1)
		if fault.CodeOf(err) != fault.ReaderBusy || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if _, err := p.Connect(t.Context(), 1); fault.CodeOf(err) != fault.CardLifted || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		p.Close(t)

		p = cardtest.Playback(script(t, waits))
		if _, err := p.Connect(context.Background(), 1); err == nil || !strings.Contains(err.Error(), "this context never ends") || p.Unused() == nil {
			t.Errorf("%v", err)
		}

		p = cardtest.Playback(script(t, waits))
		if _, err := p.Connect(ctx, 1); fault.CodeOf(err) != fault.ReaderBusy {
			t.Errorf("%v", err)
		}
		if _, err := p.Connect(ctx, 1); err == nil || !strings.Contains(err.Error(), "its context has ended") || p.Unused() == nil {
			t.Errorf("%v", err)
		}

		// Nothing waits longer than Run runs.
		p = cardtest.Playback(script(t, waits))
		alive, stop := context.WithCancel(t.Context())
		go func() { _ = p.Run(alive) }()
		time.AfterFunc(time.Second, stop)
		other, end := context.WithCancel(t.Context())
		defer end()
		if _, err := p.Connect(other, 1); err == nil || !strings.Contains(err.Error(), "its context has not ended") {
			t.Errorf("%v", err)
		}
	})
}

// Only the newest state is kept, and none is told while nobody serves.
func TestPlaybackStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := cardtest.Playback(script(t, "transcript 1 \"s\"\nput \"taro\"\nstate \"A\"\nstate \"B\"\nlift\nstate \"C\"\n"))
		bench := p.Bench()
		bench.Put("taro")
		names := func() (all []string) {
			for {
				synctest.Wait()
				select {
				case s := <-p.Watch():
					name := "none"
					if len(s.Readers) > 0 {
						name = s.Readers[0].Name
					}
					all = append(all, name)
				default:
					return all
				}
			}
		}
		check := func(want string) {
			t.Helper()
			if got := strings.Join(names(), " "); got != want {
				t.Errorf("states %q, want %q", got, want)
			}
		}
		check("none")
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = p.Run(ctx) }()
		check("B")
		bench.Lift()
		check("C")
		cancel()
		check("none")
		p.Close(t)
	})
}

// Escape commands, and those that are no APDU, pass through both.
func TestEscapesArePlayed(t *testing.T) {
	r, rec := recorder(t, true)
	own := cardtest.NewWAON([8]byte{1, 2, 3}, 0x684F, "6900123456789013").Behind(cardtest.WaySonyEscape)
	visit := func(d card.Driver, bench cardtest.Bench) []string {
		t.Helper()
		bench.Put("a card of one's own")
		conn := reach(t, d)
		defer func() { _ = conn.Close() }()
		escaper, ok := conn.(card.Escaper)
		if !ok {
			t.Fatal("the connection takes no escape commands")
		}
		var said []string
		for _, do := range []func(context.Context, []byte) ([]byte, error){escaper.Escape, conn.Transmit} {
			for _, command := range [][]byte{{0xFF, 0x50, 0x00, 0x00, 0x02, 0x81, 0x00, 0x00}, {0xFF}, {}} {
				answer, err := do(t.Context(), command)
				said = append(said, fmt.Sprintf("%X %v", answer, err))
			}
		}
		return said
	}
	want := visit(rec, rec.Hand(cardtest.Bench{Put: func(name string) { r.PutCard(name, own) }}))
	text := rec.Transcript().String()
	if !strings.Contains(text, "escape 1 FF50000002810000 -> ") {
		t.Error(text)
	}
	player := cardtest.Playback(script(t, text))
	run(t, player)
	if got := visit(player, player.Bench()); !slices.Equal(got, want) {
		t.Errorf("played %q, recorded %q", got, want)
	}
	player.Close(t)
}
