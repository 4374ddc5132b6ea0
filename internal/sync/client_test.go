package sync

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

func TestClientAnswers(t *testing.T) {
	good := func(w http.ResponseWriter) { reply(w, wire.IssueVerified{Session: "s"}) }
	html := func(status int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>please log in</html>")
		}
	}
	text := func(status int, kind, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		want   fault.Code
	}{
		"good":           {good, ""},
		"portal":         {html(200), fault.HubRubbish},
		"redirect":       {html(302), fault.HubRubbish},
		"network log-in": {html(511), fault.HubRubbish},
		"gateway":        {html(502), fault.LineDown},
		"not JSON":       {text(200, "application/json", "<html>"), fault.HubRubbish},
		"no type":        {text(200, "", `{"session":"s"}`), fault.HubRubbish},
		"unknown member": {text(200, "application/json", `{"session":"s","x":1}`), fault.HubRubbish},
		"too long":       {text(200, "application/json", `{"session":"`+strings.Repeat("a", wire.MaxBody)+`"}`), fault.HubRubbish},
		"refusal":        {func(w http.ResponseWriter) { problem(w, wire.Problem{Status: 422, Code: fault.OTPWrong, TriesLeft: 2}) }, fault.OTPWrong},
		"new refusal":    {func(w http.ResponseWriter) { problem(w, wire.Problem{Status: 422, Code: "from_the_future"}) }, fault.HubRefused},
		"other status":   {text(400, "application/problem+json", `{"type":"","title":"","status":200,"code":"otp_wrong"}`), fault.HubRubbish},
		"no content":     {func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }, fault.HubRubbish},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeys(t)
			serve(t, k, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.answer(w) }))
			got, err := newClient(t, k, ClientOptions{}).IssueVerify(t.Context(), wire.IssueVerify{Session: "s", Code: "123456"})
			if fault.CodeOf(err) != c.want || (err == nil) != (got.Session == "s") {
				t.Fatalf("got %+v, err %v", got, err)
			}
			var refusal *RefusalError
			if name == "refusal" && (!errors.As(err, &refusal) || refusal.Problem.TriesLeft != 2) {
				t.Fatalf("err = %#v", err)
			}
			if name == "gateway" && retryAfterOf(err) != 7*time.Second {
				t.Fatalf("Retry-After = %v", retryAfterOf(err))
			}
		})
	}
}

func TestClientTrustsOnlyItsHub(t *testing.T) {
	k := newKeys(t)
	hub := serve(t, k, newLedger(k))
	t.Run("another CA", func(t *testing.T) {
		other := newKeys(t)
		other.enrol.HubURL = hub.URL
		if err := newClient(t, other, ClientOptions{}).Report(t.Context(), wire.Report{}); fault.CodeOf(err) != fault.HubRubbish {
			t.Fatalf("err = %v", err)
		}
	})
	t.Run("another kiosk", func(t *testing.T) {
		other := newKeys(t)
		e := *k.enrol
		e.ClientCert, e.ClientKey = other.enrol.ClientCert, other.enrol.ClientKey
		c, err := NewClient(&e, ClientOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Report(t.Context(), wire.Report{}); fault.CodeOf(err) != fault.HubRefused {
			t.Fatalf("err = %v", err)
		}
	})
	t.Run("a kiosk at the hub's address", func(t *testing.T) {
		mine := newKeys(t) // a kiosk's certificate that even names the address
		cert, err := tls.X509KeyPair([]byte(mine.enrol.ClientCert), []byte(mine.enrol.ClientKey))
		if err != nil {
			t.Fatal(err)
		}
		mine.tls.Certificates = []tls.Certificate{cert}
		var reached atomic.Int32
		serve(t, mine, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
		if err := newClient(t, mine, ClientOptions{}).Report(t.Context(), wire.Report{}); fault.CodeOf(err) != fault.HubRubbish || reached.Load() > 0 {
			t.Fatalf("err = %v after %d requests", err, reached.Load())
		}
	})
	t.Run("TLS 1.2", func(t *testing.T) {
		old := newKeys(t)
		old.tls.MinVersion, old.tls.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		serve(t, old, newLedger(old))
		if err := newClient(t, old, ClientOptions{}).Report(t.Context(), wire.Report{}); fault.CodeOf(err) != fault.HubRubbish {
			t.Fatalf("err = %v", err)
		}
	})
	t.Run("plain HTTP", func(t *testing.T) {
		plain := httptest.NewServer(newLedger(k))
		defer plain.Close()
		e := *k.enrol
		e.HubURL = strings.Replace(plain.URL, "http:", "https:", 1)
		c, err := NewClient(&e, ClientOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Report(t.Context(), wire.Report{}); fault.CodeOf(err) != fault.HubRubbish {
			t.Fatalf("err = %v", err)
		}
	})
	t.Run("forged acknowledgement", func(t *testing.T) {
		forger := newKeys(t)
		forger.tls, forger.seal, forger.ackID = k.tls, k.seal, k.ackID
		e := *k.enrol
		mine := &keys{enrol: &e, tls: k.tls}
		serve(t, mine, newLedger(forger))
		s, err := wire.Seal(k.seal.Public(), "kiosk-1", wire.NewSubmissionID(), entry("1", wire.KindReservation).Payload)
		if err != nil {
			t.Fatal(err)
		}
		ack, err := newClient(t, mine, ClientOptions{}).Submit(t.Context(), s)
		if fault.CodeOf(err) != fault.HubRubbish || ack.Proven() {
			t.Fatalf("err = %v", err)
		}
	})
}

func TestClientSlowAndDown(t *testing.T) {
	k := newKeys(t)
	release := make(chan struct{})
	var calls atomic.Int32
	hub := serve(t, k, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1); <-release }))
	defer close(release)
	c := newClient(t, k, ClientOptions{Interactive: 100 * time.Millisecond})
	if _, err := c.Lookup(t.Context(), wire.Lookup{}); fault.CodeOf(err) != fault.HubSlow {
		t.Fatalf("slow: %v", err)
	}
	if n := calls.Load(); n != 1 {
		t.Fatalf("a slow call was made %d times", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Lookup(ctx, wire.Lookup{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	down := newClient(t, k, ClientOptions{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("the cable is out")
	}})
	if _, err := down.Lookup(t.Context(), wire.Lookup{}); fault.CodeOf(err) != fault.LineDown {
		t.Fatalf("down: %v", err)
	}
	hole := newClient(t, k, ClientOptions{Connect: 20 * time.Millisecond, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	if _, err := hole.Lookup(t.Context(), wire.Lookup{}); fault.CodeOf(err) != fault.LineDown {
		t.Fatalf("black hole: %v", err)
	}
	_ = hub
}

func TestClientRepeatsALostCallOnce(t *testing.T) {
	for name, c := range map[string]struct {
		lose  int32
		calls int32
		want  fault.Code
	}{"once": {1, 2, ""}, "always": {100, 2, fault.LineDown}} {
		t.Run(name, func(t *testing.T) {
			k := newKeys(t)
			var mu stdsync.Mutex
			var ids []string
			var n atomic.Int32
			serve(t, k, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				req, err := wire.Decode[wire.IssueComplete](b)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				ids = append(ids, req.RequestID)
				mu.Unlock()
				if n.Add(1) <= c.lose {
					panic(http.ErrAbortHandler) // the connection breaks after the hub has acted
				}
				reply(w, wire.Issued{Service: "aeon"})
			}))
			client := newClient(t, k, ClientOptions{})
			var seen []error
			client.Observe(func(err error) { seen = append(seen, err) })
			_, err := client.IssueComplete(t.Context(), wire.IssueComplete{Session: "s", Password: "p"})
			if fault.CodeOf(err) != c.want || n.Load() != c.calls || len(seen) != 1 {
				t.Fatalf("err %v after %d calls, observed %v", err, n.Load(), seen)
			}
			if ids[0] == "" || ids[0] != ids[1] {
				t.Fatalf("request IDs %q", ids)
			}
		})
	}
}

func TestRetryAfterAsDate(t *testing.T) {
	h := http.Header{"Date": {"Mon, 01 Jan 2001 00:00:00 GMT"}, "Retry-After": {"Mon, 01 Jan 2001 00:02:00 GMT"}}
	if d := parseRetryAfter(h); d != 2*time.Minute { // whatever year this kiosk believes in
		t.Fatalf("%v", d)
	}
	for _, v := range []string{"", "-5", "soon", "9999999999999999999"} {
		if d := parseRetryAfter(http.Header{"Retry-After": {v}}); d != 0 {
			t.Errorf("%q: %v", v, d)
		}
	}
	if d := parseRetryAfter(http.Header{"Retry-After": {"999999999"}}); d != maxRetryAfter {
		t.Errorf("unbounded: %v", d)
	}
}
