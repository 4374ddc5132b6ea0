package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub/pki"
	"kioskd/internal/kiosk/identity"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// site is a hub that answers every call with nothing, and an uplink to it.
type site struct {
	t    *testing.T
	keys *pki.PKI
	up   *Uplink
	file string
}

func newSite(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	keys, err := pki.Open(filepath.Join(t.TempDir(), "hub"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, keys: keys, file: filepath.Join(t.TempDir(), "enrolment.json")}
	log := slog.New(slog.DiscardHandler)
	opt := Options{
		Home: identity.At(s.file, "", ""), Log: log,
		Report: func(context.Context) wire.Report { return wire.Report{Version: "test"} },
	}
	for _, f := range change {
		f(&opt)
	}
	s.up = New(opt)
	outbox, err := ksync.OpenOutbox(t.Context(), filepath.Join(t.TempDir(), "outbox.db"), s.up.Enrolment, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.up.Run(ctx, outbox) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := outbox.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// hub starts one and enrols the kiosk there under a name.
func (s *site) hub(kiosk string) {
	s.t.Helper()
	cert, err := s.keys.Server(time.Now(), "127.0.0.1")
	if err != nil {
		s.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientCAs: s.keys.Pool(),
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}
	server.StartTLS()
	s.t.Cleanup(server.Close)
	enrolment, err := s.keys.Enrol(kiosk, server.URL, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := wire.StoreEnrolment(s.file, enrolment); err != nil {
		s.t.Fatal(err)
	}
}

// up waits for the line to be up.
func (s *site) wait() {
	s.t.Helper()
	select {
	case up := <-s.up.Line():
		if !up {
			s.t.Fatal("the line is down")
		}
	case <-time.After(20 * time.Second):
		s.t.Fatal("nothing is heard of the line")
	}
}

func TestCallsBeforeTheEnrolment(t *testing.T) {
	s := newSite(t)
	if _, ok := s.up.Identity(); ok {
		t.Error("a kiosk without enrolment has an identity")
	}
	if _, known := s.up.HubTime(); known {
		t.Error("a kiosk without enrolment knows its hub's time")
	}
	s.up.Kick()
	for name, call := range map[string]func() error{
		"start":    func() error { _, err := s.up.IssueStart(t.Context(), wire.IssueStart{}); return err },
		"resend":   func() error { _, err := s.up.IssueResend(t.Context(), wire.IssueResend{}); return err },
		"verify":   func() error { _, err := s.up.IssueVerify(t.Context(), wire.IssueVerify{}); return err },
		"complete": func() error { _, err := s.up.IssueComplete(t.Context(), wire.IssueComplete{}); return err },
		"lookup":   func() error { _, err := s.up.Lookup(t.Context(), wire.Lookup{}); return err },
		"inquiry":  func() error { _, err := s.up.Inquiry(t.Context(), wire.InquiryRequest{}); return err },
	} {
		if code := fault.CodeOf(call()); code != fault.NotEnrolled {
			t.Errorf("%s: fault %q, want not_enrolled", name, code)
		}
	}
}

func TestEnrolmentMayComeLaterAndChange(t *testing.T) {
	s := newSite(t)
	s.hub("kiosk-a")
	s.wait()
	if id, ok := s.up.Identity(); !ok || id != "kiosk-a" {
		t.Errorf("identity is %q", id)
	}
	s.hub("kiosk-b") // another hub, another name
	s.wait()
	if id, _ := s.up.Identity(); id != "kiosk-b" {
		t.Errorf("after the change identity is %q", id)
	}
}

// An enrolment that is refused is not used, and the next one is.
func TestRefusedEnrolment(t *testing.T) {
	refused := make(chan struct{}, 1)
	s := newSite(t, func(o *Options) {
		o.Refuse = func(e *wire.Enrolment) error {
			if e.Kiosk == "next" {
				return nil
			}
			select {
			case refused <- struct{}{}:
			default:
			}
			return errors.New("not here")
		}
	})
	s.hub("demo")
	<-refused
	if id, ok := s.up.Identity(); ok {
		t.Errorf("it is enrolled as %s", id)
	}
	s.hub("next")
	s.wait()
	if id, _ := s.up.Identity(); id != "next" {
		t.Errorf("it is enrolled as %q", id)
	}
}
