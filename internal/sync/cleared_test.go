package sync

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"kioskd/internal/wire"
)

// eavesdropper is a hub at the end of the client's own buffers: it keeps what it gets
// and gives without a copy.
type eavesdropper struct {
	answer string
	broken error // instead of the answer's end

	asked [][]byte // the request, in the client's memory
	heard bool     // the password was in it
	given [][]byte // the answer, in the client's memory
}

// Write is given the whole of a bytes.Reader as it lies.
func (e *eavesdropper) Write(p []byte) (int, error) {
	e.asked = append(e.asked, p)
	e.heard = e.heard || bytes.Contains(p, []byte("zebra1234"))
	return len(p), nil
}

func (e *eavesdropper) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(e, r.Body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: e, Request: r}, nil
}

// Read gives pieces, as a line does.
func (e *eavesdropper) Read(p []byte) (int, error) {
	if e.answer == "" {
		if e.broken != nil {
			return 0, e.broken
		}
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 700)], e.answer)
	e.given = append(e.given, p[:n])
	e.answer = e.answer[n:]
	return n, nil
}

func (*eavesdropper) Close() error { return nil }

// What was asked and answered is not left in the client's buffers, nor in those that the
// answer has outgrown, however the call ends.
func TestNothingIsLeftInTheBuffers(t *testing.T) {
	const long = 3000 // bytes, so that the buffer grows
	for name, tc := range map[string]struct {
		answer string
		broken error
	}{
		"an answer":    {`{"status":"applied","service_id":"` + strings.Repeat("6", long) + `"}`, nil},
		"rubbish":      {strings.Repeat("6", long), nil},
		"too much":     {strings.Repeat("6", wire.MaxBody+1000), nil},
		"a broken one": {strings.Repeat("6", long), errors.New("the line is cut")},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, newKeys(t), ClientOptions{})
			e := &eavesdropper{answer: tc.answer, broken: tc.broken}
			c.http.Transport = e
			_, err := c.Lookup(t.Context(), wire.Lookup{Phone: "09012345678", Password: "zebra1234"})
			if failed := err != nil; failed != (name != "an answer") {
				t.Fatal(err)
			}
			asked, given := bytes.Join(e.asked, nil), bytes.Join(e.given, nil)
			if !e.heard || len(given) < long {
				t.Fatalf("the password was overheard: %t, and %d bytes of the answer", e.heard, len(given))
			}
			if left := bytes.Trim(asked, "\x00"); len(left) > 0 {
				t.Errorf("of the request there is left %q", left)
			}
			if left := bytes.Trim(given, "\x00"); len(left) > 0 {
				t.Errorf("of the answer there are left %d bytes: %.60q", len(left), left)
			}
		})
	}
}

// What is committed is named without a copy of it: there is no room made for one.
func TestDigestMakesNoCopy(t *testing.T) {
	p := entry("1", wire.KindReservation).Payload
	p.Signed.Certificate = bytes.Repeat([]byte("zebra"), 1600)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would take encoding/json's buffers away
	least := uint64(1 << 62)
	for range 30 { // the first makes them, and the race detector loses some
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := digestOf(p); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if size := uint64(len(p.Signed.Certificate)); least > size/4 {
		t.Errorf("%d bytes are allocated to name %d", least, size)
	}
}
