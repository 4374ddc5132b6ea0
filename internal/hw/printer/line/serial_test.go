package line

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func dialSerial(t *testing.T, path string) *Serial {
	t.Helper()
	s, err := DialSerial(t.Context(), path, SerialOptions{Baud: 115200})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSerialPort(t *testing.T) {
	t.Run("round trip", func(t *testing.T) {
		p := pty(t)
		roundTrip(t, dialSerial(t, p.Path), p.Master)
	})
	t.Run("takes no data", func(t *testing.T) { stalls(t, dialSerial(t, pty(t).Path)) })
	t.Run("closed", func(t *testing.T) {
		s := dialSerial(t, pty(t).Path)
		read, wrote := start(s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		for _, err := range []error{<-read, <-wrote} {
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("err = %v", err)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
	t.Run("adapter pulled out", func(t *testing.T) {
		p := pty(t)
		s := dialSerial(t, p.Path)
		read, wrote := start(s)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		pulled(t, s, read, wrote)
	})
	t.Run("again", func(t *testing.T) {
		p := pty(t)
		for range 3 {
			s := dialSerial(t, p.Path)
			roundTrip(t, s, p.Master)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestSerialIsSetUp(t *testing.T) {
	s := dialSerial(t, pty(t).Path)
	w, ok := s.wire.(*tty)
	if !ok {
		t.Fatal("no tty")
	}
	err := control(w.raw, func(fd int) error {
		set, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		if got := set.Cflag & unix.CBAUD; got != unix.B115200 {
			t.Errorf("speed %#x", got)
		}
		if set.Iflag&(unix.IXON|unix.IXOFF|unix.ICRNL) != 0 || set.Lflag&(unix.ECHO|unix.ICANON) != 0 || set.Oflag&unix.OPOST != 0 {
			t.Errorf("not raw: %+v", set)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSerialRefuses(t *testing.T) {
	p := pty(t)
	for _, flow := range []Flow{FlowDTR, FlowRTS} { // a pty has no modem lines
		if _, err := DialSerial(t.Context(), p.Path, SerialOptions{Flow: flow}); !errors.Is(err, ErrUnsuitable) {
			t.Errorf("flow %s: %v", flow, err)
		}
	}
	file := filepath.Join(t.TempDir(), "tty")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Kind{file: ErrUnsuitable, file + "9": ErrAbsent, os.DevNull: ErrUnsuitable} {
		if _, err := DialSerial(t.Context(), path, SerialOptions{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want kind %q", path, err, want)
		}
	}
	if _, err := DialSerial(t.Context(), p.Path, SerialOptions{Baud: 12345}); !errors.Is(err, ErrAddress) {
		t.Errorf("speed: %v", err)
	}
}

// slow is a wire that sends at its speed on the bubble's clock.
type slow struct {
	baud  int
	begin time.Time
	done  chan struct{}

	mu    sync.Mutex
	bits  int // the modem lines
	err   error
	sent  int // bytes written so far
	idle  int // of them, how many had gone when the queue was last looked at
	since time.Time
	most  int // the longest queue
}

func (w *slow) queued() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	one := 10 * time.Second / time.Duration(w.baud)
	whole := int(time.Since(w.since) / one)
	w.idle, w.since = w.idle+whole, w.since.Add(time.Duration(whole)*one)
	if w.idle >= w.sent {
		w.idle, w.since = w.sent, time.Now()
	}
	return w.sent - w.idle, nil
}

func (w *slow) Write(p []byte) (int, error) {
	q, _ := w.queued()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent += len(p)
	w.most = max(w.most, q+len(p))
	return len(p), nil
}

func (w *slow) modem() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bits, w.err
}

func (w *slow) change(bits int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bits, w.err = bits, err
}

func (w *slow) counts() (sent, most int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent, w.most
}

func (w *slow) Read([]byte) (int, error)         { <-w.done; return 0, os.ErrClosed }
func (w *slow) SetWriteDeadline(time.Time) error { return nil }
func (w *slow) discard() error                   { return nil }
func (w *slow) Close() error                     { close(w.done); return nil }

func newSlow(o SerialOptions) (*Serial, *slow) {
	w := &slow{baud: o.Baud, begin: time.Now(), since: time.Now(), done: make(chan struct{})}
	return newSerial("serial:x", w, o), w
}

func TestSerialKeepsTheQueueShort(t *testing.T) {
	for _, baud := range []int{9600, 115200} {
		synctest.Test(t, func(t *testing.T) {
			s, w := newSlow(SerialOptions{Baud: baud})
			n, err := s.Write(make([]byte, baud)) // ten seconds
			if n != baud || err != nil {
				t.Fatalf("Write = %d, %v", n, err)
			}
			if d := time.Since(w.begin); d < 9990*time.Millisecond || d > 11*time.Second {
				t.Errorf("%d baud: took %v", baud, d)
			}
			if longest := time.Duration(w.most) * s.byte; longest > 70*time.Millisecond {
				t.Errorf("%d baud: %d bytes waited, %v", baud, w.most, longest)
			}
		})
	}
}

func TestSerialFlowControl(t *testing.T) {
	for flow, bit := range map[Flow]int{FlowDTR: unix.TIOCM_DSR, FlowRTS: unix.TIOCM_CTS} {
		t.Run(string(flow), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newSlow(SerialOptions{Baud: 115200, Flow: flow})
				const all = unix.TIOCM_DSR | unix.TIOCM_CTS | unix.TIOCM_CD
				w.change(all&^bit, nil)
				wrote := make(chan error, 1)
				go func() {
					_, err := s.Write(make([]byte, 1000))
					wrote <- err
				}()
				if err := rest(time.Minute, nil, nil); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if sent, _ := w.counts(); sent != 0 {
					t.Errorf("%d bytes went to a busy printer", sent)
				}
				w.change(all, nil)
				err := <-wrote
				if sent, most := w.counts(); err != nil || sent != 1000 || most > 128 {
					t.Errorf("sent %d, at most %d waited, %v", sent, most, err)
				}
				w.change(all&^bit, nil)
				begin := time.Now()
				if err := s.SetWriteDeadline(begin.Add(time.Second)); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Write([]byte{1}); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != time.Second {
					t.Errorf("%v after %v", err, time.Since(begin))
				}
				w.change(all, unix.EIO)
				if _, err := s.Write([]byte{1}); !errors.Is(err, ErrUnplugged) {
					t.Errorf("pulled out: %v", err)
				}
			})
		})
	}
}

func TestSerialCloseEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newSlow(SerialOptions{Baud: 9600, Flow: FlowDTR})
		wrote := make(chan error, 1)
		go func() {
			_, err := s.Write([]byte{1})
			wrote <- err
		}()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-wrote; !errors.Is(err, os.ErrClosed) {
			t.Errorf("err = %v", err)
		}
		if d := time.Since(w.begin); d != 0 {
			t.Errorf("it took %v", d)
		}
	})
}
