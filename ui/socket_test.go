package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/flow"
)

// browser is a window of the test's own.
type browser struct {
	t  *testing.T
	ws *websocket.Conn
}

func (s *site) open() *browser {
	s.t.Helper()
	ws, resp, err := websocket.DefaultDialer.DialContext(s.t.Context(), "ws://"+s.addr+"/ws", http.Header{"Origin": {"http://" + s.addr}})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = ws.Close() })
	return &browser{t: s.t, ws: ws}
}

// message is either a snapshot or a reply.
type message struct {
	V      int    `json:"v"`
	Seq    uint64 `json:"seq"`
	Since  uint64 `json:"since"`
	Screen struct {
		Step flow.StepName `json:"step"`
	} `json:"screen"`
	Error string `json:"error"`
	Stale bool   `json:"stale"`
}

func (b *browser) next() (message, error) {
	b.t.Helper()
	if err := b.ws.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		b.t.Fatal(err)
	}
	kind, raw, err := b.ws.ReadMessage()
	if err != nil {
		return message{}, err
	}
	var m message
	if err := json.Unmarshal(raw, &m); err != nil || kind != websocket.TextMessage {
		b.t.Fatalf("message is %q: %v", raw, err)
	}
	return m, nil
}

// snapshot waits for the next snapshot.
func (b *browser) snapshot() message {
	b.t.Helper()
	m, err := b.next()
	if err != nil {
		b.t.Fatal(err)
	}
	if m.V != flow.SnapshotVersion {
		b.t.Fatalf("message is %+v, want a snapshot", m)
	}
	return m
}

// at waits until the screen stands at step.
func (b *browser) at(step flow.StepName) message {
	b.t.Helper()
	for {
		if m := b.snapshot(); m.Screen.Step == step {
			return m
		}
	}
}

func (b *browser) send(raw string) {
	b.t.Helper()
	if err := b.ws.WriteMessage(websocket.TextMessage, []byte(raw)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) touch(seq uint64, kind, data string) {
	b.t.Helper()
	b.send(fmt.Sprintf(`{"seq":%d,"type":%q,"data":%s}`, seq, kind, data))
}

// reply waits for the next message that is no snapshot.
func (b *browser) reply() message {
	b.t.Helper()
	for {
		m, err := b.next()
		if err != nil {
			b.t.Fatal(err)
		}
		if m.V == 0 {
			return m
		}
	}
}

// closed waits for the end and checks what the browser is told.
func (b *browser) closed(code int, reason string) {
	b.t.Helper()
	for {
		_, err := b.next()
		if err == nil {
			continue
		}
		var end *websocket.CloseError
		if !errors.As(err, &end) || end.Code != code || end.Text != reason {
			b.t.Errorf("connection ended with %v, want %d %s", err, code, reason)
		}
		return
	}
}

func TestTwoWindowsShowTheSame(t *testing.T) {
	s := newSite(t, nil)
	first, second := s.open(), s.open()
	one, two := first.snapshot(), second.snapshot()
	if one.Screen.Step != flow.StepTop || two.Screen.Step != flow.StepTop {
		t.Fatalf("windows show %s and %s", one.Screen.Step, two.Screen.Step)
	}
	first.touch(two.Seq, "start", `{"plan":"manage"}`)
	a, b := first.at(flow.StepManagePhone), second.at(flow.StepManagePhone)
	if a.Seq != b.Seq || a.Since != b.Since {
		t.Errorf("windows show snapshots %d/%d and %d/%d", a.Seq, a.Since, b.Seq, b.Since)
	}
	second.touch(b.Seq, "key", `{"text":"0"}`)
	if a, b := first.snapshot(), second.snapshot(); a.Seq != b.Seq || a.Seq <= a.Since {
		t.Errorf("windows show %d and %d after a key", a.Seq, b.Seq)
	}
}

func TestReconnectShowsThePresent(t *testing.T) {
	s := newSite(t, nil)
	w := s.open()
	w.touch(w.snapshot().Seq, "start", `{"plan":"manage"}`)
	m := w.at(flow.StepManagePhone)
	if err := w.ws.Close(); err != nil {
		t.Fatal(err)
	}
	if again := s.open().snapshot(); again.Screen.Step != flow.StepManagePhone || again.Seq < m.Seq {
		t.Errorf("after a reload: %+v", again)
	}
}

func TestStaleAndEarlyTouches(t *testing.T) {
	s := newSite(t, nil)
	w := s.open()
	top := w.snapshot()
	w.touch(top.Seq, "start", `{"plan":"manage"}`)
	w.touch(top.Seq, "start", `{"plan":"manage"}`) // a double tap
	if r := w.reply(); !r.Stale || r.Seq != top.Seq {
		t.Errorf("a double tap is answered with %+v", r)
	}
	w.touch(top.Seq+1000, "home", `null`)
	if r := w.reply(); r.Error != "bad_message" {
		t.Errorf("a touch on a snapshot that never was is answered with %+v", r)
	}
	if m := s.open().snapshot(); m.Screen.Step != flow.StepManagePhone {
		t.Errorf("screen is %s", m.Screen.Step)
	}
}

func TestBadMessages(t *testing.T) {
	s := newSite(t, func(l *limits) { l.forgiven = 1000; l.perSecond = 1000; l.burst = 1000 })
	w := s.open()
	w.snapshot()
	for _, bad := range []string{
		``, ` `, `{`, `null`, `[]`, `7`, `"next"`, `{}`, "\xff\xfe", "\x00",
		`{"seq":1}`, `{"type":"next"}{}`, `{"seq":1,"type":"next"} x`,
		`{"seq":-1,"type":"next"}`, `{"seq":1.5,"type":"next"}`, `{"seq":"1","type":"next"}`, `{"seq":1e99,"type":"next"}`,
		`{"seq":1,"type":"format_disk"}`, `{"seq":1,"type":"next","data":7}`, `{"seq":1,"type":"next","extra":1}`,
		`{"seq":1,"type":"next","type":"home"}`, `{"seq":1,"type":"start"}`, `{"seq":1,"type":"start","data":{"plan":"all"}}`,
		`{"seq":1,"type":"key","data":{"text":"123456789"}}`, `{"seq":1,"type":"key","data":{"text":""}}`,
		`{"seq":1,"type":"staff_ends"}`, `{"seq":18446744073709551615,"type":"next"}`,
		strings.Repeat(`{"seq":`, 400), `{"seq":1,"type":"key","data":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
	} {
		w.send(bad)
		if r := w.reply(); r.Error != "bad_message" && !r.Stale {
			t.Errorf("%.60q is answered with %+v", bad, r)
		}
	}
	if m := s.open().snapshot(); m.Screen.Step != flow.StepTop {
		t.Errorf("screen is %s", m.Screen.Step)
	}
}

func TestWindowsThatKeepBreakingTheRulesAreClosed(t *testing.T) {
	s := newSite(t, func(l *limits) { l.linger = 200 * time.Millisecond })
	t.Run("bad messages", func(t *testing.T) {
		w := s.open()
		for range standard().forgiven + 1 {
			w.send(`{"seq":1,"type":"format_disk"}`)
		}
		w.closed(websocket.ClosePolicyViolation, "bad_message")
	})
	t.Run("flood", func(t *testing.T) {
		w := s.open()
		seq := w.snapshot().Seq
		for range 2000 {
			err := w.ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"seq":%d,"type":"size","data":{"size":1}}`, seq))
			if err != nil {
				break // closed already
			}
		}
		w.closed(websocket.ClosePolicyViolation, "too_fast")
	})
	t.Run("too long", func(t *testing.T) {
		w := s.open()
		w.send(`{"seq":1,"type":"key","data":{"text":"` + strings.Repeat("0", 5000) + `"}}`)
		w.closed(websocket.CloseMessageTooBig, "")
	})
	t.Run("too long in parts", func(t *testing.T) {
		w := s.open()
		out, err := w.ws.NextWriter(websocket.TextMessage)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			if _, err := io.WriteString(out, strings.Repeat(" ", 1000)); err != nil {
				break
			}
		}
		_ = out.Close() // the server may have gone
		w.closed(websocket.CloseMessageTooBig, "")
	})
	t.Run("binary", func(t *testing.T) {
		w := s.open()
		if err := w.ws.WriteMessage(websocket.BinaryMessage, []byte(`{"seq":1,"type":"next"}`)); err != nil {
			t.Fatal(err)
		}
		w.closed(websocket.CloseUnsupportedData, "binary")
	})
	if m := s.open().snapshot(); m.Screen.Step != flow.StepTop {
		t.Errorf("screen is %s", m.Screen.Step)
	}
}

func TestTooManyWindows(t *testing.T) {
	s := newSite(t, func(l *limits) { l.windows = 2 })
	first := s.open()
	s.open()
	_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.addr+"/ws", http.Header{"Origin": {"http://" + s.addr}})
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("the third window: %v, %v", resp, err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	first.snapshot()
	if err := first.ws.Close(); err != nil {
		t.Fatal(err)
	}
	for {
		ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.addr+"/ws", http.Header{"Origin": {"http://" + s.addr}})
		if resp != nil {
			_ = resp.Body.Close()
		}
		if err == nil {
			_ = ws.Close()
			return // its place was free again
		}
	}
}

// A browser that does not answer pings has gone, whatever TCP says.
func TestSilentBrowserIsGone(t *testing.T) {
	s := newSite(t, func(l *limits) { l.ping = 20 * time.Millisecond; l.pong = 100 * time.Millisecond; l.windows = 1 })
	w := s.open()
	w.ws.SetPingHandler(func(string) error { return nil })
	if _, err := w.next(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := w.next(); err != nil {
			return // closed from the other side
		}
	}
}

func TestQuietBrowserStays(t *testing.T) {
	s := newSite(t, func(l *limits) { l.ping = 50 * time.Millisecond; l.pong = time.Second })
	w := s.open()
	w.snapshot()
	pings := 0
	answer := w.ws.PingHandler()
	enough := make(chan struct{})
	w.ws.SetPingHandler(func(text string) error {
		if pings++; pings == 60 { // three times as long as the silence allowed
			close(enough)
		}
		return answer(text)
	})
	go func() {
		for {
			if _, _, err := w.ws.ReadMessage(); err != nil {
				return
			}
		}
	}()
	select {
	case <-enough:
	case <-time.After(20 * time.Second):
		t.Error("the connection did not live")
	}
}

func TestEndOfServerIsTold(t *testing.T) {
	s := newSite(t, func(l *limits) { l.linger = 100 * time.Millisecond })
	w := s.open()
	w.snapshot()
	go s.stop()
	w.closed(websocket.CloseGoingAway, "shutdown")
}

// FuzzMessage throws anything at the parser of messages: it refuses or gives a touch.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"seq":1,"type":"key","data":{"text":"１"}}`))
	f.Add([]byte(`{"seq":1,"type":"start","data":{"plan":"full"}}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, fact, err := parse(raw)
		if (err == nil) != (fact != nil) {
			t.Errorf("%q gives %v, %v, %v", raw, in, fact, err)
		}
	})
}
