package identity_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/kiosk/identity"
	"kioskd/internal/kiosk/identity/hubtest"
	"kioskd/internal/wire"
)

func newHome(t *testing.T) identity.Home {
	t.Helper()
	return identity.At(filepath.Join(t.TempDir(), "etc", "enrolment.json"), "", "")
}

// none says that nothing but perhaps the key was stored.
func none(t *testing.T, h identity.Home) {
	t.Helper()
	if _, err := os.Stat(h.File); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an enrolment was stored: %v", err)
	}
}

func TestEnrol(t *testing.T) {
	hub, home := hubtest.New(t), newHome(t)
	hub.Name("渋谷店 2号機")
	code := hub.Code(t)
	out, err := home.Enrol(t.Context(), code, identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if out.Former != nil || out.Ahead != 0 || out.Strands() != "" || out.Key != home.KeyFile {
		t.Errorf("outcome %+v", out)
	}
	for _, path := range []string{home.File, home.KeyFile} {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, st.Mode())
		}
	}
	stored, err := os.ReadFile(home.File)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(stored), "PRIVATE") {
		t.Error("the key is in the enrolment file too")
	}
	e, err := home.Load()
	if err != nil {
		t.Fatal(err)
	}
	d := hub.Desired()
	if e.HubURL != "https://"+hub.Addr || e.Name != "渋谷店 2号機" || !e.Is(d) || !strings.HasPrefix(e.Kiosk, "k-") {
		t.Errorf("enrolled as %q %q at %q", e.Kiosk, e.Name, e.HubURL)
	}
	key, err := identity.KeyOf(e)
	if err != nil || key.Kiosk() != e.Kiosk {
		t.Errorf("the key gives %v, %v", key.Kiosk(), err)
	}

	t.Run("the same code again, after a lost answer", func(t *testing.T) {
		again, err := home.Enrol(t.Context(), code, identity.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if again.Enrolment.Kiosk != e.Kiosk || again.Strands() != "" || again.Former == nil {
			t.Errorf("outcome %+v", again)
		}
	})
	t.Run("another code: the key stays", func(t *testing.T) {
		again, err := home.Enrol(t.Context(), hub.Code(t), identity.Options{})
		if err != nil || again.Enrolment.Kiosk != e.Kiosk {
			t.Errorf("%v, %v", again.Enrolment, err)
		}
	})
	t.Run("another hub", func(t *testing.T) {
		other := hubtest.New(t)
		again, err := home.Enrol(t.Context(), other.Code(t), identity.Options{})
		if err != nil || again.Enrolment.Kiosk != e.Kiosk || !strings.Contains(again.Strands(), "another hub") {
			t.Errorf("%v, %q, %v", again.Enrolment, again.Strands(), err)
		}
	})
}

// TestLostAnswer: the hub has used the code up, and the answer never came.
func TestLostAnswer(t *testing.T) {
	hub, home := hubtest.New(t), newHome(t)
	code := hub.Code(t)
	ctx, cancel := context.WithCancel(t.Context())
	hub.Lie(func(*wire.Enrolled) { cancel() })
	if _, err := home.Enrol(ctx, code, identity.Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("err %v", err)
	}
	none(t, home)
	key, err := os.ReadFile(home.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	hub.Lie(nil)
	if _, err := home.Enrol(t.Context(), code, identity.Options{}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(home.KeyFile)
	if err != nil || !cmp.Equal(key, after) {
		t.Fatalf("the key was made anew, %v", err)
	}
	if n := hub.Asked(wire.PathEnrol); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// TestEnrolSaysWhatToDo is every way in which it fails. Nothing is stored then, and
// a token goes out only to the hub.
func TestEnrolSaysWhatToDo(t *testing.T) {
	now := time.Now()
	year := 365 * 24 * time.Hour
	for _, tc := range []struct {
		name  string
		serve hubtest.Serve
		hub   func(t *testing.T, h *hubtest.Hub, c wire.PairingCode)
		code  func(t *testing.T, h *hubtest.Hub) wire.PairingCode
		now   time.Time
		want  string
		asked int
	}{
		{name: "code used", want: "was used by another kiosk", asked: 2, hub: func(t *testing.T, _ *hubtest.Hub, c wire.PairingCode) {
			if _, err := newHome(t).Enrol(t.Context(), c, identity.Options{}); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "code expired", want: "has expired (it is good for one hour)", asked: 1, hub: func(_ *testing.T, h *hubtest.Hub, c wire.PairingCode) { h.Expire(c) }},
		{name: "code unknown", want: `or was made by another hub: make a new one (the hub says: "the code is not taken")`,
			asked: 1, code: func(t *testing.T, h *hubtest.Hub) wire.PairingCode {
				c, err := wire.NewPairingCode(h.Addr, h.CA.Cert.Raw)
				if err != nil {
					t.Fatal(err)
				}
				return c
			}},
		{name: "another CA", want: "something else answers at this address: its certificate is not the hub's", code: func(t *testing.T, h *hubtest.Hub) wire.PairingCode {
			return hubtest.New(t).CodeAt(t, h.Addr)
		}},
		{name: "the hub's CA shown, another one's certificate", want: "its certificate is not the hub's",
			serve: hubtest.Serve{Chain: hubtest.NewCA(now)}, code: nil, hub: nil},
		{name: "another host's certificate", want: "not for the address 127.0.0.1:", serve: hubtest.Serve{Host: "hub.example.jp"}},
		{name: "a hub without enrolment", want: "takes no pairing codes", serve: hubtest.Serve{Old: true}},
		{name: "TLS 1.2", want: "does not speak TLS 1.3", serve: hubtest.Serve{Max: tls.VersionTLS12}},
		{name: "the kiosk's clock is behind", now: now.Add(-5 * year), want: "the clock of this kiosk is wrong: it shows " + now.Add(-5*year).UTC().Format("2006-01-02")},
		{name: "the kiosk's clock is ahead", now: now.Add(5 * year), want: "the clock of this kiosk is wrong: it shows " + now.Add(5*year).UTC().Format("2006-01-02")},
		{name: "the hub's certificate has ended", want: "renew it at the hub", serve: hubtest.Serve{From: now.Add(-year), Until: now.Add(-year / 2)}},
		{name: "certificate for another key", want: "it is for another key", asked: 1, hub: func(t *testing.T, h *hubtest.Hub, _ wire.PairingCode) {
			var first string
			h.Lie(func(a *wire.Enrolled) { first = a.ClientCert })
			if _, err := newHome(t).Enrol(t.Context(), h.Code(t), identity.Options{}); err != nil {
				t.Fatal(err)
			}
			h.Lie(func(a *wire.Enrolled) { a.ClientCert = first })
		}},
		{name: "certificate of another CA", want: "does not verify", asked: 1, hub: func(_ *testing.T, h *hubtest.Hub, _ wire.PairingCode) {
			h.Lie(func(a *wire.Enrolled) { a.ClientCert = reissue(a.ClientCert, hubtest.NewCA(now)) })
		}},
		{name: "another ID", want: "it is for another kiosk", asked: 1, hub: func(_ *testing.T, h *hubtest.Hub, _ wire.PairingCode) {
			h.Lie(func(a *wire.Enrolled) { a.Kiosk = "k-aaaaaaaaaaaaaaaaaaaaaaaaaa" })
		}},
		{name: "keys that do not fit", want: "seal_key_id", asked: 1, hub: func(_ *testing.T, h *hubtest.Hub, _ wire.PairingCode) {
			h.Lie(func(a *wire.Enrolled) { a.Desired.SealKeyID = "seal-0" })
		}},
		{name: "no keys", want: "ack_keys is empty", asked: 1, hub: func(_ *testing.T, h *hubtest.Hub, _ wire.PairingCode) {
			h.Lie(func(a *wire.Enrolled) { a.Desired.AckKeys = nil })
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			hub, home := hubtest.NewWith(t, hubtest.NewCA(now), tc.serve), newHome(t)
			if tc.serve.Chain != nil { // it shows the pinned CA behind a certificate of its own
				pinned := hubtest.NewWith(t, tc.serve.Chain, hubtest.Serve{})
				tc.code = func(t *testing.T, h *hubtest.Hub) wire.PairingCode { return pinned.CodeAt(t, h.Addr) }
			}
			if tc.code == nil {
				tc.code = func(t *testing.T, h *hubtest.Hub) wire.PairingCode { return h.Code(t) }
			}
			code := tc.code(t, hub)
			before := 0
			if tc.hub != nil {
				tc.hub(t, hub, code)
				before = hub.Asked(wire.PathEnrol)
				if tc.name == "code used" {
					before = 0
				}
			}
			opt := identity.Options{}
			if !tc.now.IsZero() {
				opt.Now = func() time.Time { return tc.now }
			}
			_, err := home.Enrol(t.Context(), code, opt)
			want := strings.Replace(tc.want, "this address", hub.Addr, 1)
			if err == nil || !strings.HasPrefix(err.Error(), "cannot enrol") || !strings.Contains(err.Error(), want) {
				t.Errorf("err %v\nwant %q", err, want)
			}
			if err != nil && (strings.Contains(err.Error(), code.Text()) || strings.Contains(err.Error(), "K1-")) {
				t.Error("the error tells the code")
			}
			if n := hub.Asked(wire.PathEnrol) - before; n != tc.asked {
				t.Errorf("the hub was shown a token %d times, want %d", n, tc.asked)
			}
			none(t, home)
		})
	}
}

// reissue has another authority say the same.
func reissue(text string, other *hubtest.CA) string {
	cert, err := (&wire.Enrolment{ClientCert: text}).Certificate()
	if err != nil {
		panic(err)
	}
	return other.Client(cert.Subject.CommonName, cert.PublicKey, cert.NotBefore, cert.NotAfter)
}

// TestOldFileThatCannotBeRead is found out before the code is shown to the hub, and
// left as it is.
func TestOldFileThatCannotBeRead(t *testing.T) {
	hub, home := hubtest.New(t), newHome(t)
	code := hub.Code(t)
	write(t, home.File, "{", 0o600)
	_, err := home.Enrol(t.Context(), code, identity.Options{})
	if err == nil || !strings.Contains(err.Error(), "move it away, and use the same code again") {
		t.Errorf("err %v", err)
	}
	if n := hub.Asked(wire.PathEnrol); n != 0 {
		t.Errorf("the hub was shown the code %d times", n)
	}
	if b, err := os.ReadFile(home.File); err != nil || string(b) != "{" {
		t.Errorf("the file is %q, %v", b, err)
	}
	if err := os.Remove(home.File); err != nil {
		t.Fatal(err)
	}
	if _, err := home.Enrol(t.Context(), code, identity.Options{}); err != nil {
		t.Error(err)
	}
}

// TestNotTheHub: whatever else answers at the address gets no token.
func TestNotTheHub(t *testing.T) {
	hub := hubtest.New(t)
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html>please log in</html>")
	}))
	defer portal.Close()
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for _, tc := range []struct {
		name, addr, want string
		limit            time.Duration
	}{
		{"log-in page", portal.Listener.Addr().String(), "does not speak TLS", 0},
		{"nobody", closed.Addr().String(), "cannot reach the hub at", 0},
		{"silence", silent.Addr().String(), "does not answer in time", 50 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx := t.Context()
			if tc.limit > 0 {
				limited, cancel := context.WithTimeout(ctx, tc.limit)
				defer cancel()
				ctx = limited
			}
			home := newHome(t)
			_, err := home.Enrol(ctx, hub.CodeAt(t, tc.addr), identity.Options{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("err %v, want %q", err, tc.want)
			}
			none(t, home)
		})
	}
}

func TestClockIsOff(t *testing.T) {
	hub := hubtest.New(t)
	hub.Ahead(time.Hour)
	out, err := newHome(t).Enrol(t.Context(), hub.Code(t), identity.Options{})
	if err != nil || out.Ahead < 59*time.Minute || out.Ahead > 61*time.Minute {
		t.Errorf("ahead %v, %v", out.Ahead, err)
	}
}
