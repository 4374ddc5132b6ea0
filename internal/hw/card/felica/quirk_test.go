package felica_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/felica"
)

func TestChoose(t *testing.T) {
	for reader, want := range map[string]string{
		"ACS ACR1251 1S CL Reader [ACR1251 1S CL Reader] 00 00":     "passthrough transparent",
		"ACS ACR1252 1S CL Reader [ACR1252 Reader PICC] 00 00":      "passthrough transparent",
		"ACS ACM1252 1S CL Reader 00 00":                            "passthrough transparent",
		"ACS ACR1255U-J1 00 00":                                     "passthrough transparent",
		"ACS ACR122U PICC Interface 00 00":                          "pn532",
		"SONY FeliCa RC-S300/P (0236798) 00 00":                     "sony transparent sonywin",
		"Sony FeliCa Port/PaSoRi 3.0 0":                             "sony transparent sonywin",
		"SONY RC-S660/U 00 00":                                      "sony transparent sonywin",
		"SCM Microsystems Inc. SCL3711 reader & NFC device 00 00":   "scm",
		"Identive CLOUD 4700 F Dual Interface Reader [CLOUD] 00 00": "scm",
		"Identiv uTrust 4701 F CL Reader 00 01":                     "scm",
		"Virtual PCD 00 00":                                         "passthrough transparent pn532",
		"":                                                          "passthrough transparent pn532",
	} {
		if got, err := felica.Choose(reader, nil); err != nil || names(got) != want {
			t.Errorf("%q: got %q, %v; want %q", reader, names(got), err, want)
		}
		got, err := felica.Choose(reader, []string{"scm", "none"})
		if err != nil || names(got) != "scm none" {
			t.Errorf("%q overridden: got %q, %v", reader, names(got), err)
		}
	}
	for _, bad := range []string{"", "Sony", "pn 532", "sony-escape"} {
		if got, err := felica.Choose("ACR122", []string{"pn532", bad}); err == nil || got != nil || !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("%q: got %v, %v", bad, got, err)
		}
	}
	if all, err := felica.Choose("", felica.StrategyNames()); err != nil || names(all) != strings.Join(felica.StrategyNames(), " ") {
		t.Errorf("all: got %q, %v", names(all), err)
	}
}

func names(list []felica.Strategy) string {
	var all []string
	for _, s := range list {
		all = append(all, s.Name())
	}
	return strings.Join(all, " ")
}

// The order by name fits the readers of that name.
func TestByReaderName(t *testing.T) {
	for _, c := range []struct {
		name string
		way  cardtest.Way
	}{
		{"ACS ACR1252 PICC", cardtest.WayPassthrough}, {"ACS ACR1252 PICC", cardtest.WayTransparent},
		{"ACS ACR122U PICC Interface 00 00", cardtest.WayPN532},
		{"SONY FeliCa RC-S300/S", cardtest.WaySony}, {"SONY FeliCa RC-S300/S", cardtest.WaySonyEscape},
		{"SONY FeliCa RC-S300/S", cardtest.WaySonyWin}, {"SONY FeliCa RC-S300/S", cardtest.WayTransparent},
		{"SCL3711", cardtest.WaySCM},
		{"Another", cardtest.WayPassthrough}, {"Another", cardtest.WayTransparent}, {"Another", cardtest.WayPN532},
	} {
		b := on(c.way)
		b.name = c.name
		if got, err := read(t, b.conn(), felica.Config{}); got != number || err != nil {
			t.Errorf("%s, %s: got %q, %v", c.name, c.way, got, err)
		}
	}
}

// A connection that has no escape commands, and one whose driver blocks them.
func TestWithoutEscape(t *testing.T) {
	sony := felica.Config{Strategies: []string{"sony"}}
	b := on(cardtest.WaySony)
	if got, err := read(t, b, sony); got != number || err != nil {
		t.Errorf("no escaper: got %q, %v", got, err)
	}
	b = on(cardtest.WaySony)
	b.escapes = blocked
	if got, err := read(t, b.conn(), sony); got != number || err != nil {
		t.Errorf("blocked: got %q, %v", got, err)
	}
	b = on(cardtest.WaySonyEscape)
	b.escapes = blocked
	if got, err := read(t, b.conn(), sony); got != "" || fault.CodeOf(err) != fault.WAONUnreadable {
		t.Errorf("only escape, and that blocked: got %q, %v", got, err)
	}
	for _, code := range []fault.Code{fault.CardLifted, fault.ReaderGone} {
		b = on(cardtest.WaySony)
		b.escapes = &fault.Error{Device: "card", Op: "escape", Code: code}
		if got, err := read(t, b.conn(), sony); got != "" || fault.CodeOf(err) != code {
			t.Errorf("escape says %s: got %q, %v", code, got, err)
		}
	}
}

// An ACM1252 does not wait for the card unless it is told how long.
func TestHastyReader(t *testing.T) {
	b := on(cardtest.WayTransparent)
	b.hook = func(c []byte) []byte {
		if len(c) > 5 && c[3] == 0x01 && c[5] == 0x95 {
			return []byte{0xC0, 0x03, 0x01, 0x64, 0x01, 0x90, 0x00}
		}
		return nil
	}
	got, err := read(t, b.conn(), felica.Config{Strategies: []string{"transparent"}})
	if got != number || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	exchanges := slices.DeleteFunc(b.sent, func(s string) bool { return !strings.HasPrefix(s, "ffc20001") })
	if len(exchanges) != 3 { // what has worked once is kept to
		t.Errorf("exchanges %v", exchanges)
	}
}

// Readers that take only one of the forms of Sony's exchange.
func TestStrictSony(t *testing.T) {
	for about, refuse := range map[string]func(c []byte) bool{
		"no third byte of Le":    func(c []byte) bool { return c[4] == 0 && bytes.HasSuffix(c, []byte{0, 0, 0}) },
		"short commands only":    func(c []byte) bool { return c[4] == 0 },
		"one byte of length":     func(c []byte) bool { return bytes.Contains(c, []byte{0x95, 0x82}) },
		"two bytes, the maker's": func(c []byte) bool { return !bytes.Contains(c, []byte{0x95, 0x82}) },
	} {
		b := on(cardtest.WaySonyEscape)
		b.hook = func(c []byte) []byte {
			if c[3] == 0x01 && refuse(c) {
				return []byte{0x67, 0x00}
			}
			return nil
		}
		if got, err := read(t, b.conn(), felica.Config{Strategies: []string{"sony"}}); got != number || err != nil {
			t.Errorf("%s: got %q, %v", about, got, err)
		}
		sessionEnded(t, b)
	}
}

// A session that somebody left behind is ended first.
func TestStaleSession(t *testing.T) {
	for _, way := range []cardtest.Way{cardtest.WayTransparent, cardtest.WaySony, cardtest.WaySonyEscape} {
		b := on(way)
		b.at, b.late = 3, true
		cfg := felica.Config{Strategies: []string{strings.TrimSuffix(string(way), "-escape")}}
		if _, err := read(t, b.conn(), cfg); fault.CodeOf(err) != fault.CardLifted || !b.card.(cardtest.Sessions).InSession() {
			t.Fatalf("%s: not torn in a session: %v", way, err)
		}
		again := &bench{card: b.card, at: -1}
		if got, err := read(t, again.conn(), cfg); got != number || err != nil {
			t.Errorf("%s: got %q, %v; sent %v", way, got, err, again.sent)
		}
		sessionEnded(t, again)
	}
}

// A reader that begins a session but cannot switch to FeliCa is given back, and
// the next strategy has its turn.
func TestNoSwitch(t *testing.T) {
	b := on(cardtest.WayTransparent)
	b.hook = func(c []byte) []byte {
		if len(c) > 3 && c[1] == 0xC2 && c[3] == 0x02 {
			return []byte{0xC0, 0x03, 0x01, 0x6A, 0x81, 0x90, 0x00}
		}
		return nil
	}
	if got, err := read(t, b.conn(), felica.Config{}); got != "" || fault.CodeOf(err) != fault.WAONUnreadable {
		t.Errorf("got %q, %v", got, err)
	}
	sessionEnded(t, b)
}

// The manuals of SCM readers leave open how the lists of a read are put.
func TestOtherOrderOfLists(t *testing.T) {
	b := on(cardtest.WaySCM)
	b.hook = func(c []byte) []byte {
		switch {
		case c[1] != 0x46:
			return nil
		case bytes.Equal(c[5:], []byte{0x68, 0x4F, 0x00, 0x00}):
			return b.card.Answer([]byte{0xFF, 0x46, 0x01, 0x01, 0x04, 0x4F, 0x68, 0x80, 0x00})
		default:
			return []byte{0x6A, 0x80}
		}
	}
	if got, err := read(t, b.conn(), felica.Config{Strategies: []string{"scm"}}); got != number || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// A read that the reader sends to another system than the one that was polled is
// not believed.
func TestAnotherSystemAnswers(t *testing.T) {
	b := on(cardtest.WaySCM)
	b.hook = func(c []byte) []byte {
		if c[1] != 0x46 {
			return nil
		}
		a := b.card.Answer(c)
		a[0] ^= 0x10
		return a
	}
	if got, err := read(t, b.conn(), felica.Config{Strategies: []string{"scm"}}); got != "" || fault.CodeOf(err) != fault.WAONUnreadable {
		t.Errorf("got %q, %v", got, err)
	}
}
