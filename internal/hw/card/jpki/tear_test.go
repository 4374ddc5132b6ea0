package jpki_test

import (
	"fmt"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card/apdu"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/jpki"
)

// The card is torn away at every exchange of the whole dialogue, before and
// after it has carried the command out, on the plastic card and on a phone, with
// the right and with a wrong PIN. Whatever happens: no second VERIFY, a try is
// spent only if the card has compared a wrong PIN, the fault is pin_uncertain
// exactly when the answer to VERIFY was lost, and nothing is called signed.
func TestTearEverywhere(t *testing.T) {
	for _, phone := range []bool{false, true} {
		for _, pin := range []string{"1234", "9999"} {
			total := exchanges(t, phone, pin)
			for at := range total {
				for _, after := range []bool{false, true} {
					t.Run(fmt.Sprintf("phone=%t/pin=%s/at=%d/after=%t", phone, pin, at, after), func(t *testing.T) {
						tear(t, phone, pin, at, after)
					})
				}
			}
		}
	}
}

func odd(phone bool) func(*cardtest.Profile) {
	return func(p *cardtest.Profile) {
		if phone {
			p.Label, p.Phone = "JPKIAPGPSETOKEN", true
		}
	}
}

func exchanges(t *testing.T, phone bool, pin string) int {
	t.Helper()
	r, _, conn := lay(t, odd(phone))
	_, err := jpki.Sign(t.Context(), conn, order(t, pin))
	if (pin == "1234") != (err == nil) {
		t.Fatal(err)
	}
	return len(r.Log())
}

func tear(t *testing.T, phone bool, pin string, at int, after bool) {
	r, c, conn := lay(t, odd(phone))
	if after {
		r.TearAfter(at)
	} else {
		r.TearAt(at)
	}
	res, err := jpki.Sign(t.Context(), conn, order(t, pin))
	log := r.Log()
	torn := log[at]
	if torn.Answer != 0 {
		t.Fatalf("not torn at %d: %+v", at, torn)
	}
	goodbye := torn.Command == "00 A4 04 0C A0000001510000"
	isVerify := torn.INS == apdu.InsVerify && torn.Bytes > 4

	switch code := fault.CodeOf(err); {
	case goodbye: // everything was done before
		if err != nil {
			t.Errorf("torn at the goodbye: %v", err)
		}
	case isVerify && code != fault.PINUncertain, !isVerify && code != fault.CardLifted:
		t.Errorf("torn at %s: %v", torn.Command, err)
	}
	if err != nil && res.Signature != nil {
		t.Error("a signature in spite of a fault")
	}
	if n := verifies(r); n > 1 {
		t.Errorf("%d PINs sent", n)
	}
	carriedOut := 0
	for i, e := range log {
		if e.INS == apdu.InsVerify && e.Bytes > 4 && (i != at || after) {
			carriedOut = 1
		}
	}
	if c.Verifications() != carriedOut {
		t.Errorf("card compared %d PINs, want %d", c.Verifications(), carriedOut)
	}
	left := 3
	if pin == "9999" {
		left -= carriedOut
	}
	if c.TriesLeft() != left {
		t.Errorf("%d tries left, want %d", c.TriesLeft(), left)
	}
	if isVerify && (res.TriesLeft != jpki.TriesUnknown || res.Verified) {
		t.Errorf("the counter is not known: %+v", res)
	}
	if c.Strayed() {
		t.Error("strayed")
	}
	// The card comes back: the counter tells, at no cost.
	r.PutCard("odd", c)
	_ = conn.Close()
	again := connect(t, r)
	info, err := jpki.Inspect(t.Context(), again, judge(t))
	if err != nil || info.TriesLeft != left || c.TriesLeft() != left {
		t.Errorf("afterwards: %v, %d tries, want %d", err, info.TriesLeft, left)
	}
}

func TestTearInspect(t *testing.T) {
	r, _, conn := lay(t, odd(false))
	if _, err := jpki.Inspect(t.Context(), conn, judge(t)); err != nil {
		t.Fatal(err)
	}
	for at := range len(r.Log()) {
		for _, after := range []bool{false, true} {
			r, c, conn := lay(t, odd(false))
			if after {
				r.TearAfter(at)
			} else {
				r.TearAt(at)
			}
			info, err := jpki.Inspect(t.Context(), conn, judge(t))
			if fault.CodeOf(err) != fault.CardLifted || info.TriesLeft != jpki.TriesUnknown || info.Certificate != nil {
				t.Errorf("at %d (after %t): %v, %+v", at, after, err, info)
			}
			if c.Verifications() != 0 || c.TriesLeft() != 3 {
				t.Errorf("at %d (after %t): a try was spent", at, after)
			}
		}
	}
}
