package wire

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// crockford is Crockford's base32: no I, L, O or U, so that nothing is misread.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	idLen      = 26 // 128 bits, five a character
	numberLen  = 8  // characters of a reception number before its check character
	numberText = "kioskd number v1\x00"
)

// ErrNumber says that a reception number was misread or mistyped.
var ErrNumber = errors.New("cannot read reception number: it is not one, or a character is wrong")

// NewSubmissionID gives a ULID: 48 bits of the time in ms and 80 random ones, in 26
// characters. IDs made one after the other lie beside each other in an index, which
// spares the disk half of what a random ID costs there. Nothing else reads the time:
// a wrong clock does no harm.
func NewSubmissionID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(time.Now().UnixMilli())<<16)
	_, _ = rand.Read(b[6:]) // never fails: crypto/rand ends the process instead
	return base32of(b[:], idLen)
}

// ValidID reports whether s has the form that NewSubmissionID gives.
func ValidID(s string) bool {
	// 26 characters hold 130 bits; the two highest are always 0.
	return len(s) == idLen && s[0] <= '7' && strings.Trim(s, crockford) == ""
}

// NumberOf gives the reception number (受付番号) of a submission: "K7F3-92QX-4".
// It is derived from a hash of the ID, so that a slip tells nobody the ID. The
// last character finds every single wrong character and every two that were swapped.
func NumberOf(id string) string {
	sum := sha256.Sum256([]byte(numberText + id))
	n := base32of(sum[:5], numberLen)
	return grouped(n + string(crockford[syndrome(n+"0")]))
}

// ParseNumber reads a reception number as a person types it (any case, full
// width, with or without hyphens, O for 0, I or L for 1) and gives its one form.
func ParseNumber(s string) (string, error) {
	var b strings.Builder
	for _, r := range s {
		if r >= '！' && r <= '～' { // full-width forms of ASCII
			r -= '！' - '!'
		}
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		switch r {
		case '-', ' ', '　', '‐', '−', '–', 'ー':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if !strings.ContainsRune(crockford, r) || b.Len() > numberLen {
			return "", ErrNumber
		}
		b.WriteRune(r)
	}
	n := b.String()
	if len(n) != numberLen+1 || syndrome(n) != 0 {
		return "", ErrNumber
	}
	return grouped(n), nil
}

func grouped(n string) string { return n[:4] + "-" + n[4:8] + "-" + n[8:] }

// syndrome evaluates the characters as a polynomial over GF(32) at its
// generator. The powers of the generator differ at all places, so one wrong
// character or two swapped ones never give 0.
func syndrome(n string) int {
	acc := 0
	for i := range len(n) {
		acc = double(acc) ^ strings.IndexByte(crockford, n[i])
	}
	return acc
}

// double multiplies by x in GF(2)[x] / (x⁵ + x² + 1).
func double(v int) int {
	v <<= 1
	if v >= 32 {
		v ^= 0b100101
	}
	return v
}

// base32of writes b as a big-endian number in exactly n characters.
func base32of(b []byte, n int) string {
	out := make([]byte, n)
	bits, held := uint(0), 0 // from the right end of b, not written yet
	for i := n - 1; i >= 0; i-- {
		if held < 5 && len(b) > 0 {
			bits |= uint(b[len(b)-1]) << held
			b, held = b[:len(b)-1], held+8
		}
		out[i] = crockford[bits&31]
		bits, held = bits>>5, max(0, held-5)
	}
	return string(out)
}
