package cardtest

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// desk is vpcd as the card sees it: it takes connections and asks.
type desk struct {
	t     *testing.T
	slot  *Slot
	v     *VPCD
	calls chan net.Conn
	end   func() // ends Run; the end of the test does it too

	mu      sync.Mutex
	deaf    bool        // takes no connection
	dialled []time.Time // when one was asked for
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, slot: NewSlot(), calls: make(chan net.Conn, 1)}
	d.v = newVPCD(d.slot, func(context.Context) (net.Conn, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.dialled = append(d.dialled, time.Now())
		if d.deaf {
			return nil, errors.New("cannot connect: nobody there")
		}
		card, vpcd := net.Pipe()
		d.calls <- vpcd
		return card, nil
	})
	d.end = running(t, d.v)
	return d
}

// running runs a device until the function that it returns is called.
func running(t *testing.T, v *VPCD) func() {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	end := sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	t.Cleanup(end)
	return end
}

// setDeaf gives back when connections were asked for until now.
func (d *desk) setDeaf(on bool) []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deaf = on
	was := d.dialled
	d.dialled = nil
	return was
}

func (d *desk) put(id string) net.Conn {
	d.t.Helper()
	if err := d.slot.Put(id); err != nil {
		d.t.Fatal(err)
	}
	return <-d.calls
}

// say sends a frame, given in hex.
func (d *desk) say(c net.Conn, frame string) {
	d.t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(frame, " ", ""))
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := c.Write(append([]byte{byte(len(b) >> 8), byte(len(b))}, b...)); err != nil {
		d.t.Fatalf("%s: %v", frame, err)
	}
}

// ask sends a frame and holds the answer against want.
func (d *desk) ask(c net.Conn, frame, want string) {
	d.t.Helper()
	d.say(c, frame)
	if got := d.hear(c); got != strings.ReplaceAll(want, " ", "") {
		d.t.Errorf("%s: %s, want %s", frame, got, want)
	}
}

func (d *desk) hear(c net.Conn) string {
	d.t.Helper()
	b, err := readFrame(c)
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.ToUpper(hex.EncodeToString(b))
}

// gone waits for the end of a connection, on which nothing more may come.
func (d *desk) gone(c net.Conn) {
	d.t.Helper()
	if b, err := io.ReadAll(c); err != nil || len(b) != 0 {
		d.t.Errorf("%x, %v: want the end of the connection", b, err)
	}
	_ = c.Close()
	synctest.Wait()
	if d.v.Connected() {
		d.t.Error("still connected")
	}
}

// silent makes sure that nothing comes for a while.
func (d *desk) silent(c net.Conn, span time.Duration) {
	d.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(span))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		d.t.Errorf("%d bytes, %v: want silence", n, err)
	}
	_ = c.SetReadDeadline(time.Time{})
}

const (
	askATR     = "04"
	switchOff  = "00"
	switchOn   = "01"
	warm       = "02"
	taroATR    = "3B888001000005E0B381A1007F"
	selectAP   = "00 A4 04 0C 0A D392F000260100000001"
	selectPIN  = "00 A4 02 0C 02 0018"
	countTries = "00 20 00 80"
	rightPIN   = "00 20 00 80 04 31323334"
	wrongPIN   = "00 20 00 80 04 39393939"
)

func (d *desk) unlock(c net.Conn) {
	d.t.Helper()
	d.ask(c, selectAP, "9000")
	d.ask(c, selectPIN, "9000")
	d.ask(c, rightPIN, "9000")
	d.ask(c, countTries, "9000")
}

// counter selects the PIN and asks how many tries there are.
func (d *desk) counter(c net.Conn, want string) {
	d.t.Helper()
	d.ask(c, selectAP, "9000")
	d.ask(c, selectPIN, "9000")
	d.ask(c, countTries, want)
}

func TestVPCDDialogue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		synctest.Wait()
		if d.v.Connected() || len(d.setDeaf(false)) != 0 {
			t.Error("connected without a card")
		}
		c := d.put("taro")
		synctest.Wait()
		if d.v.Connected() {
			t.Error("connected before vpcd has said anything")
		}
		d.ask(c, askATR, taroATR)
		if !d.v.Connected() {
			t.Error("not connected")
		}
		d.say(c, switchOn) // no answer: the next one is to the next frame
		d.unlock(c)
		d.ask(c, askATR, taroATR)
		d.say(c, switchOff)
		d.say(c, switchOn)
		d.ask(c, countTries, "6986")
		d.counter(c, "63C3")
		d.unlock(c)
		d.say(c, warm)
		d.counter(c, "63C3")
		d.say(c, "07") // not a control that there is
		d.ask(c, "00 00", "6700")
		d.slot.Lift()
		d.gone(c)

		c = d.put("hanako")
		d.unlock(c)
		d.end()
		d.gone(c)
		if _, there := d.slot.arrived(); there {
			t.Error("the card is still served")
		}
	})
}

func TestVPCDWarmReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		p := TaroProfile()
		p.KeepOverReset = true
		d.slot.PutCard("keeps", NewJPKI(p))
		c := <-d.calls
		d.unlock(c)
		d.say(c, warm)
		d.ask(c, countTries, "6986")
		d.counter(c, "9000")
		_ = d.slot.Put("unknown") // knows no warm reset
		d.gone(c)
		c = <-d.calls
		d.say(c, warm)
		d.ask(c, selectAP, "6A82")
	})
}

// A swap and an unplugged reader are other connections.
func TestVPCDSwap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		c := d.put("taro")
		d.unlock(c)
		next := d.put("waon-1")
		d.gone(c)
		d.ask(next, askATR, "3B8F8001804F0CA00000030611003B0000000042")
		again := d.put("taro")
		d.gone(next)
		d.counter(again, "63C3")
		d.slot.Power(false)
		d.gone(again)
		d.slot.Power(true)
		c = <-d.calls
		d.counter(c, "63C3")
		if err := d.slot.PutAlso("hanako"); err != nil {
			t.Fatal(err)
		}
		d.ask(c, countTries, "63C3")
		d.slot.Lift()
		d.gone(c)
		d.counter(<-d.calls, "63C3")
	})
}

func TestVPCDTear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		for after, left := range map[bool]string{false: "63C3", true: "63C2"} {
			d.slot.ResetCounters()
			c := d.put("taro")
			d.counter(c, "63C3")
			if after {
				d.slot.TearAfter(1)
			} else {
				d.slot.TearAt(1)
			}
			d.ask(c, askATR, taroATR) // does not count
			d.ask(c, countTries, "63C3")
			d.say(c, wrongPIN)
			d.gone(c)
			if d.slot.Persona() != "" || d.slot.Tear() != -1 {
				t.Errorf("%q lies there, tear at %d", d.slot.Persona(), d.slot.Tear())
			}
			c = d.put("taro")
			d.counter(c, left)
			d.slot.Lift()
			d.gone(c)
		}
	})
}

// The answer of a mute card is withheld; what it is asked counts once.
func TestVPCDMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		c := d.put("taro")
		d.counter(c, "63C3")
		d.slot.Mute(true)
		d.ask(c, askATR, taroATR) // it still lies there
		d.slot.ClearLog()
		d.slot.TearAt(1)
		d.say(c, wrongPIN)
		d.silent(c, time.Hour)
		d.slot.Mute(false)
		if got := d.hear(c); got != "63C2" {
			t.Errorf("answer %s", got)
		}
		if l := d.slot.Log(); len(l) != 1 || l[0].SW != 0x63C2 || d.slot.Tear() != 0 {
			t.Errorf("log %+v, tear at %d", l, d.slot.Tear())
		}
		d.slot.TearAt(-1)
	})
}

// A card that is mute or slow can be taken away all the same.
func TestVPCDLeavesWhileItOwesAnAnswer(t *testing.T) {
	for about, leave := range map[string]func(*desk){
		"lifted":    func(d *desk) { d.slot.Lift() },
		"unplugged": func(d *desk) { d.slot.Power(false) },
		"swapped":   func(d *desk) { d.slot.PutCard("other", NewUnknown(ContactATR())) },
		"Run ends":  func(d *desk) { d.end() },
	} {
		for owes, keep := range map[string]func(*Slot){
			"mute":   func(s *Slot) { s.Mute(true) },
			"slow":   func(s *Slot) { s.Slow(time.Hour) },
			"empty":  func(s *Slot) { s.PutCard("empty", hollow{}) },
			"no ATR": func(s *Slot) { s.PutCard("empty", hollow{}) },
		} {
			t.Run(about+" "+owes, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDesk(t)
					keep(d.slot)
					if d.slot.Persona() == "" {
						_ = d.slot.Put("taro")
					}
					c, question := <-d.calls, countTries
					if owes == "no ATR" {
						question = askATR
					}
					d.say(c, question)
					d.silent(c, time.Minute)
					leave(d)
					d.gone(c)
				})
			})
		}
	}
}

// hollow is a card whose answers have no content.
type hollow struct{}

func (hollow) ATR() []byte          { return nil }
func (hollow) Power(bool)           {}
func (hollow) Answer([]byte) []byte { return nil }
func (hollow) ResetCounters()       {}

func TestVPCDSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		c := d.put("taro")
		d.counter(c, "63C3")
		d.slot.Slow(3 * time.Second)
		start := time.Now()
		d.ask(c, countTries, "63C3")
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("answered after %v", took)
		}
		start = time.Now()
		d.ask(c, askATR, taroATR)
		if took := time.Since(start); took != 0 {
			t.Errorf("ATR after %v", took)
		}
	})
}

// A pcscd that is away is waited for, and one that comes back is served.
func TestVPCDReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.setDeaf(true)
		if err := d.slot.Put("taro"); err != nil {
			t.Fatal(err)
		}
		pause(t.Context(), 10*time.Second)
		tried := d.setDeaf(false)
		for i := 1; i < len(tried); i++ {
			gap := tried[i].Sub(tried[i-1])
			if want := min(soonest<<(i-1), latest); gap != want {
				t.Errorf("try %d after %v, want %v", i, gap, want)
			}
		}
		if len(tried) < 10 {
			t.Errorf("%d tries", len(tried))
		}
		c := <-d.calls
		d.unlock(c)
		start := time.Now()
		_ = c.Close() // pcscd ends
		c = <-d.calls
		if took := time.Since(start); took != soonest {
			t.Errorf("tried again after %v", took)
		}
		d.ask(c, askATR, taroATR)
		d.counter(c, "63C3")

		// Even while it owes an answer.
		d.slot.Mute(true)
		d.say(c, countTries)
		synctest.Wait()
		_ = c.Close()
		c = <-d.calls
		d.slot.Mute(false)
		d.counter(c, "63C3")

		d.setDeaf(true)
		_ = c.Close()
		pause(t.Context(), 10*time.Second)
		d.slot.Lift()
		d.setDeaf(false)
		pause(t.Context(), time.Minute)
		if tried := d.setDeaf(false); len(tried) != 0 {
			t.Errorf("%d tries without a card", len(tried))
		}
	})
}

// Handles may be used from anywhere while vpcd asks; nothing leaks.
func TestVPCDConcurrentHandles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				select {
				case c := <-d.calls:
					wg.Go(func() { _, _ = io.Copy(io.Discard, c) })
					wg.Go(func() {
						defer c.Close()
						for _, frame := range []string{askATR, switchOn, selectAP, warm, selectPIN, countTries, switchOff} {
							b, _ := hex.DecodeString(strings.ReplaceAll(frame, " ", ""))
							if _, err := c.Write(append([]byte{0, byte(len(b))}, b...)); err != nil {
								return
							}
						}
					})
				case <-ctx.Done():
					return
				}
			}
		})
		wg.Go(func() {
			for s := range 200 {
				_ = d.slot.Put([]string{"taro", "waon-1", "unknown"}[s%3])
				d.slot.TearAt(s % 4)
				d.slot.Power(s%7 != 0)
				d.slot.Slow(time.Duration(s%3) * time.Millisecond)
				d.slot.Mute(s%11 == 0)
				_, _, _ = d.slot.Persona(), d.slot.Tear(), d.v.Connected()
				pause(ctx, time.Duration(s%5)*time.Millisecond)
			}
			d.slot.Mute(false)
			d.end()
			cancel()
		})
		wg.Wait()
	})
}

// Over real sockets.
func TestVPCDSockets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	d := &desk{t: t, slot: NewSlot()}
	d.v = NewVPCD(d.slot, addr)
	end := running(t, d.v)
	_ = d.slot.Put("taro")
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	d.unlock(c)
	d.slot.Lift()
	if b, err := io.ReadAll(c); len(b) != 0 || err != nil {
		t.Errorf("%x, %v", b, err)
	}
	_ = c.Close()
	_ = d.slot.Put("taro")
	if c, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	d.counter(c, "63C3")
	end()
	_ = c.Close()
	_ = l.Close()
}
