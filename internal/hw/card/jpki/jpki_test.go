package jpki_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/jpki"
	"kioskd/internal/secret"
)

var (
	message = []byte("reserve for this card")
	today   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func judge(t *testing.T) jpki.Judge {
	t.Helper()
	return jpki.Judge{At: today, Roots: cardtest.Roots()}
}

func order(t *testing.T, pin string) jpki.Order {
	t.Helper()
	return jpki.Order{PIN: secret.New([]byte(pin)), MinTries: 1, Message: message, Judge: judge(t)}
}

// bench is a running reader.
func bench(t *testing.T) *cardtest.Reader {
	t.Helper()
	r := cardtest.NewReader()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	for s := range r.Watch() {
		if s.Ready() {
			break
		}
	}
	return r
}

func connect(t *testing.T, r *cardtest.Reader) card.Conn {
	t.Helper()
	conn, err := r.Connect(t.Context(), r.State().Cards[0].Number)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// put lays a persona's card and connects.
func put(t *testing.T, id string) (*cardtest.Reader, card.Conn) {
	t.Helper()
	r := bench(t)
	if err := r.Put(id); err != nil {
		t.Fatal(err)
	}
	return r, connect(t, r)
}

// lay lays a card with one odd habit and connects.
func lay(t *testing.T, change func(*cardtest.Profile)) (*cardtest.Reader, *cardtest.JPKI, card.Conn) {
	t.Helper()
	p := cardtest.TaroProfile()
	change(&p)
	c, r := cardtest.NewJPKI(p), bench(t)
	r.PutCard("odd", c)
	return r, c, connect(t, r)
}

func inside(t *testing.T, r *cardtest.Reader, name string) *cardtest.JPKI {
	t.Helper()
	c, ok := r.Card(name).(*cardtest.JPKI)
	if !ok {
		t.Fatalf("%s is no JPKI card", name)
	}
	if c.Strayed() {
		t.Errorf("%s: an application that holds the individual number was selected", name)
	}
	return c
}

func verifies(r *cardtest.Reader) int {
	n := 0
	for _, e := range r.Log() {
		if e.INS == apdu.InsVerify && e.Bytes > 4 {
			n++
		}
	}
	return n
}

func checkSignature(t *testing.T, res jpki.Result) {
	t.Helper()
	cert, err := x509.ParseCertificate(res.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	algorithm := x509.SHA256WithRSA
	if cert.PublicKeyAlgorithm == x509.ECDSA {
		algorithm = x509.ECDSAWithSHA384
	}
	if err := cert.CheckSignature(algorithm, message, res.Signature); err != nil {
		t.Errorf("signature: %v", err)
	}
	if res.Holder != jpki.HolderOf(res.Certificate) || !res.Verified || res.TriesLeft != jpki.MaxTries {
		t.Errorf("result: verified %t, %d tries", res.Verified, res.TriesLeft)
	}
}

// Every persona of the dock behaves as its description says.
func TestPersonas(t *testing.T) {
	type want struct {
		inspect fault.Code
		tries   int
		kind    jpki.Kind
		free    bool // the certificate is read by Inspect
		sign    fault.Code
		sent    int // VERIFYs that may reach the card in Sign
	}
	ok := want{"", 3, jpki.KindMyNumber, true, "", 1}
	wants := map[string]want{
		"taro": ok, "hanako": ok, "child": ok,
		"two-tries":  {"", 2, jpki.KindMyNumber, true, "", 1},
		"one-try":    {"", 1, jpki.KindMyNumber, true, "", 1},
		"blocked":    {fault.PINBlocked, 0, jpki.KindMyNumber, true, fault.PINBlocked, 0},
		"expired":    {fault.CertExpired, 3, jpki.KindMyNumber, true, fault.CertExpired, 0},
		"foreign":    {fault.CertForeign, 3, jpki.KindMyNumber, true, fault.CertForeign, 0},
		"nocert":     {fault.CertMissing, jpki.TriesUnknown, jpki.KindMyNumber, false, fault.CertMissing, 0},
		"phone":      {"", 3, jpki.KindAndroid, false, "", 1},
		"iphone":     {"", 3, jpki.KindIPhone, false, "", 1},
		"ecc":        ok,
		"long":       ok,
		"oldcard":    {fault.CardOld, jpki.TriesUnknown, "", false, fault.CardOld, 0},
		"unknown":    {fault.CardUnknown, jpki.TriesUnknown, "", false, fault.CardUnknown, 0},
		"waon-1":     {fault.CardWrongKind, jpki.TriesUnknown, "", false, fault.CardWrongKind, 0},
		"waon-2":     {fault.CardWrongKind, jpki.TriesUnknown, "", false, fault.CardWrongKind, 0},
		"suica-like": {fault.CardWrongKind, jpki.TriesUnknown, "", false, fault.CardWrongKind, 0},
	}
	seen := make(map[string]string)
	for _, p := range cardtest.Personas() {
		t.Run(p.ID, func(t *testing.T) {
			w, known := wants[p.ID]
			if !known && strings.HasPrefix(p.ID, "person-") {
				w, known = ok, true
			}
			if !known {
				t.Fatal("persona without an expectation")
			}
			r, conn := put(t, p.ID)
			info, err := jpki.Inspect(t.Context(), conn, judge(t))
			if fault.CodeOf(err) != w.inspect || info.TriesLeft != w.tries || info.Kind != w.kind || (info.Certificate != nil) != w.free {
				t.Errorf("inspect: %v, %d tries, kind %q, certificate %t; want %+v", err, info.TriesLeft, info.Kind, info.Certificate != nil, w)
			}
			if n := verifies(r); n != 0 {
				t.Errorf("inspect sent %d PINs", n)
			}
			if info.Certificate != nil {
				if other, twice := seen[info.Holder]; twice {
					t.Errorf("same holder as %s", other)
				}
				seen[info.Holder] = p.ID
			}
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			pin := p.PIN
			if pin == "" {
				pin = "1234"
			}
			res, err := jpki.Sign(t.Context(), connect(t, r), order(t, pin))
			if fault.CodeOf(err) != w.sign || verifies(r) != w.sent {
				t.Errorf("sign: %v, %d PINs sent; want %q, %d", err, verifies(r), w.sign, w.sent)
			}
			if err == nil {
				checkSignature(t, res)
			} else if res.Signature != nil {
				t.Error("a signature in spite of a fault")
			}
			if _, ok := r.Card(p.ID).(*cardtest.JPKI); ok {
				inside(t, r, p.ID)
			}
		})
	}
}

// The cheapest correct dialogue: how many exchanges there are, and how few are
// left after the last digit.
func TestExchanges(t *testing.T) {
	r, conn := put(t, "taro")
	s, err := jpki.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Inspect(t.Context(), judge(t))
	if err != nil {
		t.Fatal(err)
	}
	chunks := (len(info.Certificate) + 255) / 256
	if n := len(r.Log()); n != 6+chunks {
		t.Errorf("inspect: %d exchanges, want 6 and %d chunks", n, chunks)
	}
	r.ClearLog()
	res, err := s.Sign(t.Context(), order(t, "1234"))
	if err != nil {
		t.Fatal(err)
	}
	checkSignature(t, res)
	s.End(t.Context())
	s.End(t.Context()) // once is enough
	var got []string
	for _, e := range r.Log() {
		got = append(got, e.Command)
	}
	want := []string{
		"00 20 00 80", "00 20 00 80 (4 bytes)", "00 A4 02 0C 0017", "80 2A 00 80 (51 bytes) Le 256",
		"00 A4 04 0C A0000001510000",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("after the last digit:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	// On a connection of its own, with the certificate brought along.
	_ = conn.Close()
	r.ClearLog()
	o := order(t, "1234")
	o.Certificate, o.Holder = info.Certificate, info.Holder
	if _, err := jpki.Sign(t.Context(), connect(t, r), o); err != nil {
		t.Fatal(err)
	}
	if n := len(r.Log()); n != 11 {
		t.Errorf("signature only: %d exchanges, want 10 and the goodbye", n)
	}
}

// The same session signs again after it has left the application.
func TestSignTwice(t *testing.T) {
	r, conn := put(t, "taro")
	s, err := jpki.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		res, err := s.Sign(t.Context(), order(t, "1234"))
		if err != nil {
			t.Fatal(err)
		}
		checkSignature(t, res)
	}
	if inside(t, r, "taro").Verifications() != 2 {
		t.Error("each signature needs a PIN of its own")
	}
}

func TestWrongPIN(t *testing.T) {
	r, conn := put(t, "taro")
	s, err := jpki.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []int{2, 1} {
		res, err := s.Sign(t.Context(), order(t, "9999"))
		if fault.CodeOf(err) != fault.PINWrong || res.TriesLeft != left || res.Verified {
			t.Fatalf("%v, %+v; want %d tries left", err, res, left)
		}
	}
	// The counter survives removal, and the last try needs the shopper's yes.
	r.Lift()
	if err := r.Put("taro"); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	conn = connect(t, r)
	o := order(t, "9999")
	o.MinTries = 2
	before := verifies(r)
	res, err := jpki.Sign(t.Context(), conn, o)
	if fault.CodeOf(err) != fault.PINTriesLow || res.TriesLeft != 1 || verifies(r) != before {
		t.Fatalf("%v, %d tries, %d PINs sent; want none", err, res.TriesLeft, verifies(r)-before)
	}
	_ = conn.Close()
	conn = connect(t, r)
	o.MinTries = 1
	if res, err = jpki.Sign(t.Context(), conn, o); fault.CodeOf(err) != fault.PINBlocked || res.TriesLeft != 0 {
		t.Fatalf("last miss: %v, %d tries", err, res.TriesLeft)
	}
	_ = conn.Close()
	before = verifies(r)
	if res, err = jpki.Sign(t.Context(), connect(t, r), order(t, "1234")); fault.CodeOf(err) != fault.PINBlocked || res.TriesLeft != 0 || verifies(r) != before {
		t.Fatalf("blocked: %v, %+v", err, res)
	}
	r.ResetCounters()
	if inside(t, r, "taro").TriesLeft() != 3 {
		t.Error("counters are not reset")
	}
}

func TestSuccessResetsCounter(t *testing.T) {
	r, conn := put(t, "one-try")
	if res, err := jpki.Sign(t.Context(), conn, order(t, "1234")); err != nil || res.TriesLeft != 3 {
		t.Fatalf("%v, %d tries", err, res.TriesLeft)
	}
	if n := inside(t, r, "one-try").TriesLeft(); n != 3 {
		t.Errorf("%d tries on the card", n)
	}
}

func TestMalformedPINStaysHere(t *testing.T) {
	for _, pin := range []string{"", "1", "123", "12345", "12a4", "    ", "１２３４"} {
		r, conn := put(t, "taro")
		if _, err := jpki.Sign(t.Context(), conn, order(t, pin)); fault.CodeOf(err) != fault.Internal {
			t.Errorf("%q: %v", pin, err)
		}
		if verifies(r) != 0 || inside(t, r, "taro").TriesLeft() != 3 {
			t.Errorf("%q reached the card", pin)
		}
	}
}

func TestHolder(t *testing.T) {
	r, conn := put(t, "taro")
	info, err := jpki.Inspect(t.Context(), conn, judge(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	for _, id := range []string{"hanako", "phone"} {
		r.ClearLog()
		if err := r.Put(id); err != nil {
			t.Fatal(err)
		}
		conn := connect(t, r)
		o := order(t, "1234")
		o.Holder = info.Holder
		res, err := jpki.Sign(t.Context(), conn, o)
		_ = conn.Close()
		if fault.CodeOf(err) != fault.CardChanged || res.Signature != nil {
			t.Errorf("%s: %v", id, err)
		}
		if id == "hanako" && verifies(r) != 0 {
			t.Error("the PIN was tried on another card")
		}
	}
}

// Habits of cards that the dialogue must put up with.
func TestHabits(t *testing.T) {
	for about, change := range map[string]func(*cardtest.Profile){
		"no filler":                        func(p *cardtest.Profile) { p.Filler = 0 },
		"no filler, rest with a warning":   func(p *cardtest.Profile) { p.Filler, p.End = 0, cardtest.EndWarn },
		"no filler, rest without a word":   func(p *cardtest.Profile) { p.Filler, p.End = 0, cardtest.EndShort },
		"much filler":                      func(p *cardtest.Profile) { p.Filler = 3000 },
		"long answers in pieces":           func(p *cardtest.Profile) { p.Chained = true },
		"first command fails":              func(p *cardtest.Profile) { p.FirstFails = true },
		"phone":                            func(p *cardtest.Profile) { p.Label, p.Phone = "JPKIAPGPSETOKEN", true },
		"iPhone":                           func(p *cardtest.Profile) { p.Label, p.Phone = "JPKIAPIOSTOKEN", true },
		"phone, in pieces, first fails":    func(p *cardtest.Profile) { p.Phone, p.Chained, p.FirstFails = true, true, true },
		"contact ATR":                      func(p *cardtest.Profile) { p.ATR = []byte{0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14} },
		"plastic card behind the PIN":      func(p *cardtest.Profile) { p.Phone = true },
		"serves short file identifiers":    func(p *cardtest.Profile) { p.SFI = true },
		"certificate in whole chunks only": func(p *cardtest.Profile) { p.Filler = 256 - len(p.Certificate)%256 },
	} {
		t.Run(about, func(t *testing.T) {
			r, c, conn := lay(t, change)
			s, err := jpki.Open(t.Context(), conn)
			if err != nil {
				t.Fatal(err)
			}
			if info, err := s.Inspect(t.Context(), judge(t)); err != nil || info.TriesLeft != 3 {
				t.Fatalf("%v, %+v", err, info)
			}
			res, err := s.Sign(t.Context(), order(t, "1234"))
			if err != nil {
				t.Fatal(err)
			}
			checkSignature(t, res)
			s.End(t.Context())
			if c.Verifications() != 1 || c.Strayed() {
				t.Errorf("%d verifications, strayed %t", c.Verifications(), c.Strayed())
			}
			// No verified PIN stays behind on the still powered card.
			if last := r.Log()[len(r.Log())-1]; last.Command != "00 A4 04 0C A0000001510000" || last.SW != apdu.OK {
				t.Errorf("last exchange %+v", last)
			}
		})
	}
}

func TestBlockedWords(t *testing.T) {
	for _, sw := range []apdu.SW{0x63C0, apdu.Blocked, apdu.BlockedISO} {
		_, _, conn := lay(t, func(p *cardtest.Profile) { p.Tries, p.BlockedSW = 0, sw })
		info, err := jpki.Inspect(t.Context(), conn, judge(t))
		if fault.CodeOf(err) != fault.PINBlocked || info.TriesLeft != 0 || info.Holder == "" {
			t.Errorf("%v: %v, %+v", sw, err, info)
		}
	}
}

// A PIN that somebody left verified hides the counter; it is taken back first.
func TestVerifiedBySomebody(t *testing.T) {
	r, conn := put(t, "two-tries")
	for _, c := range [][]byte{
		append([]byte{0x00, 0xA4, 0x04, 0x0C, 0x0A}, apdu.JPKI()...),
		{0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x18},
		{0x00, 0x20, 0x00, 0x80, 0x04, '1', '2', '3', '4'},
	} {
		if raw, err := conn.Transmit(t.Context(), c); err != nil || !bytes.Equal(raw, []byte{0x90, 0x00}) {
			t.Fatalf("%x, %v", raw, err)
		}
	}
	info, err := jpki.Inspect(t.Context(), conn, judge(t))
	if err != nil || info.TriesLeft != 3 {
		t.Errorf("%v, %+v", err, info)
	}
	if verifies(r) != 1 { // the one above
		t.Error("inspect sent a PIN")
	}
}

// A slow card and a shopper who has gone: the deadline ends the dialogue, and a
// VERIFY that is under way is uncertain.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, conn := put(t, "taro")
		s, err := jpki.Open(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Inspect(t.Context(), judge(t)); err != nil {
			t.Fatal(err)
		}
		r.Slow(700 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		res, err := s.Sign(ctx, order(t, "9999")) // query 0.7 s, VERIFY until 1.4 s
		if fault.CodeOf(err) != fault.PINUncertain || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if res.TriesLeft != 2 || res.Verified || verifies(r) != 1 {
			t.Errorf("%+v, %d PINs sent", res, verifies(r))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, conn := put(t, "taro")
		r.Slow(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if _, err := jpki.Inspect(ctx, conn, judge(t)); fault.CodeOf(err) != fault.CardMute {
			t.Errorf("%v", err)
		}
	})
}

// The context ends before VERIFY: nothing is uncertain.
func TestCancelledBeforeVerify(t *testing.T) {
	r, conn := put(t, "taro")
	s, err := jpki.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Sign(ctx, order(t, "1234"))
	if code := fault.CodeOf(err); code != fault.CardMute || !errors.Is(err, context.Canceled) || verifies(r) != 0 {
		t.Errorf("%v, %d PINs sent", err, verifies(r))
	}
}

func TestMuteAndUnplugged(t *testing.T) {
	r, conn := put(t, "taro")
	r.Mute(true)
	if _, err := jpki.Inspect(t.Context(), conn, judge(t)); fault.CodeOf(err) != fault.CardMute {
		t.Errorf("mute: %v", err)
	}
	r.Mute(false)
	r.Power(false)
	if _, err := jpki.Inspect(t.Context(), conn, judge(t)); fault.CodeOf(err) != fault.ReaderGone {
		t.Errorf("unplugged: %v", err)
	}
}
