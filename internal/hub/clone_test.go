package hub_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/hub"
)

// answers makes a link answer pings in a way of its own: with what it gives, or with
// nothing.
func (n *line) answers(with func(data string) []byte) {
	n.conn.SetPingHandler(func(data string) error {
		if b := with(data); b != nil {
			return n.conn.WriteControl(websocket.PongMessage, b, time.Now().Add(soon))
		}
		return nil
	})
}

// Who would stay must answer pings, each once and with its number.
func TestOnlyAnswersAreSignsOfLife(t *testing.T) {
	for name, with := range map[string]func() func(string) []byte{
		"with nothing in it": func() func(string) []byte { return func(string) []byte { return []byte{} } },
		"with one number again and again": func() func(string) []byte {
			var first []byte
			return func(data string) []byte {
				if first == nil {
					first = []byte(data)
				}
				return first
			}
		},
		"with numbers to come": func() func(string) []byte {
			return func(data string) []byte {
				return binary.BigEndian.AppendUint64(nil, binary.BigEndian.Uint64([]byte(data))+1000)
			}
		},
		"with a word": func() func(string) []byte { return func(string) []byte { return []byte("alive!!!") } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			l := r.takeLinks(r.store, func(l *hub.Links) { l.Ping = 200 * time.Millisecond })
			copied := openAnswering(t, r.kiosk("demo"), l, run1, with())
			select {
			case <-copied.over:
			case <-time.After(soon):
				t.Error("the link goes on")
			}
		})
	}
}

// openAnswering opens a link that answers pings in a way of its own from the first on.
func openAnswering(t *testing.T, k *kiosk, l *linked, run string, with func(data string) []byte) *line {
	t.Helper()
	var n *line
	eventually(t, "the hub takes links", func() bool {
		c, resp, err := dial(k, l, run)
		if resp != nil {
			_ = resp.Body.Close()
		}
		if err != nil {
			return false
		}
		n = &line{t: t, conn: c, over: make(chan struct{})}
		return true
	})
	n.answers(with)
	go func() {
		defer close(n.over)
		for n.why == nil {
			_, _, n.why = n.conn.ReadMessage()
		}
	}()
	t.Cleanup(func() { n.conn.Close(); <-n.over })
	return n
}

// A copy that comes first answers as late as it can: it lives by answers to pings of
// before, and is proved all the same.
func TestLateAnswersAreProof(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Ping = 300 * time.Millisecond })
	k := r.kiosk("demo")
	var before []byte
	openAnswering(t, k, l, run1, func(data string) []byte {
		answer := before
		before = []byte(data)
		return answer
	})
	rows(t, r.store, "demo", run1)
	open(t, k, l, run2)
	eventually(t, "an alarm", func() bool { return len(cloned(t, r.store)) == 1 })
}

// flood opens as many links as a kiosk may have, which say nothing: each with a run of
// its own.
func flood(t *testing.T, k *kiosk, l *linked, name string) (all []*line) {
	t.Helper()
	for i := range 4 {
		all = append(all, open(t, k, l, fmt.Sprintf("%s-number-%d", name, i), true))
	}
	return all
}

// first waits until the hub has the one link that there is: others come after it.
func (l *linked) first(t *testing.T) {
	t.Helper()
	eventually(t, "the link is there", func() bool { return l.links.Count() == 1 })
}

// A copy opens links faster than the hub looks, which end the right one's. That comes
// back, and answers.
func TestCopyThatPushesOutIsNoticed(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Batch, l.Ping = 2*time.Second, time.Minute })
	k := r.kiosk("demo")
	right := open(t, k, l, run1)
	l.first(t)
	flood(t, k, l, "copy")
	right.ends(websocket.CloseNormalClosure)
	again := open(t, k, l, run1)
	eventually(t, "an alarm", func() bool { return len(cloned(t, r.store)) == 1 })
	if a := cloned(t, r.store)[0]; a.Kiosk != "demo" || !strings.Contains(a.Text, again.conn.LocalAddr().String()) ||
		!strings.Contains(a.Text, run1[:8]) || !strings.Contains(a.Text, "copy-num") {
		t.Errorf("alarm %+v", a)
	}
}

// A copy leaves the right one no time to answer, whenever it comes.
func TestCopyThatPushesOutAtOnceIsNoticed(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Batch, l.Ping = 2*time.Second, time.Minute })
	k := r.kiosk("demo")
	var before []*line
	for i := range 3 {
		right := open(t, k, l, run1, true)
		if before == nil {
			l.first(t)
		} else {
			eventually(t, "one makes room for the right one's", func() bool {
				return slices.ContainsFunc(before, func(n *line) bool { return !n.open() })
			})
		}
		before = flood(t, k, l, fmt.Sprintf("copy-%d", i))
		right.ends(websocket.CloseNormalClosure)
	}
	eventually(t, "an alarm", func() bool { return len(cloned(t, r.store)) == 1 })
}

// A copy that opens ever so many links wants it forgotten whom it has pushed out.
func TestCopyThatPushesOutWithoutEndIsNoticed(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Batch, l.Ping = time.Second, time.Minute })
	k := r.kiosk("demo")
	for i := range 18 {
		flood(t, k, l, fmt.Sprintf("copy-%d", i))
	}
	eventually(t, "an alarm", func() bool { return len(cloned(t, r.store)) > 0 })
}

// A kiosk that is killed time after time while its line flaps leaves dead links behind,
// pushes them out, and is one machine.
func TestManyRestartsAreNoCopy(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Ping, l.Sweep = time.Second, 50*time.Millisecond })
	k := r.kiosk("demo")
	for i := range 12 {
		run := fmt.Sprintf("run-number-%d", i)
		for range 1 + i%3 { // the line flaps
			open(t, k, l, run, true)
		}
	}
	var now *line
	for range 6 {
		now = open(t, k, l, run3)
	}
	rows(t, r.store, "demo", run3)
	eventually(t, "several pings", func() bool { return now.pinged() > 2 })
	if list := cloned(t, r.store); len(list) != 0 || !now.open() {
		t.Errorf("alarms %+v", list)
	}
}

// A busy hub may finish links in another order than that in which the kiosk asked for them.
// Those that it asked for last stay, and none of its own makes another one suspect.
func TestLinksThatOvertakeEachOther(t *testing.T) {
	flaps, starts := []string{"a", "a", "a"}, []string{"a", "b", "c", "d", "e", "f"}
	for _, c := range []struct {
		runs  []string
		order []int
		want  []string
	}{
		{flaps, []int{0, 1, 2}, []string{"a"}},
		{flaps, []int{2, 1, 0}, []string{"a"}},
		{starts, []int{0, 1, 2, 3, 4, 5}, []string{"c", "d", "e", "f"}},
		{starts, []int{5, 4, 3, 2, 1, 0}, []string{"c", "d", "e", "f"}},
		{starts, []int{1, 5, 0, 4, 2, 3}, []string{"c", "d", "e", "f"}},
		{[]string{"a", "b", "b", "c"}, []int{3, 2, 0, 1}, []string{"a", "b", "c"}},
	} {
		if got := hub.Overtaken(time.Now, c.runs, c.order); !slices.Equal(got, c.want) {
			t.Errorf("%v in the order %v: %v stay, not %v", c.runs, c.order, got, c.want)
		}
	}
	early := hub.Link{ID: "1", Hub: "this", Since: time.Unix(1, 0)}
	late := hub.Link{ID: "2", Hub: "this", Since: time.Unix(2, 0)}
	elsewhere := hub.Link{ID: "3", Hub: "other", Since: time.Unix(0, 0)} // whose clock is behind
	for _, c := range []struct{ first, second, older hub.Link }{
		{early, late, early}, {late, early, early}, {late, elsewhere, late}, {elsewhere, late, elsewhere},
	} {
		if got := hub.OvertakenRows(c.first, c.second); got != c.older {
			t.Errorf("%s noted before %s: %s is the older", c.first.ID, c.second.ID, got.ID)
		}
	}
}

// A link that makes room does so once, however long its end takes.
func TestPushedOutOnce(t *testing.T) {
	var runs []string
	for i := range 20 {
		runs = append(runs, fmt.Sprintf("run-number-%d", i))
	}
	if n := hub.Crowd(time.Now, runs...); n != 0 {
		t.Errorf("%d alarms of one machine", n)
	}
	back := append([]string{run1}, runs[:4]...)
	back = append(append(back, run1), runs[4:8]...)
	if n := hub.Crowd(time.Now, back...); n != 0 {
		t.Errorf("%d alarms, and it was back once", n)
	}
	back = append(append(back, run1), runs[8:12]...)
	if n := hub.Crowd(time.Now, back...); n != 1 {
		t.Errorf("%d alarms of two machines", n)
	}
}
