package jpki_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/jpki"
)

// twisted answers a status word instead of the card to every command that
// begins with head. The card sees such a command only when told to.
type twisted struct {
	card.Conn
	head   []byte
	size   int // 0 = any length
	answer []byte
	pass   bool
	hits   int
}

func (w *twisted) Transmit(ctx context.Context, b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, w.head) || w.size != 0 && len(b) != w.size {
		return w.Conn.Transmit(ctx, b)
	}
	w.hits++
	if w.pass {
		if _, err := w.Conn.Transmit(ctx, b); err != nil {
			return nil, err
		}
	}
	return bytes.Clone(w.answer), nil
}

// Every status word of the facts, at every place where the dialogue can meet it.
func TestStatusWords(t *testing.T) {
	selectFile := func(lo byte) []byte { return []byte{0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, lo} }
	type place struct {
		about string
		head  []byte
		size  int
		codes map[apdu.SW]fault.Code // what is not named here is card_refused
		sent  bool                   // the PIN reaches the card
	}
	unknown, missing, blocked := fault.CardUnknown, fault.CertMissing, fault.PINBlocked
	strange := map[apdu.SW]fault.Code{
		0x6A82: unknown, 0x6A88: unknown, 0x6A81: unknown, 0x6A86: unknown, 0x6D00: unknown, 0x6E00: unknown,
		0x6700: unknown, 0x6982: unknown, 0x6985: unknown,
	}
	absent := map[apdu.SW]fault.Code{0x6A82: missing, 0x6A88: missing, 0x6B00: missing}
	places := []place{
		{"select application", append([]byte{0x00, 0xA4, 0x04, 0x0C, 0x0A}, apdu.JPKI()...), 0, strange, false},
		{"select token", selectFile(0x06), 0, strange, false},
		{"read token", []byte{0x00, 0xB0, 0x00, 0x00, 0x20}, 0, strange, false},
		{"select certificate", selectFile(0x0A), 0, absent, false},
		{"read certificate", []byte{0x00, 0xB0, 0x00, 0x00, 0x00}, 0, absent, false},
		{"read on", []byte{0x00, 0xB0, 0x01, 0x00}, 0, absent, false},
		{"select PIN", selectFile(0x18), 0, map[apdu.SW]fault.Code{0x6A82: missing, 0x6A88: missing, 0x6984: blocked, 0x6983: blocked, 0x63C0: blocked}, false},
		{"query", []byte{0x00, 0x20, 0x00, 0x80}, 4, map[apdu.SW]fault.Code{0x6A82: missing, 0x6A88: missing, 0x6984: blocked, 0x6983: blocked, 0x63C0: blocked}, false},
		{"verify", []byte{0x00, 0x20, 0x00, 0x80}, 9, map[apdu.SW]fault.Code{
			0x63C0: blocked, 0x6984: blocked, 0x6983: blocked, 0x63C2: fault.PINWrong, 0x63C1: fault.PINWrong, 0x63C5: fault.PINWrong, 0x6300: fault.PINWrong,
		}, false},
		{"select key", selectFile(0x17), 0, nil, true},
		{"sign", []byte{0x80, 0x2A, 0x00, 0x80}, 0, nil, true},
	}
	words := []apdu.SW{
		0x63C2, 0x63C1, 0x63C0, 0x63C5, 0x6300, 0x6984, 0x6983, 0x6982, 0x6985, 0x6986, 0x6981, 0x6A81, 0x6A82, 0x6A86, 0x6A88,
		0x6700, 0x6C10, 0x6B00, 0x6282, 0x6881, 0x6882, 0x6D00, 0x6E00, 0x6F00, 0x9001,
	}
	for _, p := range places {
		for _, sw := range words {
			switch { // these are answers, not refusals, in that place
			case p.about == "query" && (sw == 0x63C1 || sw == 0x63C2):
				continue
			case p.about == "read certificate" && sw == 0x6982:
				continue // a phone
			case (p.about == "read certificate" || p.about == "read token") && sw == 0x6C10:
				continue // the right length, asked for at once
			}
			t.Run(p.about+" "+sw.String(), func(t *testing.T) {
				want, named := p.codes[sw]
				if !named {
					want = fault.CardRefused
				}
				_, c, conn := lay(t, func(*cardtest.Profile) {})
				w := &twisted{Conn: conn, head: p.head, size: p.size, answer: apdu.Answer{SW: sw}.Bytes()}
				res, err := jpki.Sign(t.Context(), w, order(t, "1234"))
				if fault.CodeOf(err) != want {
					t.Fatalf("%v, want %s", err, want)
				}
				var f *fault.Error
				if !errors.As(err, &f) || f.Hint == "" || f.Op == "" || f.Device != "card" {
					t.Errorf("fault lacks hint, operation or device: %+v", f)
				}
				var status *jpki.StatusError
				if p.about != "query" && (!errors.As(err, &status) || status.SW != sw) {
					t.Errorf("status word is lost: %v", err)
				}
				if res.Signature != nil || w.hits == 0 {
					t.Errorf("signature %t, %d hits", res.Signature != nil, w.hits)
				}
				if (c.Verifications() == 1) != p.sent || res.Verified != p.sent {
					t.Errorf("%d PINs compared, verified %t", c.Verifications(), res.Verified)
				}
				if p.about == "verify" {
					if w.hits != 1 {
						t.Errorf("VERIFY sent %d times", w.hits)
					}
					if left, ok := sw.Tries(); ok && left <= jpki.MaxTries && res.TriesLeft != left || !ok && want == blocked && res.TriesLeft != 0 {
						t.Errorf("%d tries", res.TriesLeft)
					}
					if (want == fault.CardRefused || sw == 0x63C5 || sw == 0x6300) && res.TriesLeft != 3 {
						t.Errorf("counter was not read again: %d", res.TriesLeft)
					}
				}
			})
		}
	}
}

// The answer to VERIFY is damaged on its way, but the card still lies there: the
// counter is read again, the PIN is not sent again, and it does not stay verified.
func TestVerifyAnswerDamaged(t *testing.T) {
	for _, c := range []struct {
		pin      string
		tries    int
		left     int
		verified bool
	}{{"1234", 2, 3, true}, {"9999", 3, 2, false}, {"9999", 1, 0, false}} {
		t.Run(fmt.Sprintf("%s with %d", c.pin, c.tries), func(t *testing.T) {
			r, v, conn := lay(t, func(p *cardtest.Profile) { p.Tries = c.tries })
			w := &twisted{Conn: conn, head: []byte{0x00, 0x20, 0x00, 0x80}, size: 9, answer: []byte{0x90}, pass: true}
			res, err := jpki.Sign(t.Context(), w, order(t, c.pin))
			if fault.CodeOf(err) != fault.PINUncertain || res.TriesLeft != c.left || res.Verified != c.verified || res.Signature != nil {
				t.Errorf("%v, %+v", err, res)
			}
			if w.hits != 1 || v.Verifications() != 1 || v.TriesLeft() != c.left {
				t.Errorf("%d sent, %d compared, %d left", w.hits, v.Verifications(), v.TriesLeft())
			}
			if last := r.Log()[len(r.Log())-1]; last.Command != "00 A4 04 0C A0000001510000" {
				t.Errorf("a verified PIN may stay behind: last was %s", last.Command)
			}
		})
	}
}

// Tokens, certificates and keys that are not what they should be.
func TestContent(t *testing.T) {
	type change = func(*cardtest.Profile)
	for about, c := range map[string]struct {
		change change
		want   fault.Code
	}{
		"no label":              {func(p *cardtest.Profile) { p.Label = "" }, fault.CardUnknown},
		"label goes on":         {func(p *cardtest.Profile) { p.Label = "JPKIAPICCTOKEN2X" }, fault.CardUnknown},
		"label in small":        {func(p *cardtest.Profile) { p.Label = "jpkiapicctoken2" }, fault.CardUnknown},
		"label of the old card": {func(p *cardtest.Profile) { p.Label = "JPKIAPICCTOKEN" }, fault.CardOld},
		"old card, padded":      {func(p *cardtest.Profile) { p.Label = "JPKIAPICCTOKEN\x00\x00" }, fault.CardOld},
		"certificate all FF":    {func(p *cardtest.Profile) { p.Certificate = bytes.Repeat([]byte{0xFF}, 1600) }, fault.CertMissing},
		"certificate all zero":  {func(p *cardtest.Profile) { p.Certificate = make([]byte, 1600) }, fault.CertMissing},
		"empty file":            {func(p *cardtest.Profile) { p.Certificate, p.Filler = nil, 0 }, fault.CertMissing},
		"not DER":               {func(p *cardtest.Profile) { p.Certificate = []byte("nonsense, and more of it") }, fault.CardRefused},
		"short form length":     {func(p *cardtest.Profile) { p.Certificate = []byte{0x30, 0x81, 0x80, 0x01} }, fault.CardRefused},
		"absurd length":         {func(p *cardtest.Profile) { p.Certificate = []byte{0x30, 0x82, 0xFF, 0xFF, 0x01} }, fault.CardRefused},
		"shorter than it says": {func(p *cardtest.Profile) {
			p.Certificate, p.Filler, p.End = p.Certificate[:600], 0, cardtest.EndShort
		}, fault.CertMissing}, // 6B00: nothing there
		"rubbish of the right length": {func(p *cardtest.Profile) {
			p.Certificate = bytes.Clone(p.Certificate)
			clear(p.Certificate[4:200])
		}, fault.CardRefused},
		"counter of another PIN": {func(p *cardtest.Profile) { p.Tries = 10 }, fault.CardRefused},
	} {
		t.Run(about, func(t *testing.T) {
			_, v, conn := lay(t, c.change)
			if _, err := jpki.Inspect(t.Context(), conn, judge(t)); fault.CodeOf(err) != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
			res, err := jpki.Sign(t.Context(), conn, order(t, "1234"))
			if fault.CodeOf(err) != c.want || res.Signature != nil || v.Verifications() != 0 {
				t.Errorf("sign: %v, %d PINs compared; want %s", err, v.Verifications(), c.want)
			}
		})
	}
}

// A signature that the certificate's key has not made is not called done.
func TestBrokenSignature(t *testing.T) {
	for about, answer := range map[string][]byte{
		"zeros":     append(make([]byte, 256), 0x90, 0x00),
		"too short": append(make([]byte, 255), 0x90, 0x00),
		"empty":     {0x90, 0x00},
	} {
		_, _, conn := lay(t, func(*cardtest.Profile) {})
		w := &twisted{Conn: conn, head: []byte{0x80, 0x2A}, answer: answer}
		res, err := jpki.Sign(t.Context(), w, order(t, "1234"))
		if fault.CodeOf(err) != fault.SignatureBroken || res.Signature != nil || !res.Verified {
			t.Errorf("%s: %v, %+v", about, err, res)
		}
	}
}

// A word that does not say what it did to the counter: the counter says it.
func TestVerifyWordWithoutCounter(t *testing.T) {
	for sw, want := range map[apdu.SW]fault.Code{0x6F00: fault.CardRefused, 0x6300: fault.PINWrong, 0x6985: fault.CardRefused} {
		for tries, left := range map[int]int{3: 2, 1: 0} {
			_, v, conn := lay(t, func(p *cardtest.Profile) { p.Tries = tries })
			w := &twisted{Conn: conn, head: []byte{0x00, 0x20, 0x00, 0x80}, size: 9, answer: apdu.Answer{SW: sw}.Bytes(), pass: true}
			res, err := jpki.Sign(t.Context(), w, order(t, "9999"))
			want := want
			if left == 0 && want == fault.PINWrong {
				want = fault.PINBlocked
			}
			if fault.CodeOf(err) != want || res.TriesLeft != left || w.hits != 1 || v.Verifications() != 1 {
				t.Errorf("%v with %d: %v, %+v", sw, tries, err, res)
			}
		}
	}
}

// leaving cancels the shopper's context as soon as the card has answered a
// command that begins with head.
type leaving struct {
	card.Conn
	head   []byte
	size   int
	cancel context.CancelFunc
}

func (l *leaving) Transmit(ctx context.Context, b []byte) ([]byte, error) {
	hit := bytes.HasPrefix(b, l.head) && len(b) == l.size
	raw, err := l.Conn.Transmit(ctx, b)
	if hit {
		l.cancel()
	}
	return raw, err
}

// The shopper leaves between two exchanges: before VERIFY nothing is sent any
// more, after it the verified PIN is taken back all the same.
func TestCancelledBetween(t *testing.T) {
	for _, c := range []struct {
		about    string
		size     int
		sent     int
		verified bool
		last     string
	}{
		{"after the query", 4, 0, false, "00 20 00 80"},
		{"after VERIFY", 9, 1, true, "00 A4 04 0C A0000001510000"},
	} {
		t.Run(c.about, func(t *testing.T) {
			r, v, conn := lay(t, func(*cardtest.Profile) {})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			l := &leaving{Conn: conn, head: []byte{0x00, 0x20, 0x00, 0x80}, size: c.size, cancel: cancel}
			res, err := jpki.Sign(ctx, l, order(t, "1234"))
			if fault.CodeOf(err) != fault.CardMute || !errors.Is(err, context.Canceled) || res.Verified != c.verified || res.TriesLeft != 3 {
				t.Errorf("%v, %+v", err, res)
			}
			if v.Verifications() != c.sent {
				t.Errorf("%d PINs compared, want %d", v.Verifications(), c.sent)
			}
			if last := r.Log()[len(r.Log())-1]; last.Command != c.last {
				t.Errorf("last was %s, want %s", last.Command, c.last)
			}
		})
	}
}
