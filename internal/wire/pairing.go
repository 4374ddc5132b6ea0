package wire

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// PairingLife is how long a pairing code may be used, once.
const PairingLife = 60 * 60 // seconds

// Lengths within a pairing code, in bytes.
const (
	pairingHash  = 16
	pairingToken = 10
	pairingCheck = 2
)

const pairingContext = "kioskd pairing v1\x00"

// ErrPairing is under every error of a pairing code that cannot be right. Its
// text tells what to do and never repeats the code, which is a secret.
var ErrPairing = errors.New("cannot use pairing code")

// PairingCode is what an operator carries from the hub to a new kiosk: where the
// hub is, which CA it has, and the right to enrol once. It is short enough to be
// typed, and says by itself when it was typed wrongly.
//
// Its text is K1, then CA hash, token and check in Crockford's base32 in groups of
// five, then the hub's address: K1-XXXXX-…@hub.example.jp:8443.
type PairingCode struct {
	Host  string // host:port of the hub's API
	CA    [pairingHash]byte
	Token [pairingToken]byte
}

// pairingAlphabet is Crockford's base32: nobody mistakes one of its letters for another.
func pairingAlphabet() *base32.Encoding {
	return base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)
}

// NewPairingCode makes a code for the hub at host (host:port) with this CA
// certificate (DER).
func NewPairingCode(host string, ca []byte) (PairingCode, error) {
	if !validHostPort(host) {
		return PairingCode{}, fmt.Errorf("cannot make pairing code: %q is not host:port", host)
	}
	c := PairingCode{Host: host, CA: pairingHashOf(ca)}
	_, _ = rand.Read(c.Token[:]) // never fails
	return c, nil
}

// ParsePairingCode reads what String wrote; case, spaces and dashes do not
// matter, and O, I and L are read as 0 and 1.
func ParsePairingCode(s string) (PairingCode, error) {
	letters, host, ok := strings.Cut(strings.TrimSpace(s), "@")
	host = strings.TrimSpace(host)
	if !ok || !validHostPort(host) {
		return PairingCode{}, fmt.Errorf("%w: it ends with @ and the hub's host:port", ErrPairing)
	}
	letters = strings.NewReplacer(" ", "", "-", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(letters))
	letters, ok = strings.CutPrefix(letters, "K1")
	if !ok {
		return PairingCode{}, fmt.Errorf("%w: it does not begin with K1: is it for another version?", ErrPairing)
	}
	b, err := pairingAlphabet().DecodeString(letters)
	if err != nil || len(b) != pairingHash+pairingToken+pairingCheck || pairingAlphabet().EncodeToString(b) != letters {
		return PairingCode{}, fmt.Errorf("%w: letters are missing, too many or wrong: compare it with what the hub printed", ErrPairing)
	}
	c := PairingCode{Host: host}
	copy(c.CA[:], b)
	copy(c.Token[:], b[pairingHash:])
	if !bytes.Equal(c.check(), b[pairingHash+pairingToken:]) {
		return PairingCode{}, fmt.Errorf("%w: a letter is wrong: compare it with what the hub printed", ErrPairing)
	}
	return c, nil
}

// Text is the code as it is shown once. It is a secret until it was used.
func (c PairingCode) Text() string {
	b := append(append(c.CA[:], c.Token[:]...), c.check()...)
	letters := pairingAlphabet().EncodeToString(b)
	parts := []string{"K1"}
	for len(letters) > 0 {
		n := min(5, len(letters))
		parts, letters = append(parts, letters[:n]), letters[n:]
	}
	return strings.Join(parts, "-") + "@" + c.Host
}

// Format keeps the token out of logs in every verb.
func (c PairingCode) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "pairing code for %q", c.Host)
}

// Pins reports whether the code was made for a hub with this CA certificate (DER).
func (c PairingCode) Pins(ca []byte) bool {
	h := pairingHashOf(ca)
	return subtle.ConstantTimeCompare(h[:], c.CA[:]) == 1
}

// TokenHash is what a hub stores of the token, and looks it up by.
func (c PairingCode) TokenHash() []byte { return PairingTokenHash(c.Token[:]) }

// PairingTokenHash is the hash of a token that a kiosk presents. The token has 80
// random bits, so a plain hash does not help to find it.
func PairingTokenHash(token []byte) []byte {
	h := sha256.Sum256(append([]byte(pairingContext+"token\x00"), token...))
	return h[:]
}

func (c PairingCode) check() []byte {
	h := sha256.Sum256([]byte(pairingContext + "check\x00" + string(c.CA[:]) + string(c.Token[:]) + strings.ToLower(c.Host)))
	return h[:pairingCheck]
}

func pairingHashOf(ca []byte) (h [pairingHash]byte) {
	sum := sha256.Sum256(append([]byte(pairingContext+"ca\x00"), ca...))
	copy(h[:], sum[:])
	return h
}

func validHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || len(host) > 253 || strings.ContainsAny(host, "/@?#% \t\r\n") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
