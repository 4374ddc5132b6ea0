package jpki_test

import (
	"context"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/jpki"
)

// An order that brings the certificate of another card never reaches that card's
// PIN, even when nobody has noticed that the cards were swapped.
func TestCertificateOfAnotherCard(t *testing.T) {
	r, conn := put(t, "taro")
	info, err := jpki.Inspect(t.Context(), conn, judge(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if err := r.Put("hanako"); err != nil {
		t.Fatal(err)
	}
	r.ClearLog()
	o := order(t, "9999")
	o.Certificate, o.Holder = info.Certificate, info.Holder
	_, err = jpki.Sign(t.Context(), connect(t, r), o)
	if fault.CodeOf(err) != fault.CardChanged {
		t.Errorf("%v", err)
	}
	if c := inside(t, r, "hanako"); verifies(r) != 0 || c.TriesLeft() != 3 {
		t.Errorf("%d PINs sent, %d tries left", verifies(r), c.TriesLeft())
	}
}

// strange answers a VERIFY with another word than the card gave.
type strange struct {
	card.Conn
	word apdu.SW
}

func (s strange) Transmit(ctx context.Context, b []byte) ([]byte, error) {
	answer, err := s.Conn.Transmit(ctx, b)
	if err == nil && len(b) > 4 && b[1] == apdu.InsVerify {
		answer = apdu.Answer{SW: s.word}.Bytes()
	}
	return answer, err
}

// After a word that does not tell what became of the counter, the counter is read
// again before another PIN: the number agreed on counts, not an older one.
func TestCounterIsNeverStale(t *testing.T) {
	r := bench(t)
	p := cardtest.TaroProfile()
	p.Tries = 2
	c := cardtest.NewJPKI(p)
	r.PutCard("odd", c)
	s, err := jpki.Open(t.Context(), strange{connect(t, r), apdu.WrongNoCounter})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := s.Inspect(t.Context(), judge(t)); err != nil || info.TriesLeft != 2 {
		t.Fatalf("%v, %+v", err, info)
	}
	o := order(t, "9999")
	o.MinTries = 2
	if _, err := s.Sign(t.Context(), o); fault.CodeOf(err) != fault.PINWrong {
		t.Fatal(err)
	}
	if _, err := s.Sign(t.Context(), o); fault.CodeOf(err) != fault.PINTriesLow {
		t.Errorf("%v", err)
	}
	if c.TriesLeft() != 1 || verifies(r) != 1 {
		t.Errorf("%d tries left, %d PINs sent", c.TriesLeft(), verifies(r))
	}
}

// A PIN that was verified is taken back even when the card said something strange.
func TestEndAfterAStrangeWord(t *testing.T) {
	r := bench(t)
	r.PutCard("odd", cardtest.NewJPKI(cardtest.TaroProfile()))
	s, err := jpki.Open(t.Context(), strange{connect(t, r), apdu.NoDiagnosis})
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Sign(t.Context(), order(t, "1234"))
	if err == nil || !res.Verified {
		t.Fatalf("%+v, %v", res, err)
	}
	s.End(t.Context())
	if last := r.Log()[len(r.Log())-1]; last.Command != "00 A4 04 0C A0000001510000" {
		t.Errorf("last exchange %+v", last)
	}
}
