package metrics

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// ask gives the lines of an answer that are no comments.
func ask(t *testing.T, h http.Handler) []string {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, Path, nil))
	if rec.Code != http.StatusOK || rec.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("status %d, %v: %s", rec.Code, rec.Header(), rec.Body)
	}
	problems, err := promlint.New(strings.NewReader(rec.Body.String())).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	return slices.DeleteFunc(strings.Split(rec.Body.String(), "\n"), func(l string) bool { return strings.HasPrefix(l, "#") })
}

func want(t *testing.T, have []string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !slices.Contains(have, line) {
			t.Errorf("%q is not there:\n%s", line, strings.Join(have, "\n"))
		}
	}
}

func TestOfKiosk(t *testing.T) {
	now := wire.Report{
		Devices: map[string]string{"reader": "ready", "printer": "none", "tower": "light_gone", "outbox": "2 set aside"},
		Queued:  3, Faults: []fault.Code{fault.LineDown, fault.HubRefused}, Audit: &wire.AuditMark{N: 70, Sent: 68},
	}
	h := Handler(New("kioskd", "1.2.3", OfKiosk(func(context.Context) wire.Report { return now })), slog.New(slog.DiscardHandler))
	got := ask(t, h)
	want(t, got, `kioskd_build_info{version="1.2.3"} 1`, `kioskd_fault{code="line_down"} 1`, `kioskd_fault{code="hub_refused"} 1`,
		`kioskd_fault{code="paper_out"} 0`, `kioskd_device_ready{device="reader"} 1`, `kioskd_device_ready{device="tower"} 0`,
		"kioskd_outbox_queued 3", "kioskd_audit_entries 70", "kioskd_audit_sent 68")
	faults := 0
	for _, line := range got {
		if strings.HasPrefix(line, "kioskd_fault{") {
			faults++
		}
		if strings.Contains(line, `device="printer"`) || strings.Contains(line, `device="outbox"`) {
			t.Errorf("no device: %s", line)
		}
	}
	if faults != len(fault.All()) {
		t.Errorf("%d faults, want every one of %d", faults, len(fault.All()))
	}
	now = wire.Report{}
	want(t, ask(t, h), `kioskd_fault{code="line_down"} 0`, "kioskd_outbox_queued 0")
}

func TestOfHub(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/things/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "bad" {
			w.WriteHeader(http.StatusConflict)
		}
	})
	q := NewRequests()
	served := q.Of(mux)
	for _, path := range []string{"/v1/things/a", "/v1/things/b", "/v1/things/bad", "/wp-admin/1", "/wp-admin/2"} {
		served.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, path, nil))
	}
	link := httptest.NewRequest(http.MethodPut, "/v1/things/link", nil)
	link.Header.Set("Upgrade", "websocket")
	served.ServeHTTP(httptest.NewRecorder(), link)
	var broken error
	h := Handler(New("hubd", "1", q, OfHub(func() int { return 7 }, func(context.Context) error { return broken })), slog.New(slog.DiscardHandler))
	want(t, ask(t, h), "hubd_links 7", "hubd_ready 1",
		`hubd_answers_total{route="PUT /v1/things/{id}",status="200"} 2`, `hubd_answers_total{route="PUT /v1/things/{id}",status="409"} 1`,
		`hubd_answers_total{route="none",status="404"} 2`, `hubd_answer_seconds_count{route="PUT /v1/things/{id}"} 3`)
	broken = errors.New("the database is away")
	want(t, ask(t, h), "hubd_ready 0")
}
