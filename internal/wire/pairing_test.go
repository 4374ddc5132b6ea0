package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestPairingCode(t *testing.T) {
	ca, host := []byte("a certificate"), "hub.example.jp:8443"
	c, err := NewPairingCode(host, ca)
	if err != nil {
		t.Fatal(err)
	}
	text := c.Text()
	typed := []string{
		text,
		strings.ToLower(text),
		"  " + strings.ReplaceAll(strings.SplitN(text, "@", 2)[0], "-", " ") + " @ " + host,
		strings.NewReplacer("0", "O", "1", "l").Replace(strings.SplitN(text, "@", 2)[0][2:]),
	}
	typed[3] = "K1" + typed[3] + "@" + host
	for _, s := range typed {
		got, err := ParsePairingCode(s)
		if err != nil || got != c {
			t.Errorf("%q: %v", s, err)
		}
	}
	if !c.Pins(ca) || c.Pins([]byte("another")) {
		t.Error("the code does not pin its CA")
	}
	if s := fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c, c, c, c); strings.Contains(s, text[3:8]) {
		t.Errorf("the code shows itself: %s", s)
	}
}

// One wrong letter anywhere is found before anything is sent.
func TestPairingCodeTypedWrongly(t *testing.T) {
	c, err := NewPairingCode("10.0.0.1:8443", []byte("ca"))
	if err != nil {
		t.Fatal(err)
	}
	text := c.Text()
	missed := 0
	for i := range text {
		for _, r := range "02BZ79@" {
			s := text[:i] + string(r) + text[i+1:]
			if s == text {
				continue
			}
			if got, err := ParsePairingCode(s); err == nil && got != c {
				missed++
			} else if err != nil && !errors.Is(err, ErrPairing) {
				t.Errorf("%q: %v", s, err)
			}
		}
	}
	if missed > 2 { // 16 bits of check, 400 tries
		t.Errorf("%d wrong codes were taken", missed)
	}
	for _, s := range []string{"", "@", "K1@h:1", text[:20], text + "0", "K2" + text[2:], strings.Replace(text, ":8443", "", 1), strings.Replace(text, ":8443", ":0", 1)} {
		if _, err := ParsePairingCode(s); !errors.Is(err, ErrPairing) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzPairingCode(f *testing.F) {
	c, err := NewPairingCode("hub:8443", []byte("ca"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Text())
	f.Add("K1-00000@h:1")
	f.Add("@")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParsePairingCode(s)
		if err != nil {
			if !errors.Is(err, ErrPairing) {
				t.Error(err)
			}
			return
		}
		again, err := ParsePairingCode(c.Text())
		if err != nil || again != c {
			t.Errorf("%q reads back as another: %v", s, err)
		}
	})
}

func TestKioskID(t *testing.T) {
	a, b := KioskID([]byte("a")), KioskID([]byte("b"))
	if a == b || len(a) != 28 || !strings.HasPrefix(a, "k-") {
		t.Errorf("%q %q", a, b)
	}
}
