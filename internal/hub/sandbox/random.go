package sandbox

import (
	"crypto/rand"
	"encoding/base64"
	"math/big"

	"kioskd/internal/catalogue"
	"kioskd/internal/secret"
)

const (
	digits = "0123456789"
	// clearLetters leaves out what is misread: I, L, O, U, 0 and 1.
	clearLetters = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

	issuedPrefix = "6911"
	idLength     = 16
	codeLength   = 6
	mykeyLength  = 8
)

// random gives n characters of alphabet, each equally likely.
func random(alphabet string, n int) string {
	out := make([]byte, n)
	limit := big.NewInt(int64(len(alphabet)))
	for i := range out {
		k, err := rand.Int(rand.Reader, limit)
		if err != nil {
			panic(err) // crypto/rand's reader never fails
		}
		out[i] = alphabet[k.Int64()]
	}
	defer clear(out)
	return secret.Apart(out)
}

func newToken() string {
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// newServiceID gives 16 digits whose last one is the Luhn check digit.
func newServiceID() string {
	body := issuedPrefix + random(digits, idLength-len(issuedPrefix)-1)
	return body + string(catalogue.LuhnDigit(body))
}
