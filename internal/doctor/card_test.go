package doctor_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/doctor"
	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/felica"
	"kioskd/internal/hw/card/jpki"
	"kioskd/internal/hw/card/pcsc"
)

var update = flag.Bool("update", false, "write the expected reports anew")

// today is the date on which certificates are judged.
func today() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }

// sight is the virtual reader as a look would show it.
func sight(r *cardtest.Reader) pcsc.Sight {
	s := pcsc.Sight{Name: cardtest.Name, Served: card.Reader{Name: cardtest.Name, MyNumber: true, WAON: true}}
	if st := r.State(); len(st.Cards) > 0 {
		s.Card, s.ATR = true, st.Cards[0].ATR
	}
	return s
}

// bench is a virtual reader in a bubble, where every exchange takes its time.
type bench struct {
	*testing.T
	reader *cardtest.Reader
	opt    doctor.CardOptions
}

func onBench(t *testing.T, f func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := cardtest.NewReader()
		r.Delay(cardtest.Delays{APDU: 10 * time.Millisecond, Byte: 50 * time.Microsecond})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		defer func() { cancel(); <-ended }()
		synctest.Wait()
		f(&bench{t, r, doctor.CardOptions{
			Driver: r, Libpcsclite: "1.2.3", Now: today, Roots: cardtest.Roots(),
		}})
	})
}

func (b *bench) put(id string) {
	b.Helper()
	if err := b.reader.Put(id); err != nil {
		b.Fatal(err)
	}
}

// report examines what lies there.
func (b *bench) report() doctor.Report {
	b.Helper()
	if b.opt.Sights == nil {
		b.opt.Sights = []pcsc.Sight{sight(b.reader)}
	}
	return doctor.ExamineCards(b.Context(), b.opt).Report(doctor.CardSetup{})
}

// written is the report as text and as JSON.
func written(t *testing.T, r doctor.Report) (text, object string) {
	t.Helper()
	var a, b bytes.Buffer
	if err := r.Text(&a); err != nil {
		t.Fatal(err)
	}
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	return a.String(), b.String()
}

func golden(t *testing.T, name string, r doctor.Report) {
	t.Helper()
	text, object := written(t, r)
	for ext, got := range map[string]string{".txt": text, ".json": object} {
		file := filepath.Join("testdata", name+ext)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// Each persona gives exactly the report that lies in testdata, and the codes
// that it stands for.
func TestPersonas(t *testing.T) {
	for id, codes := range map[string][]fault.Code{
		"taro": nil, "ecc": nil, "long": nil, "phone": nil, "iphone": nil, "two-tries": nil, "waon-1": nil,
		"one-try":    {fault.PINTriesLow}, // worth knowing, not wrong
		"blocked":    {fault.PINBlocked},
		"expired":    {fault.CertExpired},
		"foreign":    {fault.CertForeign},
		"nocert":     {fault.CertMissing},
		"oldcard":    {fault.CardOld},
		"unknown":    {fault.CardUnknown},
		"suica-like": {fault.CardWrongKind},
	} {
		t.Run(id, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.put(id)
				r := b.report()
				golden(b.T, id, r)
				if got := codesOf(r); !slices.Equal(got, codes) {
					b.Errorf("codes %v, want %v", got, codes)
				}
				if ok := codes == nil || codes[0] == fault.PINTriesLow; r.OK != ok || r.Card.Cards[0].Readable != ok {
					b.Errorf("ok %v, readable %v", r.OK, r.Card.Cards[0].Readable)
				}
			})
		})
	}
}

func codesOf(r doctor.Report) []fault.Code {
	var codes []fault.Code
	for _, f := range r.Findings {
		codes = append(codes, f.Code)
	}
	return codes
}

// Nothing that identifies a holder is in a report, no PIN reaches a card, and no
// try is used up; whoever it is.
func TestNothingPersonalAndNoTry(t *testing.T) {
	for _, p := range cardtest.Personas() {
		t.Run(p.ID, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.put(p.ID)
				text, object := written(b.T, b.report())
				for _, secret := range secrets(p.ID) {
					if strings.Contains(strings.ToLower(text+object), secret) {
						b.Errorf("the report holds %q", secret)
					}
				}
				for _, e := range b.reader.Log() {
					if e.INS == apdu.InsVerify && e.Bytes != 4 || e.INS == apdu.InsCompute {
						b.Errorf("sent: %s", e.Command)
					}
				}
				before, after := b.tries(p.ID)
				if before != after {
					b.Errorf("tries left: %d, then %d", before, after)
				}
			})
		})
	}
}

// secrets are what a report of this persona must not hold, in lower case.
func secrets(id string) (list []string) {
	defer func() {
		if v := recover(); v != nil {
			list = []string{"6900000000000016", "6900123456789013", "0114c411"} // without a certificate
		}
	}()
	der := cardtest.ProfileOf(id).Certificate
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return []string{
		strings.ToLower(cert.Subject.CommonName), cert.SerialNumber.String(), cert.SerialNumber.Text(16),
		jpki.HolderOf(der)[:16], hex.EncodeToString(der[:16]), "1234",
	}
}

// tries is the counter on a fresh card, and on the one that was examined.
func (b *bench) tries(id string) (fresh, now int) {
	b.Helper()
	other := cardtest.NewReader()
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- other.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	synctest.Wait()
	if err := other.Put(id); err != nil {
		b.Fatal(err)
	}
	count := func(r *cardtest.Reader) int {
		conn, err := r.Connect(b.Context(), r.State().Cards[0].Number)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		info, _ := jpki.Inspect(b.Context(), conn, jpki.Judge{}) // a fault of the card is not the point
		return info.TriesLeft
	}
	return count(other), count(b.reader)
}

func TestCardsThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		play func(b *bench)
		want fault.Code
		step string
	}{
		"mute":               {func(b *bench) { b.reader.Mute(true) }, fault.CardMute, "identify"},
		"torn at the start":  {func(b *bench) { b.reader.TearAt(0) }, fault.CardLifted, "identify"},
		"torn in the middle": {func(b *bench) { b.reader.TearAt(5) }, fault.CardLifted, "certificate"},
		"torn at the counter": {func(b *bench) {
			b.reader.TearAt(len(b.exchanges("taro")) - 1)
		}, fault.CardLifted, "pin_counter"},
		"too slow": {func(b *bench) { b.reader.Slow(4 * time.Second) }, fault.CardMute, "identify"},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.put("taro")
				c.play(b)
				r := b.report()
				if got := codesOf(r); r.OK || !slices.Equal(got, []fault.Code{c.want}) || r.Findings[0].Step != c.step {
					b.Errorf("findings %+v", r.Findings)
				}
			})
		})
	}
}

// exchanges is how a whole examination goes.
func (b *bench) exchanges(id string) []cardtest.Exchange {
	b.Helper()
	b.put(id)
	b.report()
	b.opt.Sights = nil
	log := b.reader.Log()
	b.reader.ClearLog()
	b.put(id)
	return log
}

func TestWAONThroughOtherReaders(t *testing.T) {
	idm := [8]byte{0x01, 0x14, 0xC4, 0x11, 0x22, 0x33, 0x44, 0x01}
	for _, c := range []struct {
		name    string
		way     cardtest.Way
		service uint16
		cfg     felica.Config
		want    doctor.WAON // without Tried
		codes   []fault.Code
	}{
		{name: "pn532", way: cardtest.WayPN532, service: 0x684F, want: doctor.WAON{Strategy: "pn532", Service: "684F"}},
		{name: "transparent", way: cardtest.WayTransparent, service: 0x67CF, want: doctor.WAON{Strategy: "transparent", Service: "67CF"}},
		{name: "sony by escape", way: cardtest.WaySonyEscape, service: 0x684F, cfg: felica.Config{Strategies: []string{"sony"}},
			want: doctor.WAON{Strategy: "sony", Service: "684F"}},
		{name: "idm-only", way: cardtest.WayIDmOnly, service: 0x684F, codes: []fault.Code{fault.WAONUnreadable}},
		{name: "another service", way: cardtest.WayPassthrough, service: 0x6800, codes: []fault.Code{fault.WAONUnreadable}},
		{name: "no such strategy", way: cardtest.WayPassthrough, service: 0x684F, cfg: felica.Config{Strategies: []string{"x"}}, codes: []fault.Code{fault.Internal}},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.reader.PutCard("waon", cardtest.NewWAON(idm, c.service, "6900000000000016").Behind(c.way))
				b.opt.WAON = c.cfg
				r := b.report()
				if got := codesOf(r); !slices.Equal(got, c.codes) {
					b.Fatalf("findings %+v", r.Findings)
				}
				if c.codes != nil {
					return
				}
				got := *r.Card.Cards[0].WAON
				got.Tried = nil
				c.want.Number = "****-****-****-0016"
				if diff := cmp.Diff(c.want, got); diff != "" {
					b.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What the reader cannot do is told, once for each way.
func TestUnreadableWAON(t *testing.T) {
	onBench(t, func(b *bench) {
		idm := [8]byte{0x01, 0x14, 0xC4, 0x11, 0x22, 0x33, 0x44, 0x01}
		b.reader.PutCard("waon", cardtest.NewWAON(idm, 0x684F, "6900000000000016").Behind(cardtest.WayIDmOnly))
		golden(b.T, "idm-only", b.report())
	})
}

// A card that is seen but gone when the driver looks is not waited for long.
func TestSeenButGone(t *testing.T) {
	onBench(t, func(b *bench) {
		s := sight(b.reader)
		s.Card = true
		b.opt.Sights = []pcsc.Sight{s}
		start := time.Now()
		r := b.report()
		if took := time.Since(start); r.OK || len(r.Card.Cards) != 0 || took > 2*time.Second {
			b.Errorf("after %s: %+v", took, r)
		}
	})
}

// The end of ctx ends the examination.
func TestCancelled(t *testing.T) {
	onBench(t, func(b *bench) {
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		b.opt.Sights = []pcsc.Sight{{Name: "another", Served: card.Reader{Name: "another", MyNumber: true}}}
		if f := doctor.ExamineCards(ctx, b.opt); len(f.Cards) != 0 {
			b.Errorf("%+v", f)
		}
	})
}

// Without roots nothing is said against an issuer.
func TestIssuerNotChecked(t *testing.T) {
	onBench(t, func(b *bench) {
		b.opt.Roots = nil
		b.put("foreign")
		r := b.report()
		if !r.OK || r.Card.Cards[0].Certificate.Issuer != doctor.IssuerNotChecked {
			b.Errorf("%+v", r)
		}
	})
}

// Keys of the JSON are a promise.
func TestJSONIsAnObject(t *testing.T) {
	onBench(t, func(b *bench) {
		_, object := written(b.T, b.report())
		var m map[string]any
		if err := json.Unmarshal([]byte(object), &m); err != nil {
			b.Fatal(err)
		}
		if m["device"] != "card" || m["ok"] != false {
			b.Errorf("%v", m)
		}
	})
}
