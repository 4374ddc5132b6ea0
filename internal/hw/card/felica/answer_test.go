package felica

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"kioskd/internal/hw/card/apdu"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseTarget(t *testing.T) {
	// From the ACR122L manual.
	idm, err := parseTarget(unhex(t, "D54B0101 1401 0101050186040202 03004B024F498A8A 8008"))
	if err != nil || hex.EncodeToString(idm[:]) != "0101050186040202" {
		t.Errorf("got %x, %v", idm, err)
	}
	for in, want := range map[string]error{
		"":         errAnswer,
		"D54B":     errAnswer,
		"D54B00":   ErrSilent,
		"D54B01":   errAnswer,
		"D54B0102": errAnswer,
		"D54B02 01 1201 0101050186040202 03004B024F498A8A": errAnswer,
		"D54B0101 1201 0101050186040202 03004B024F498A":    errAnswer,
		"D541 00": errAnswer,
	} {
		if _, err := parseTarget(unhex(t, in)); !errors.Is(err, want) {
			t.Errorf("%q: got %v", in, err)
		}
	}
}

func TestParseExchange(t *testing.T) {
	// From the ACR122L manual.
	got, err := parseExchange(unhex(t, "D54100 0C09 0101050186040202 0000"))
	if err != nil || len(got) != 12 || got[1] != 0x09 {
		t.Errorf("got %x, %v", got, err)
	}
	for in, want := range map[string]error{"": errAnswer, "D541": errAnswer, "D54B00": errAnswer, "D54100": ErrSilent, "D54101": ErrSilent, "D5410101": ErrSilent} {
		if _, err := parseExchange(unhex(t, in)); !errors.Is(err, want) {
			t.Errorf("%q: got %v", in, err)
		}
	}
}

func TestParseSession(t *testing.T) {
	for in, want := range map[string]string{
		"":                                    "",
		"C003009000":                          "",
		"C003009000 97021234":                 "1234",
		"C003009000 920100 96020000 9702ABCD": "ABCD",
		"C003009000 97 81021234":              "1234",
		"C003009000 97 82 00021234":           "1234",
		"FF6D03AABBCC 8003010203 5F51023B8F 97011F": "1F",
	} {
		got, err := parseSession(unhex(t, in))
		if err != nil || !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("%q: got %x, %v", in, got, err)
		}
	}
	for in, want := range map[string]error{
		"C0":                          errAnswer,
		"C003":                        errAnswer,
		"C0029000":                    errAnswer,
		"C003016401":                  ErrSilent,
		"C003016A81 9702ABCD":         ErrUnsupported,
		"9703ABCD":                    errAnswer,
		"9780":                        errAnswer,
		"97 82 FFFF 00":               errAnswer,
		"5F":                          errAnswer,
		"C003009000 960201009702ABCD": ErrSilent,
	} {
		if got, err := parseSession(unhex(t, in)); !errors.Is(err, want) || got != nil {
			t.Errorf("%q: got %x, %v", in, got, err)
		}
	}
}

func TestParseSystems(t *testing.T) {
	idm := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	got, err := parseSystems(unhex(t, "0F0D 0102030405060708 02 852B FE00"), idm)
	if err != nil || len(got) != 2 || got[0] != 0x852B || got[1] != Common {
		t.Errorf("got %x, %v", got, err)
	}
	for _, in := range []string{"", "0B0D", "0B0D 0102030405060709 00", "0D0D 0102030405060708 02 FE00", "0C0D 0102030405060708 01 FE"} {
		if got, err := parseSystems(unhex(t, in), idm); !errors.Is(err, errAnswer) {
			t.Errorf("%q: got %x, %v", in, got, err)
		}
	}
}

func TestRefusal(t *testing.T) {
	for sw, want := range map[apdu.SW]error{
		0x9000: nil, 0x6300: ErrSilent, 0x6301: ErrSilent, 0x6400: ErrSilent, 0x6401: ErrSilent, 0x6A82: ErrSilent, 0x6F00: ErrSilent,
		0x6700: ErrUnsupported, 0x6985: ErrUnsupported, 0x6A81: ErrUnsupported, 0x6D00: ErrUnsupported, 0x6E00: ErrUnsupported, 0x9001: ErrUnsupported,
	} {
		if err := refusal(sw); !errors.Is(err, want) {
			t.Errorf("%s: got %v", sw, err)
		}
	}
}

// Whatever a parser gives stands in what it was given, and a fault of the answer
// is never taken for one of the transport, which would end the dialogue.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"", "D54B00", "D54B0101140101010501860402020300 4B024F498A8A8008", "D54101", "D541000C0901010501860402020000",
		"C003009000", "C003016401", "C0030090009201009602000097 03AABBCC", "9782000301 0203", "FF6D03AABBCC5F51023B8F",
		"0F0D010203040506070802852BFE00", "0C0701020304050607 0801A6", "1201010203040506070801020304050607 08",
		"1D07010203040506070800000169001234567890130000000000000000",
		"010203040506070800000169001234567890130000000000000000", "01020304050607080102030405060708FE00",
	} {
		f.Add(unhex(f, seed))
	}
	idm := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	f.Fuzz(func(t *testing.T, in []byte) {
		b := append(make([]byte, 0, len(in)), in...) // not a byte behind it can be reached
		check := func(what string, got []byte, err error) {
			t.Helper()
			switch {
			case err != nil && transport(err):
				t.Fatalf("%s: %v looks like the transport's", what, err)
			case err == nil && !bytes.Contains(b, got):
				t.Fatalf("%s: %x does not stand in %x", what, got, b)
			}
		}
		id, err := parsePoll(b)
		check("poll", id[:], err)
		id, err = parseTarget(b)
		check("target", id[:], err)
		id, err = parseREQC(b)
		check("REQC", id[:], err)
		got, err := parseExchange(b)
		check("exchange", got, err)
		got, err = parseSession(b)
		check("session", got, err)
		_, err = parseSystems(b, idm)
		check("systems", nil, err)
		block, err := parseRead(b, idm)
		check("read", block[:], err)
		block, err = parsePlain(b, idm)
		check("plain", block[:], err)
		for _, sw := range []apdu.SW{apdu.OK, apdu.NotFound} {
			block, err = parseBinary(apdu.Answer{Data: b, SW: sw})
			check("binary", block[:], err)
		}
		if n, err := Number(block); err == nil && (len(n) != 16 || strings.Trim(n, "0123456789") != "" || strings.Trim(n, "0") == "") {
			t.Fatalf("number %q", n)
		}
		if !bytes.Equal(b, in) {
			t.Fatal("a parser wrote into the answer")
		}
	})
}
