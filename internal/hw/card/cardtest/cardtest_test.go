package cardtest_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/cardtest"
)

func TestConformance(t *testing.T) {
	cardtest.Conformance(t, func(t *testing.T) cardtest.Bench {
		r := cardtest.NewReader()
		return cardtest.Bench{
			Reader: r,
			Put: func(id string) {
				if err := r.Put(id); err != nil {
					t.Fatal(err)
				}
			},
			Lift:   r.Lift,
			Unplug: func() { r.Power(false) },
			Plug:   func() { r.Power(true) },
		}
	})
}

// talk sends commands as hex and holds the answers against what is wanted: hex,
// or "… SW" where only the length of the data matters.
func talk(t *testing.T, c cardtest.Card, lines ...string) {
	t.Helper()
	for _, line := range lines {
		command, want, _ := strings.Cut(line, "=")
		b, err := hex.DecodeString(strings.ReplaceAll(command, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ToUpper(hex.EncodeToString(c.Answer(b)))
		want = strings.ToUpper(strings.ReplaceAll(want, " ", ""))
		if n, sw, some := strings.Cut(want, ":"); some {
			if len(got) < 4 || got[len(got)-4:] != sw || fmt.Sprint(len(got)/2-2) != n {
				t.Errorf("%s: %d bytes %s, want %s bytes %s", command, len(got)/2-2, got[max(0, len(got)-4):], n, sw)
			}
			continue
		}
		if got != want {
			t.Errorf("%s: %.40s, want %s", command, got, want)
		}
	}
}

const (
	jpkiAP = "00 A4 04 0C 0A D392F000260100000001"
	textAP = "00 A4 04 0C 0A D3921000310001010408"
	isd    = "00 A4 04 0C 07 A0000001510000"
)

func taro(change func(*cardtest.Profile)) *cardtest.JPKI {
	p := cardtest.TaroProfile()
	if change != nil {
		change(&p)
	}
	return cardtest.NewJPKI(p)
}

func TestSelection(t *testing.T) {
	c := taro(nil)
	talk(t, c,
		"00 A4 02 0C 02 0018=6A82", // no application yet
		"00 B0 00 00 20=6986",
		"00 A4 00 00=6A86",                   // master file after power-up
		"00 A4 04 0C 05 D392F00026=6A82",     // no prefix matching
		"00 A4 04 00 07 A0000003080000=6A82", // as OpenSC probes
		"00 A4 04 0C 0A D392F000260100000002=6A82",
		jpkiAP+"=9000",
		"00 A4 00 00=9000", // changes nothing
		"00 20 00 80=6986", // no current file
		"00 B0 00 00 20=6986",
		"00 A4 02 0C 02 00FF=6A82",
		"00 A4 09 0C 02 0018=6A86",
		"00 A4 02 0C 01 18=6700",
		"00 A4 02 0C 02 0018=9000",
		"00 B0 00 00 20=6981", // a PIN is not readable
		"00 20 00 80=63C3",
		"00 A4 04 0C 0A FFFFFFFFFFFFFFFFFFFF=6A82", // refused: selection stays
		"00 20 00 80=63C3",
		"00 20 00 81=6A86", // short identifiers are off
		"00 B0 8A 00 04=6A86",
		"00 CA DF 30 05=6A88", // as OpenSC probes
		"01 20 00 80=6881",
		"0C 20 00 80=6882",
		"A0 20 00 80=6E00",
		"00=6700",
		"00 A4 02 0C 00 00 02 00 18=6700", // extended length
	)
	if c.Strayed() {
		t.Error("nobody strayed")
	}
	talk(t, c, textAP+"=9000", "00 A4 02 0C 02 0001=9000", "00 B0 00 00 00=6982", "00 A4 02 0C 02 0018=6A82")
	if !c.Strayed() {
		t.Error("straying is not noticed")
	}
}

func TestVerifyState(t *testing.T) {
	verify := "00 20 00 80 04 31323334=9000"
	c := taro(nil)
	talk(t, c, jpkiAP+"=9000", "00 A4 02 0C 02 0018=9000", verify, "00 20 00 80=9000")
	talk(t, c, "00 A4 02 0C 02 000A=9000", "00 A4 02 0C 02 0018=9000", "00 20 00 80=9000") // kept over files
	talk(t, c, jpkiAP+"=9000", "00 A4 02 0C 02 0018=9000", "00 20 00 80=9000")             // and over the same application
	talk(t, c, isd+"=9000", jpkiAP+"=9000", "00 A4 02 0C 02 0018=9000", "00 20 00 80=63C3")
	talk(t, c, verify, textAP+"=9000", jpkiAP+"=9000", "00 A4 02 0C 02 0018=9000", "00 20 00 80=63C3")
	talk(t, c, verify)
	c.Power(false)
	c.Power(true)
	talk(t, c, "00 20 00 80=6986", jpkiAP+"=9000", "00 A4 02 0C 02 0018=9000", "00 20 00 80=63C3")
	// A miss takes the verified state back.
	talk(t, c, verify, "00 20 00 80 04 39393939=63C2", "00 20 00 80=63C2", "00 A4 02 0C 02 0017=9000", "80 2A 00 80 01 01 00=6982")
}

func TestCounter(t *testing.T) {
	wrong := "00 20 00 80 04 39393939="
	c := taro(nil)
	pin := []string{jpkiAP + "=9000", "00 A4 02 0C 02 0018=9000"}
	talk(t, c, append(pin, wrong+"63C2", wrong+"63C1")...)
	c.Power(false) // the counter survives removal
	c.Power(true)
	talk(t, c, append(pin, "00 20 00 80=63C1", "00 20 00 80 04 31323334=9000")...)
	talk(t, c, wrong+"63C2", "00 20 00 80 03 313233=63C1", wrong+"63C0", wrong+"6984", "00 20 00 80 04 31323334=6984", "00 20 00 80=6984")
	if c.TriesLeft() != 0 {
		t.Errorf("%d tries left", c.TriesLeft())
	}
	c.ResetCounters()
	talk(t, c, "00 20 00 80=63C3", "00 20 00 80 11 3132333431323334313233343132333431=6700", "00 20 00 80 04 31323334 00=6700", "00 20 00 80=63C3")
}

func TestReading(t *testing.T) {
	size := len(cardtest.TaroProfile().Certificate)
	if size <= 1024 || size >= 1280 {
		t.Fatalf("certificate of %d bytes: adjust this test", size)
	}
	last := fmt.Sprintf("00 B0 04 00 %02X", size-1024)
	cert := []string{jpkiAP + "=9000", "00 A4 02 0C 02 000A=9000", "00 B0 00 00 00=256:9000", "00 B0 03 00 00=256:9000"}
	talk(t, taro(func(p *cardtest.Profile) { p.Filler = 0 }), append(cert,
		fmt.Sprintf("00 B0 04 00 00=6C%02X", size-1024), fmt.Sprintf("%s=%d:9000", last, size-1024), "00 B0 05 00 00=6B00", "00 B0 00 00=6700")...)
	talk(t, taro(func(p *cardtest.Profile) { p.Filler, p.End = 0, cardtest.EndWarn }), append(cert, fmt.Sprintf("00 B0 04 00 00=%d:6282", size-1024))...)
	talk(t, taro(func(p *cardtest.Profile) { p.Filler, p.End = 0, cardtest.EndShort }), append(cert, fmt.Sprintf("00 B0 04 00 00=%d:9000", size-1024))...)
	talk(t, taro(func(p *cardtest.Profile) { p.Filler = 1024 }), append(cert, "00 B0 05 00 02=FFFF9000")...)
	talk(t, taro(func(p *cardtest.Profile) { p.Chained = true }), jpkiAP+"=9000", "00 A4 02 0C 02 000A=9000",
		"00 B0 00 00 00=6100", "00 C0 00 00 10=16:61F0", "00 C0 00 00 F0=240:9000", "00 C0 00 00 01=6985")
	talk(t, taro(func(p *cardtest.Profile) { p.SFI = true }), jpkiAP+"=9000",
		"00 B0 8A 00 04=4:9000", "00 B0 00 00 04=4:9000", "00 20 00 98=63C3", "00 20 00 98 04 31323334=9000", "80 2A 00 97 01 01 00=256:9000")
	talk(t, taro(func(p *cardtest.Profile) { p.Phone = true }), jpkiAP+"=9000", "00 A4 02 0C 02 000A=9000", "00 B0 00 00 04=6982",
		"00 A4 02 0C 02 0018=9000", "00 20 00 80 04 31323334=9000", "00 A4 02 0C 02 000A=9000", "00 B0 00 00 04=4:9000")
	first := taro(func(p *cardtest.Profile) { p.FirstFails = true })
	talk(t, first, jpkiAP+"=6F00", jpkiAP+"=9000", "00 A4 02 0C 02 000B=9000", "00 B0 00 00 02=30829000", "00 A4 02 0C 02 0006=9000",
		"00 B0 00 00 0F="+hex.EncodeToString([]byte("JPKIAPICCTOKEN2"))+"9000")
	first.Power(false)
	first.Power(true)
	talk(t, first, jpkiAP+"=6F00", jpkiAP+"=9000")
}

// Both ways of giving the input make the same signature, and it verifies.
func TestSigning(t *testing.T) {
	c := taro(nil)
	sum := sha256.Sum256([]byte("message"))
	info, _ := hex.DecodeString("3031300D060960864801650304020105000420")
	input := append(info, sum[:]...)
	talk(t, c, jpkiAP+"=9000", "00 A4 02 0C 02 0017=9000", "80 2A 00 80 01 01 00=6982", "00 A4 02 0C 02 0018=9000",
		"80 2A 00 80 01 01 00=6981", "00 20 00 80 04 31323334=9000", "00 A4 02 0C 02 0017=9000",
		"80 2A 06 80 01 01 00=6A86", "80 2A 02 80 01 01 00=6985", "80 2A 00 80=6985", "80 2A 00 00 01 01 00=6A86")
	a := c.Answer(append(append([]byte{0x80, 0x2A, 0x00, 0x80, byte(len(input))}, input...), 0))
	b := c.Answer(append(append([]byte{0x80, 0x2A, 0x02, 0x80, 32}, sum[:]...), 0))
	if string(a) != string(b) || len(a) != 258 {
		t.Fatalf("%d and %d bytes, or they differ", len(a), len(b))
	}
	if err := rsa.VerifyPKCS1v15(cardtest.TaroProfile().Key.Public().(*rsa.PublicKey), crypto.SHA256, sum[:], a[:256]); err != nil {
		t.Error(err)
	}
}

// The fixtures form the hierarchy that they claim, and only RootPEM is trusted.
func TestFixtures(t *testing.T) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(cardtest.RootPEM()) {
		t.Fatal("no roots")
	}
	roots := cardtest.Roots()
	for _, root := range roots {
		if root.Subject.String() != roots[0].Subject.String() || root.Subject.Organization[0] != "JPKI-TEST" || root.CheckSignatureFrom(root) != nil {
			t.Errorf("root is %v", root.Subject)
		}
	}
	for id, trusted := range map[string]bool{"taro": true, "iphone": true, "long": true, "ecc": true, "foreign": false} {
		p := cardtest.ProfileOf(id)
		cert, err := x509.ParseCertificate(p.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		_, err = cert.Verify(x509.VerifyOptions{
			Roots: pool, CurrentTime: time.Date(2044, 1, 1, 0, 0, 0, 0, time.UTC), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if (err == nil) != trusted {
			t.Errorf("%s: %v", id, err)
		}
		issuer, err := x509.ParseCertificate(p.Authority)
		if err != nil || cert.CheckSignatureFrom(issuer) != nil {
			t.Errorf("%s: the card's own authority did not issue it (%v)", id, err)
		}
		if !p.Key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(cert.PublicKey) {
			t.Errorf("%s: the key is another one", id)
		}
		if id == "ecc" {
			continue
		}
		if key := cert.PublicKey.(*rsa.PublicKey); key.N.BitLen() != 2048 || key.E != 65537 || cert.SignatureAlgorithm != x509.SHA256WithRSA {
			t.Errorf("%s: not the algorithm of today's cards", id)
		}
	}
	if n := len(cardtest.ProfileOf("long").Certificate); n != 1583 {
		t.Errorf("the long certificate has %d bytes", n)
	}
	if key, ok := cardtest.ProfileOf("ecc").Key.Public().(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P384() {
		t.Error("not the algorithm of the coming cards")
	}
	// The certificate for signing is of another authority, which nobody trusts.
	cert, err := x509.ParseCertificate(cardtest.TaroProfile().SignCertificate)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := x509.ParseCertificate(cardtest.TaroProfile().SignAuthority)
	if err != nil || cert.CheckSignatureFrom(issuer) != nil || slices.ContainsFunc(roots, issuer.Equal) {
		t.Errorf("certificate for signing: %v", err)
	}
}

func TestPersonaIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range cardtest.Personas() {
		if seen[p.ID] || p.ID == "" || p.Name == "" || p.About == "" {
			t.Errorf("persona %+v", p)
		}
		seen[p.ID] = true
		c, err := p.NewCard()
		if err != nil {
			t.Errorf("%s: %v", p.ID, err)
			continue
		}
		if tech := card.TechOf(c.ATR()); (tech == card.TechFeliCa) != (p.Kind == cardtest.KindWAON || p.ID == "suica-like") {
			t.Errorf("%s: tech %d", p.ID, tech)
		}
		c.Power(true)
		for n := range 300 { // no command may break a card
			c.Answer(make([]byte, n))
			c.Answer([]byte(strings.Repeat("\xFF", n)))
		}
	}
	if err := cardtest.NewReader().Put("nobody"); err == nil {
		t.Error("a card of nobody")
	}
}

// Handles may be used from anywhere while a dialogue runs; nothing leaks.
func TestConcurrentHandles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := cardtest.NewReader()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = r.Run(ctx) })
		wg.Go(func() {
			for s := range 50 {
				_ = r.Put([]string{"taro", "waon-1", "unknown"}[s%3])
				r.TearAt(s % 4)
				r.Power(s%7 != 0)
				r.Slow(time.Duration(s%3) * time.Millisecond)
				r.Mute(s%11 == 0)
				_, _, _ = r.Persona(), r.Tear(), r.Log()
			}
			r.Power(true)
			r.Mute(false)
			r.Lift()
		})
		wg.Go(func() {
			for {
				select {
				case s := <-r.Watch():
					if len(s.Cards) == 0 {
						continue
					}
					conn, err := r.Connect(ctx, s.Cards[0].Number)
					if err != nil {
						continue
					}
					_, _ = conn.Transmit(ctx, []byte{0x00, 0x20, 0x00, 0x80})
					_ = conn.Close()
				case <-ctx.Done():
					return
				}
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
		if s := r.State(); s.Ready() || len(s.Cards) != 0 {
			t.Errorf("a reader that nobody serves says %+v", s)
		}
	})
}

func TestLiftWhileUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := cardtest.NewReader()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = r.Run(ctx) }()
		synctest.Wait()
		if err := r.Put("taro"); err != nil {
			t.Fatal(err)
		}
		conn, err := r.Connect(ctx, r.State().Cards[0].Number)
		if err != nil {
			t.Fatal(err)
		}
		r.Slow(time.Hour)
		got := make(chan error)
		go func() {
			_, err := conn.Transmit(ctx, []byte{0x00, 0x20, 0x00, 0x80})
			got <- err
		}()
		synctest.Wait()
		r.Lift()
		if err := <-got; fault.CodeOf(err) != fault.CardLifted {
			t.Errorf("%v", err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
}
