package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/hub/sqlite"
	"kioskd/internal/wire"
)

// asProgram is set where this test binary runs as hubd.
const asProgram = "KIOSKD_HUBD_TEST_PROGRAM"

// program is hubd as a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// A hub on SQLite hears nothing of what a command beside it has changed. With the settings
// that hubs have, a revocation takes effect within the minute that the manual promises, also
// over connections that are open.
func TestRevocationTakesEffectWithinAMinute(t *testing.T) {
	dir := t.TempDir()
	process := program(t, "--demo", "--data", dir, "--api", "127.0.0.1:0", "--console", "127.0.0.1:0")
	out, err := process.StdoutPipe()
	must(t, err)
	must(t, process.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.Contains(line, "console http://") {
		t.Fatalf("printed %q (%v)", line, err)
	}
	k := openKiosk(t, dir)
	k.linkNoted(dir)
	if status, _, _ := k.report(t.Context()); status != http.StatusNoContent {
		t.Fatalf("before: %d", status)
	}

	within, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := func(args ...string) {
		t.Helper()
		if said, err := program(t, append([]string{"kiosk"}, append(args, "--data", dir)...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, said)
		}
	}
	command("revoke", demoKiosk, "--reason", "stolen")
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for refused := false; !refused; {
		status, code, reused := k.report(within)
		switch {
		case within.Err() != nil:
			t.Fatal("a minute later its requests are still taken")
		case !reused:
			t.Fatal("that was another connection than the one that was open")
		case status == http.StatusForbidden && code == fault.KioskRevoked:
			refused = true
		case status != http.StatusNoContent:
			t.Fatalf("refused with %d %s", status, code)
		default:
			<-again.C
		}
	}
	select {
	case <-k.ended:
	case <-within.Done():
		t.Fatal("a minute later its link is still open")
	}
	if !websocket.IsCloseError(k.why, websocket.ClosePolicyViolation) || k.last.Kind != wire.LinkRevoked {
		t.Errorf("the link ended by %v, after it was told %q", k.why, k.last.Kind)
	}

	command("restore", demoKiosk)
	if status, code, _ := k.report(t.Context()); status != http.StatusNoContent {
		t.Errorf("restored, and answered %d %s", status, code)
	}
	k.open()
	must(t, process.Process.Signal(syscall.SIGTERM))
	must(t, process.Wait())
}

// openedKiosk is the demo kiosk with a link, and with a connection that stays open between
// its requests.
type openedKiosk struct {
	t     *testing.T
	e     *wire.Enrolment
	tls   *tls.Config
	http  *http.Client
	conn  *websocket.Conn  // the link
	ended chan struct{}    // closed at its end; what follows is read after it
	last  wire.LinkMessage // that came over it
	why   error
}

func openKiosk(t *testing.T, dir string) *openedKiosk {
	t.Helper()
	e, err := wire.LoadEnrolment(filepath.Join(dir, "enrolment", demoKiosk+".json"))
	must(t, err)
	pair, err := tls.X509KeyPair([]byte(e.ClientCert), []byte(e.ClientKey))
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(e.HubCA))
	k := &openedKiosk{t: t, e: e, tls: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}}
	tr := &http.Transport{TLSClientConfig: k.tls, MaxConnsPerHost: 1}
	t.Cleanup(tr.CloseIdleConnections)
	k.http = &http.Client{Transport: tr}
	k.open()
	return k
}

// open opens a link, and listens to it.
func (k *openedKiosk) open() {
	k.t.Helper()
	d := websocket.Dialer{TLSClientConfig: k.tls, HandshakeTimeout: 20 * time.Second}
	conn, resp, err := d.DialContext(k.t.Context(), strings.Replace(k.e.HubURL, "https:", "wss:", 1)+wire.PathLink, http.Header{wire.HeaderRun: {"run-number-one"}})
	must(k.t, err)
	must(k.t, resp.Body.Close())
	ended := make(chan struct{})
	k.conn, k.ended = conn, ended
	go func() {
		defer close(ended)
		for k.why = nil; k.why == nil; {
			k.why = conn.ReadJSON(&k.last)
		}
	}()
	k.t.Cleanup(func() {
		conn.Close()
		<-ended
	})
}

// linkNoted waits until the hub has nothing to do for its links until the next sweep: it
// looks at all of them just after its start as well, and a revocation at that moment would
// show nothing.
func (k *openedKiosk) linkNoted(dir string) {
	k.t.Helper()
	s, err := sqlite.Open(k.t.Context(), filepath.Join(dir, "hub.db"))
	must(k.t, err)
	defer func() { must(k.t, s.Close()) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	links := func(many int) {
		k.t.Helper()
		late := time.After(20 * time.Second)
		for {
			list, err := s.Links(k.t.Context(), hub.LinkFilter{Kiosk: demoKiosk})
			must(k.t, err)
			if len(list) == many {
				return
			}
			select {
			case <-tick.C:
			case <-late:
				k.t.Fatalf("%d links are noted, not %d", len(list), many)
			}
		}
	}
	links(1)
	k.conn.Close()
	<-k.ended
	links(0) // that is noted after all that the hub did with the first
	k.open()
	links(1)
}

// report sends a sign of life. It gives the answer, and whether the connection was open before.
func (k *openedKiosk) report(ctx context.Context) (status int, code fault.Code, reused bool) {
	k.t.Helper()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.e.HubURL+wire.PathReport, strings.NewReader(`{"version":"1","screen":"top"}`))
	must(k.t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := k.http.Do(req)
	if ctx.Err() != nil {
		return 0, "", reused
	}
	must(k.t, err)
	var p wire.Problem
	if resp.StatusCode != http.StatusNoContent {
		err = json.NewDecoder(resp.Body).Decode(&p)
	}
	must(k.t, errors.Join(err, resp.Body.Close()))
	return resp.StatusCode, p.Code, reused
}
