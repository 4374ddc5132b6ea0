package cardtest_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"math/big"
	"testing"

	"kioskd/internal/hw/card/cardtest"
)

// verified opens the user-authentication key and makes it current.
var verified = []string{jpkiAP + "=9000", "00 A4 02 0C 02 0018=9000", "00 20 00 80 04 31323334=9000", "00 A4 02 0C 02 0017=9000"}

// compute lets the current key sign.
func compute(t *testing.T, c cardtest.Card, p1 byte, data []byte) []byte {
	t.Helper()
	a := c.Answer(append(append([]byte{0x80, 0x2A, p1, 0x80, byte(len(data))}, data...), 0))
	if !bytes.HasSuffix(a, []byte{0x90, 0x00}) {
		t.Fatalf("P1 %02X: %X", p1, a)
	}
	return a[:len(a)-2]
}

func TestSigningPassword(t *testing.T) {
	const (
		certificate = "00 A4 02 0C 02 0001=9000"
		file        = "00 A4 02 0C 02 001B=9000"
		verify      = "00 20 00 80 08 5445535431323334=9000"
		wrong       = "00 20 00 80 06 414243444546="
	)
	c := taro(nil)
	talk(t, c, jpkiAP+"=9000", "00 A4 02 0C 02 0008=9000", "00 B0 00 00 03=8F8F009000", "00 A4 02 0C 02 0002=9000", "00 B0 00 00 02=30829000",
		"00 A4 02 0C 02 0016=9000", "00 B0 00 00 04=6981",
		certificate, "00 B0 00 00 04=6982", "00 A4 02 0C 02 001A=9000", "80 2A 00 80 01 01 00=6982",
		file, "00 20 00 80=63C5", wrong+"63C4", "00 20 00 80 08 7465737431323334=63C3", // small letters are other letters
		verify, "00 20 00 80=9000", wrong+"63C4", "00 20 00 80=63C4", certificate, "00 B0 00 00 04=6982",
		file, verify, certificate, "00 B0 00 00 04=4:9000",
		"00 A4 02 0C 02 0017=9000", "80 2A 00 80 01 01 00=6982") // the other key has a PIN of its own
	if c.TriesLeft() != 3 {
		t.Error("the password is not the PIN")
	}
	talk(t, c, "00 A4 02 0C 02 001A=9000")
	sum := sha256.Sum256([]byte("message"))
	sig := compute(t, c, 0x03, []byte("message"))
	if err := rsa.VerifyPKCS1v15(cardtest.TaroProfile().SignKey.Public().(*rsa.PublicKey), crypto.SHA256, sum[:], sig); err != nil {
		t.Error(err)
	}
	talk(t, c, file, wrong+"63C4", wrong+"63C3", wrong+"63C2", wrong+"63C1", wrong+"63C0", wrong+"6984", "00 20 00 80=6984", "00 20 00 80 08 5445535431323334=6984")
	c.ResetCounters()
	talk(t, c, "00 20 00 80=63C5")
}

// A card without a certificate for signing.
func TestNoSigningCertificate(t *testing.T) {
	c := cardtest.NewJPKI(cardtest.ProfileOf("child"))
	talk(t, c, jpkiAP+"=9000", "00 A4 02 0C 02 0008=9000", "00 B0 00 00 03=008F009000", "00 A4 02 0C 02 0001=6A82", "00 A4 02 0C 02 001A=6A82",
		"00 A4 02 0C 02 001B=9000", "00 20 00 80=63C5", "00 20 00 80 08 5445535431323334=63C4")
	for _, p := range cardtest.Personas() {
		if (p.Password != "") != (p.ID == "taro" || p.ID == "hanako") {
			t.Errorf("%s: password %q", p.ID, p.Password)
		}
	}
}

// Every scheme of SIGN, and the lengths that it takes.
func TestSchemes(t *testing.T) {
	c := taro(nil)
	talk(t, c, verified...)
	key := cardtest.TaroProfile().Key.Public().(*rsa.PublicKey)
	message := []byte("message")
	sum := sha256.Sum256(message)
	for _, s := range []struct {
		p1   byte
		data []byte
		hash crypto.Hash
		pss  bool
	}{
		{0x00, message, 0, false},
		{0x00, bytes.Repeat([]byte{0x01}, 245), 0, false},
		{0x01, message, 0, false},
		{0x02, sum[:], crypto.SHA256, false},
		{0x03, message, crypto.SHA256, false},
		{0x04, sum[:], crypto.SHA256, true},
		{0x05, message, crypto.SHA256, true},
	} {
		signed := sum[:]
		if s.p1 == 0x00 {
			signed = s.data
		}
		sig := compute(t, c, s.p1, s.data)
		err := rsa.VerifyPKCS1v15(key, s.hash, signed, sig)
		if s.pss {
			err = rsa.VerifyPSS(key, s.hash, signed, sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		if err != nil || len(sig) != 256 {
			t.Errorf("P1 %02X: %v, %d bytes", s.p1, err, len(sig))
		}
	}
	long := hex.EncodeToString(bytes.Repeat([]byte{0x01}, 246))
	talk(t, c, "80 2A 00 80 F6 "+long+" 00=6985", "80 2A 04 80 01 01 00=6985", "80 2A 03 80=6985", "80 2A 03 80 01 01 80=6700")
}

func TestNextGeneration(t *testing.T) {
	p := cardtest.ProfileOf("ecc")
	key := p.Key.Public().(*ecdsa.PublicKey)
	sum := sha512.Sum384([]byte("message"))
	c := cardtest.NewJPKI(p)
	talk(t, c, verified...)
	if sig := compute(t, c, 0x00, sum[:]); !ecdsa.VerifyASN1(key, sum[:], sig) {
		t.Errorf("signature %X", sig)
	}
	talk(t, c, "80 2A 02 80 01 01 00=6A86", "80 2A 00 80 01 01 00=6985", "80 2A 00 80=6985")
	p.RawECDSA = true
	c = cardtest.NewJPKI(p)
	talk(t, c, verified...)
	sig := compute(t, c, 0x00, sum[:])
	if len(sig) != 96 || !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(sig[:48]), new(big.Int).SetBytes(sig[48:])) {
		t.Errorf("signature %X", sig)
	}
}

func TestWarmReset(t *testing.T) {
	for _, keep := range []bool{false, true} {
		after := "63C3"
		if keep {
			after = "9000"
		}
		c := taro(func(p *cardtest.Profile) { p.KeepOverReset = keep })
		query := []string{"00 20 00 80=6986", jpkiAP + "=9000", "00 A4 02 0C 02 0018=9000"}
		talk(t, c, verified...)
		c.WarmReset()
		talk(t, c, append(query, "00 20 00 80="+after)...)
		// What is kept ends as any verified PIN does.
		c.WarmReset()
		talk(t, c, textAP+"=9000", jpkiAP+"=9000", "00 A4 02 0C 02 0018=9000", "00 20 00 80=63C3")
		talk(t, c, verified...)
		c.WarmReset()
		talk(t, c, isd+"=9000", jpkiAP+"=9000", "00 A4 02 0C 02 0018=9000", "00 20 00 80=63C3")
		talk(t, c, verified...)
		c.WarmReset()
		c.Power(true)
		talk(t, c, append(query, "00 20 00 80=63C3")...)
	}
}

func TestUnneeded(t *testing.T) {
	atr := hex.EncodeToString(cardtest.ContactATR()[1:])
	c := taro(nil)
	talk(t, c, "00 84 00 00 08=8:9000", "00 84 00 00 00=256:9000", "00 84 00 00=6700", "00 84 01 00 08=6A86",
		"00 CA 5F 51 00="+atr+"9000", "00 CA 5F 51 04=6C08", "00 CA 5F 51=6700",
		"00 CA DF 30 05=6A88", "00 CB 3F FF 03 5C017E 08=6D00", // as OpenSC probes
		"00 24 01 80 04 31323334=6D00")
	if a, b := c.Answer([]byte{0, 0x84, 0, 0, 8}), c.Answer([]byte{0, 0x84, 0, 0, 8}); bytes.Equal(a, b) {
		t.Error("the same challenge twice")
	}
	// By short identifiers the files for signing are reached as well.
	c = taro(func(p *cardtest.Profile) { p.SFI = true })
	talk(t, c, jpkiAP+"=9000", "00 20 00 9B=63C5", "00 20 00 9B 08 5445535431323334=9000", fmt.Sprintf("80 2A 00 9A 01 01 00=%d:9000", 256), "00 B0 81 00 04=4:9000")
}
