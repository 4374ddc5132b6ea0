package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/internal/wire"
)

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"--demo"}, {"--data", "x"}, {"--demo", "--data", "x", "more"}, {"--nonsense"}, {"version", "x"},
		{"--demo", "--data", "x", "--console", "0.0.0.0:8090"}, {"--demo", "--data", "x", "--api", "8443"},
		{"--demo", "--data", "x", "--complete-after", "0s"}, {"--demo", "--data", "x", "--max-strangers", "-1"},
		{"--demo", "--data", "x", "--keep", "400"}, {"--demo", "--data", "x", "--keep", "0d"}, {"--demo", "--data", "x", "--keep-alarms", "xd"},
		{"--demo", "--data", "x", "--sms-per-hour", "-1"}, {"--demo", "--data", "x", "--health", "8080"}, {"--demo", "--data", "x", "--metrics", "9100"}, {"--demo", "--data", "x", "--drain-wait", "-1s"},
		{"--demo", "--data", "x", "--store", "hub.db"}, {"--demo", "--data", "x", "--store-file", "/nowhere"},
		{"--demo", "--data", "x", "--store", "postgres://localhost/hub", "--store-file", "/nowhere"},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, os.Getenv, &out, &errs); code != exitUsage || errs.Len() == 0 {
			t.Errorf("%v: exit %d, %q", args, code, errs.String())
		}
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"version"}, os.Getenv, &out, io.Discard); code != exitOK || !strings.HasPrefix(out.String(), "hubd ") {
		t.Errorf("version: exit %d, %q", code, out.String())
	}
}

// TestServes starts the hub twice on one folder and speaks to it as the demo
// kiosk and as a browser.
func TestServes(t *testing.T) {
	dir := t.TempDir()
	var ca string
	for range 2 {
		stop, code := start(t, dir, "--metrics", "127.0.0.1:0")
		e, err := wire.LoadEnrolment(filepath.Join(dir, "enrolment", "demo.json"))
		must(t, err)
		if ca != "" && ca != e.HubCA {
			t.Error("a restart changed the CA")
		}
		ca = e.HubCA
		report(t, e)
		if got := measured(t, dir); !strings.Contains(got, `hubd_answers_total{route="POST /v1/report",status="204"} 1`) || !strings.Contains(got, "\nhubd_ready 1\n") {
			t.Errorf("metrics: %s", got)
		}
		con := "http://" + addressesOf(t, dir).Console
		for path, want := range map[string]int{
			"/": 200, "/submissions": 200, "/sms": 200, "/tests": 200, "/healthz": 200, "/openapi.yaml": 200,
			"/assets/console.css": 200, "/nothing": 404, "/submissions/X": 404, "/api/kiosks": 200,
		} {
			if got := status(t, http.MethodGet, con+path, "", ""); got != want {
				t.Errorf("%s: %d", path, got)
			}
		}
		if got := status(t, http.MethodGet, con+"/", "evil.example", ""); got != http.StatusMisdirectedRequest {
			t.Errorf("a foreign host name: %d", got)
		}
		if got := status(t, http.MethodPost, con+"/api/sandbox/reset", "", "https://evil.example"); got != http.StatusForbidden {
			t.Errorf("a foreign origin: %d", got)
		}
		stop()
		if got := <-code; got != exitOK {
			t.Errorf("exit %d", got)
		}
	}
}

// measured gives what the hub tells Prometheus.
func measured(t *testing.T, dir string) string {
	t.Helper()
	resp, err := (&http.Client{Timeout: time.Minute}).Get("http://" + addressesOf(t, dir).Metrics + "/metrics")
	must(t, err)
	b, err := io.ReadAll(resp.Body)
	must(t, errors.Join(err, resp.Body.Close()))
	return string(b)
}

// report sends a sign of life as the kiosk of this enrolment.
func report(t *testing.T, e *wire.Enrolment) {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(e.ClientCert), []byte(e.ClientKey))
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(e.HubCA))
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Post(e.HubURL+wire.PathReport, "application/json", strings.NewReader(`{"version":"1","screen":"top"}`))
	must(t, err)
	if resp.StatusCode != http.StatusNoContent {
		t.Errorf("report: %s", resp.Status)
	}
	must(t, resp.Body.Close())
}

func start(t *testing.T, dir string, more ...string) (context.CancelFunc, <-chan int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	ready, out := io.Pipe()
	code := make(chan int, 1)
	go func() {
		args := append([]string{"--demo", "--data", dir, "--api", "127.0.0.1:0", "--console", "127.0.0.1:0"}, more...)
		code <- run(ctx, args, os.Getenv, out, io.Discard)
		_ = out.Close()
	}()
	line := make([]byte, 256)
	if n, err := ready.Read(line); err != nil || !strings.Contains(string(line[:n]), "console http://") {
		t.Fatalf("printed %q (%v)", line[:n], err)
	}
	return stop, code
}

func addressesOf(t *testing.T, dir string) addresses {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "addr.json"))
	must(t, err)
	var a addresses
	must(t, json.Unmarshal(b, &a))
	return a
}

func status(t *testing.T, method, url, host, origin string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	must(t, err)
	req.Host = host
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	if !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s has no policy", url)
	}
	return resp.StatusCode
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
