package acs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/board"
	"kioskd/internal/hw/light"
)

const (
	acr122u  = "ACS ACR122U PICC Interface 00 00"
	acr1252u = "ACS ACR1252 1S CL Reader PICC 0"
)

// fakeReaders is one reader that takes commands, or does not.
type fakeReaders struct {
	mu       sync.Mutex
	name     string
	err      error
	slow     time.Duration
	sent     []string
	at       []time.Time
	refusing bool
	showing  map[string]byte // by reader: the last byte of what it took
}

func (f *fakeReaders) Preferred() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.name
}

func (f *fakeReaders) Control(ctx context.Context, reader string, command []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if reader != f.name && f.showing[reader] == 0 {
		return nil, &fault.Error{Device: "reader", Op: "control the reader", Code: fault.ReaderGone}
	}
	f.sent, f.at = append(f.sent, fmt.Sprintf("%X", command)), append(f.at, time.Now())
	if f.slow > 0 {
		timer := time.NewTimer(f.slow)
		defer timer.Stop()
		f.mu.Unlock() // not meanwhile
		select {
		case <-timer.C:
			f.mu.Lock()
		case <-ctx.Done():
			f.mu.Lock()
			return nil, &fault.Error{Device: "reader", Op: "control the reader", Code: fault.CardMute, Cause: ctx.Err()}
		}
	}
	switch {
	case f.err != nil:
		return nil, f.err
	case f.refusing:
		return []byte{0x63, 0x00}, nil
	case command[0] == 0xE0:
		if f.showing == nil {
			f.showing = map[string]byte{}
		}
		f.showing[reader] = command[len(command)-1]
		return append([]byte{0xE1}, command[1:]...), nil
	}
	return []byte{0x90, 0x03}, nil
}

func (f *fakeReaders) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// commands gives what was sent since the last call.
func (f *fakeReaders) commands() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := strings.Join(f.sent, " ")
	f.sent = nil
	return all
}

func run(t *testing.T, f *fakeReaders, beep bool, play func(l *Light)) string {
	t.Helper()
	var log bytes.Buffer
	l := New(f, beep, slog.New(slog.NewTextHandler(&log, nil)))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	synctest.Wait()
	play(l)
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ended with %v", err)
	}
	return log.String()
}

func pass(d time.Duration) {
	t := time.NewTimer(d)
	<-t.C
	synctest.Wait()
}

// say is what a group does with a signal.
func say(l *Light, s light.Signal) {
	l.Show(light.At(light.Reader, s))
	l.Sound(s)
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		reader                             string
		dark, green, both, red, beepOnDark string
	}{
		{acr122u, "FF00400C0400000000", "FF00400E0400000000", "FF00400F0400000000", "FF00400D0400000000", "FF0040AC0401000101"},
		{acr1252u, "E00000290100", "E00000290102", "E00000290103", "E00000290101", "E0000028010A"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeReaders{name: c.reader}
			run(t, f, true, func(l *Light) {
				pass(10 * time.Second)
				check := func(about, want string) {
					t.Helper()
					if got := f.commands(); got != want {
						t.Errorf("%s: %s: %s, want %s", c.reader, about, got, want)
					}
				}
				check("at the start", c.dark)
				say(l, light.PutCard)
				pass(time.Minute)
				check("put card", c.green)
				say(l, light.Reading)
				pass(time.Minute)
				check("reading", c.both)
				say(l, light.Done)
				say(l, light.Done)
				pass(time.Minute)
				check("done", strings.Replace(c.beepOnDark, "AC", "AF", 1)+" "+c.dark)
				say(l, light.LookAtScreen)
				pass(time.Minute)
				check("look at the screen", c.beepOnDark+" "+c.beepOnDark)
				say(l, light.Identify)
				pass(2*time.Second + 100*time.Millisecond)
				got := f.commands()
				if strings.Count(got, c.red) != 2 || strings.Count(got, c.green) != 2 {
					t.Errorf("%s: identify: %s", c.reader, got)
				}
				if p := l.Parts(); p[0].State != board.Ready || p[0].Name != c.reader || len(l.Shining(light.Red)) != 1 {
					t.Errorf("%+v", p)
				}
			})
			if got := f.commands(); got != c.dark {
				t.Errorf("%s: at the end: %s", c.reader, got)
			}
		})
	}
}

// Whatever is shown: not more than two commands a second.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeReaders{name: acr122u, slow: 120 * time.Millisecond}
		run(t, f, true, func(l *Light) {
			for i := range 400 {
				say(l, light.All()[i*7%len(light.All())])
				pass(90 * time.Millisecond)
			}
		})
		for i := range len(f.at) - 2 { // the last one makes it dark
			if d := f.at[i+1].Sub(f.at[i]); d < pace {
				t.Fatalf("two commands within %v", d)
			}
		}
		if len(f.at) < 30 {
			t.Errorf("only %d commands", len(f.at))
		}
	})
}

// A reader that is busy with a card is left alone and tried again; it is well.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeReaders{name: acr1252u}
		log := run(t, f, true, func(l *Light) {
			pass(time.Second)
			f.set(func() { f.err = &fault.Error{Device: "reader", Op: "control the reader", Code: fault.ReaderBusy} })
			say(l, light.PutCard)
			pass(5 * time.Second)
			if p := l.Parts(); p[0].State != board.Ready {
				t.Errorf("%+v", p)
			}
			say(l, light.Done) // by the time that it can, nobody would know why it beeps
			pass(5 * time.Second)
			f.commands()
			f.set(func() { f.err = nil })
			say(l, light.PutCard)
			pass(5 * time.Second)
			if got := f.commands(); got != "E00000290102" {
				t.Errorf("afterwards %s", got)
			}
		})
		if log != "" {
			t.Errorf("log:\n%s", log)
		}
	})
}

// A reader that is busy at the end is made dark all the same, if that does not last.
func TestBusyAtTheEnd(t *testing.T) {
	for busy, want := range map[time.Duration]string{
		300 * time.Millisecond: "E00000290100",
		time.Hour:              "",
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeReaders{name: acr1252u}
			var stopped time.Time
			run(t, f, true, func(l *Light) {
				say(l, light.PutCard)
				pass(2 * time.Second)
				f.commands()
				f.set(func() { f.err = &fault.Error{Device: "reader", Op: "control the reader", Code: fault.ReaderBusy} })
				stopped = time.Now()
				timer := time.AfterFunc(busy, func() { f.set(func() { f.err, f.sent = nil, nil }) })
				t.Cleanup(func() { timer.Stop() })
			})
			tried := len(f.sent)
			got := f.commands()
			if want != "" && got != want || want == "" && (tried < 20 || tried > 22) {
				t.Errorf("busy for %v: %d commands, %s", busy, tried, got)
			}
			if took := time.Since(stopped); took > parting+retry {
				t.Errorf("busy for %v: it took %v", busy, took)
			}
		})
	}
}

// A reader that gives no answer is left alone: each command may hang behind the last.
func TestMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeReaders{name: acr1252u}
		log := run(t, f, true, func(l *Light) {
			pass(time.Second)
			f.set(func() { f.slow = time.Minute })
			say(l, light.PutCard)
			pass(time.Minute)
			f.commands()
			say(l, light.Identify)
			pass(sulk - 2*time.Minute)
			if got := f.commands(); got != "" {
				t.Errorf("while it is left alone: %s", got)
			}
			if p := l.Parts(); p[0].State != board.Failed || p[0].Cause == "" {
				t.Errorf("%+v", p)
			}
			pass(2 * time.Minute)
			if got := f.commands(); got != "E00000290101" && got != "E00000290102" {
				t.Errorf("once it is tried again: %s", got)
			}
			f.set(func() { f.slow, f.name = 0, acr122u }) // another one has sinned nothing
			pass(again)
			if p := l.Parts(); p[0].State != board.Ready || f.commands() == "" {
				t.Errorf("another reader: %+v", p)
			}
			f.set(func() { f.slow, f.name = time.Minute, acr1252u })
			pass(again)
			f.commands()
		})
		if got := f.commands(); got != "" {
			t.Errorf("at the end: %s", got)
		}
		if strings.Count(log, "A status light fails") != 2 || strings.Count(log, "is back") != 1 {
			t.Errorf("log:\n%s", log)
		}
	})
}

// A reader that is no longer the preferred one does not stay lit.
func TestAnotherReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const other = "ACS ACR1252 1S CL Reader PICC 1"
		f := &fakeReaders{name: acr1252u}
		run(t, f, true, func(l *Light) {
			say(l, light.PutCard)
			pass(2 * time.Second)
			f.set(func() { f.name = other })
			pass(2 * time.Second)
			if f.showing[acr1252u] != 0 || f.showing[other] != 2 {
				t.Errorf("%v", f.showing)
			}
		})
	})
}

func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeReaders{name: acr1252u}
		run(t, f, false, func(l *Light) {
			say(l, light.LookAtScreen)
			pass(5 * time.Second)
			if got := f.commands(); got != "E00000290100" {
				t.Errorf("%s", got)
			}
		})
	})
}

// A reader that is found a moment after the start is no trouble.
func TestStartsBeforeTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeReaders{}
		log := run(t, f, true, func(l *Light) {
			pass(2 * time.Second)
			if p := l.Parts(); p[0].State != board.Waiting {
				t.Errorf("%+v", p)
			}
			f.set(func() { f.name = acr122u })
			pass(200 * time.Millisecond)
			if p := l.Parts(); p[0].State != board.Ready {
				t.Errorf("%+v", p)
			}
		})
		if log != "" {
			t.Errorf("log:\n%s", log)
		}
		log = run(t, &fakeReaders{}, true, func(l *Light) {
			pass(2 * grace)
			if p := l.Parts(); p[0].State != board.Absent {
				t.Errorf("%+v", p)
			}
		})
		if strings.Count(log, "A status light fails") != 1 {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestTrouble(t *testing.T) {
	for _, c := range []struct {
		name   string
		broken func(f *fakeReaders)
		state  board.State
	}{
		{"no reader", func(f *fakeReaders) { f.name = "" }, board.Absent},
		{"another make", func(f *fakeReaders) { f.name = "Sony FeliCa Port/PaSoRi 4.0 00 00" }, board.Absent},
		{"its sister", func(f *fakeReaders) { f.name = "ACS ACR1222 1S PICC Reader" }, board.Absent},
		{"escape commands are blocked", func(f *fakeReaders) {
			f.err = &fault.Error{Device: "reader", Op: "control the reader", Code: fault.CardRefused}
		}, board.Failed},
		{"the reader refuses", func(f *fakeReaders) { f.refusing = true }, board.Failed},
		{"pcscd is away", func(f *fakeReaders) {
			f.err = &fault.Error{Device: "reader", Op: "control the reader", Code: fault.ReaderGone}
		}, board.Absent},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeReaders{name: acr122u}
			log := run(t, f, true, func(l *Light) {
				say(l, light.Identify)
				pass(time.Second)
				f.set(func() { c.broken(f) })
				pass(time.Minute)
				if p := l.Parts(); p[0].State != c.state || p[0].Cause == "" || len(l.Shining(light.Red)) != 0 {
					t.Errorf("%s: %+v", c.name, p)
				}
				f.commands()
				pass(time.Minute)
				if n := strings.Count(f.commands(), " "); n > 7 {
					t.Errorf("%s: tried %d times a minute", c.name, n)
				}
				f.set(func() { f.name, f.err, f.slow, f.refusing = acr122u, nil, 0, false })
				pass(20 * time.Second)
				if p := l.Parts(); p[0].State != board.Ready {
					t.Errorf("%s: afterwards %+v", c.name, p)
				}
			})
			if strings.Count(log, "A status light fails") != 1 || strings.Count(log, "is back") != 1 {
				t.Errorf("%s: log:\n%s", c.name, log)
			}
		})
	}
}
