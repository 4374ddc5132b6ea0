package ui

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/gorilla/websocket"
)

// FuzzFrames sends the lines of a text as frames to a real socket. The window goes on or
// is told why not: net/http would swallow a panic, and cut the connection without a word.
// The next window is served as ever.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{
		`t{"seq":1,"type":"start","data":{"plan":"manage"}}`,
		"t{}\nt[]\nt\nt{\"seq\":18446744073709551615,\"type\":\"next\"}",
		`b{"seq":1,"type":"next"}`, "l{", "pping\nopong\nt{", "t\xff\xfe\nb",
		"t{\"seq\":1,\"type\":\"home\"}\nl" + `{"seq":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Add(bytes.Repeat([]byte("t{\n"), 30))  // more than is forgiven
	f.Add(bytes.Repeat([]byte("t{\n"), 150)) // faster than is allowed
	f.Fuzz(func(t *testing.T, text []byte) {
		s := newSite(t, nil)
		w := s.open()
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			kind, frame := websocket.TextMessage, line
			if len(line) > 0 {
				frame = line[1:]
				switch line[0] {
				case 'b':
					kind = websocket.BinaryMessage
				case 'p':
					kind, frame = websocket.PingMessage, frame[:min(len(frame), 125)]
				case 'o':
					kind, frame = websocket.PongMessage, frame[:min(len(frame), 125)]
				case 'l':
					frame = append(bytes.Clone(frame), make([]byte, standard().message)...)
				}
			}
			if w.ws.WriteMessage(kind, frame) != nil {
				break // ended already, which is read below
			}
		}
		bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		_ = w.ws.WriteMessage(websocket.CloseMessage, bye) // or it has ended
		var err error
		for err == nil {
			_, err = w.next()
		}
		var end *websocket.CloseError
		codes := []int{
			websocket.CloseNormalClosure, websocket.ClosePolicyViolation, websocket.CloseUnsupportedData, websocket.CloseMessageTooBig,
		}
		if !errors.As(err, &end) || !slices.Contains(codes, end.Code) {
			t.Errorf("the connection ended with %v", err)
		}
		if err := w.ws.Close(); err != nil {
			t.Error(err)
		}
		s.open().snapshot()
		if got := s.get("/healthz"); got.status != http.StatusOK {
			t.Errorf("afterwards: %d %s", got.status, got.body)
		}
	})
}
