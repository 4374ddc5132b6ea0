package ui

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/flow"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/light"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/kiosk"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// dark is lights that nobody looks at.
type dark struct{}

func (dark) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (dark) Show(light.Signal)             {}

// offline is a hub that is not there.
type offline struct{}

var errOffline = errors.New("offline")

func (offline) IssueStart(context.Context, wire.IssueStart) (wire.IssueStarted, error) {
	return wire.IssueStarted{}, errOffline
}

func (offline) IssueResend(context.Context, wire.IssueResend) (wire.IssueStarted, error) {
	return wire.IssueStarted{}, errOffline
}

func (offline) IssueVerify(context.Context, wire.IssueVerify) (wire.IssueVerified, error) {
	return wire.IssueVerified{}, errOffline
}

func (offline) IssueComplete(context.Context, wire.IssueComplete) (wire.Issued, error) {
	return wire.Issued{}, errOffline
}

func (offline) Lookup(context.Context, wire.Lookup) (wire.Account, error) {
	return wire.Account{}, errOffline
}

func (offline) Inquiry(context.Context, wire.InquiryRequest) (wire.Standing, error) {
	return wire.Standing{}, errOffline
}

// site is a server on a real socket, before a real kiosk.
type site struct {
	t      *testing.T
	addr   string
	kiosk  *kiosk.Kiosk
	server *Server
	stop   func()
}

// newSite starts it; change may alter the server's limits before.
func newSite(t *testing.T, change func(*limits)) *site {
	t.Helper()
	return newGuardedSite(t, "", change)
}

// newGuardedSite starts one that asks for a token.
func newGuardedSite(t *testing.T, token string, change func(*limits)) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	outbox, err := ksync.OpenOutbox(t.Context(), filepath.Join(t.TempDir(), "outbox.db"),
		func() (*wire.Enrolment, bool) { return nil, false }, log)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	reader, paper := cardtest.NewReader(), printertest.New(printer.Full().Dots)
	line := make(chan bool)
	k := kiosk.New(kiosk.Options{
		Settings: flow.Settings{Catalogue: cat, Name: "test", Langs: []string{"ja", "en"}},
		Reader:   reader, Printer: printer.New(paper.Dial, printer.Full(), log), Lights: dark{},
		Outbox: outbox, Hub: offline{}, Line: line, Kick: func() {},
		Identity: func() (string, bool) { return "", false },
		Draw:     func(flow.Slip, bool) printer.Drawing { return nil },
		Clock:    kiosk.NewClock(time.Now), Log: log,
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, addr: ln.Addr().String(), kiosk: k, server: New(Options{Visit: k, Token: token, Version: "test", Log: log})}
	if change != nil {
		change(&s.server.limits)
		s.server.windows = make(chan struct{}, s.server.limits.windows)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 3)
	go func() { ended <- k.Run(ctx) }()
	go func() { ended <- s.server.Run(ctx, ln) }()
	go func() { ended <- reader.Run(ctx) }()
	line <- true
	line <- true // taken once the first has been dealt with: what needs the line can be chosen
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		for range cap(ended) {
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		paper.Close()
		if err := outbox.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(s.stop)
	return s
}

// answer is what came of a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// get asks for a path, with headers as pairs; "Host" sets the host.
func (s *site) get(path string, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.addr+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Add(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func TestForeignRequestsAreRefused(t *testing.T) {
	s := newSite(t, nil)
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		path    string
		headers []string
		reason  string // "" = let through
	}{
		{"own address", "/healthz", nil, ""},
		{"localhost", "/healthz", []string{"Host", "localhost:" + port}, ""},
		{"upper case", "/healthz", []string{"Host", "LocalHost:" + port}, ""},
		{"own origin", "/healthz", []string{"Origin", "http://localhost:" + port}, ""},
		{"rebound name", "/", []string{"Host", "kiosk.example:" + port}, "foreign_host"},
		{"rebound name on the socket", "/ws", []string{"Host", "kiosk.example:" + port, "Origin", "http://kiosk.example:" + port}, "foreign_host"},
		{"other port", "/healthz", []string{"Host", "127.0.0.1:1"}, "foreign_host"},
		{"other address", "/healthz", []string{"Host", "192.0.2.1:" + port}, "foreign_host"},
		{"foreign page", "/healthz", []string{"Origin", "https://shop.example"}, "foreign_origin"},
		{"file", "/healthz", []string{"Origin", "null"}, "foreign_origin"},
		{"own origin over TLS", "/healthz", []string{"Origin", "https://localhost:" + port}, "foreign_origin"},
		{"two origins", "/healthz", []string{"Origin", "http://localhost:" + port, "Origin", "https://shop.example"}, "foreign_origin"},
		{"foreign page on the socket", "/ws", []string{"Origin", "https://shop.example"}, "foreign_origin"},
		{"no page on the socket", "/ws", nil, "foreign_origin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.get(c.path, c.headers...)
			if c.reason == "" {
				if got.status != http.StatusOK {
					t.Errorf("status %d: %s", got.status, got.body)
				}
				return
			}
			var told struct{ Error string }
			if err := json.Unmarshal([]byte(got.body), &told); err != nil || told.Error != c.reason || got.status != http.StatusForbidden {
				t.Errorf("status %d, %s, want 403 %s", got.status, got.body, c.reason)
			}
		})
	}
}

func TestServerOnAllAddressesKnowsThem(t *testing.T) {
	g := newGate(&net.TCPAddr{IP: net.IPv4zero, Port: 8080}, nil, nil)
	for host, want := range map[string]bool{
		"192.0.2.7:8080": true, "[2001:db8::1]:8080": true, "localhost:8080": true,
		"192.0.2.7:80": false, "kiosk.example:8080": false, "192.0.2.7": false, "": false,
	} {
		if g.hosted(host) != want {
			t.Errorf("hosted(%q) is %v", host, !want)
		}
	}
}

func TestHeaders(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range []string{"/", "/healthz", "/nothing", "/brand.css", "/brand/logo", "/favicon.svg"} {
		header := s.get(path).header
		checkPolicy(t, path, header)
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers are %v", path, header)
		}
	}
}

func TestPages(t *testing.T) {
	s := newSite(t, nil)
	for path, status := range map[string]int{
		"/nothing.js": http.StatusNotFound,
		"/assets/":    http.StatusNotFound,
		"/.gitkeep":   http.StatusNotFound,
		"/../go.mod":  http.StatusNotFound,
		"/dock":       http.StatusNotFound, // no simulated hardware here
		"/dock.html":  http.StatusNotFound,
		"/dock/api/x": http.StatusNotFound,
	} {
		if got := s.get(path); got.status != status {
			t.Errorf("%s: status %d, want %d", path, got.status, status)
		}
	}
	got := s.get("/")
	if _, err := dist.ReadFile("dist/index.html"); err != nil {
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "make build") {
			t.Errorf("without a build: status %d: %s", got.status, got.body)
		}
		return
	}
	if got.status != http.StatusOK || !strings.Contains(got.body, "<script") || got.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("status %d, %v", got.status, got.header)
	}
	files, err := dist.ReadDir("dist/assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		got := s.get("/assets/" + f.Name())
		if got.status != http.StatusOK || !strings.Contains(got.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d, %v", f.Name(), got.status, got.header)
		}
	}
}

func TestHealth(t *testing.T) {
	s := newSite(t, nil)
	got := s.get("/healthz")
	if got.status != http.StatusOK || !strings.Contains(got.body, `"status":"ok"`) || !strings.Contains(got.body, `"step":"top"`) {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}

// Whatever was open is closed when the server ends, and nothing goes on running.
func TestNothingIsLeftRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newSite(t, nil)
	for range 3 {
		w := s.open()
		w.snapshot()
	}
	s.stop()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
		<-time.After(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}
