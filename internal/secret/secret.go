// Package secret holds short secrets (PIN, password, one-time password,
// security code) so that they can be typed, used once and destroyed.
//
// A Secret has one owner. Passing it on passes ownership; [Secret.Clone] makes
// a second one with its own buffer. Bytes live in one fixed heap buffer that is
// never reallocated, so [Secret.Wipe] leaves no copy behind. A Secret prints as
// "***" in every format and in slog, and refuses to be marshalled.
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"unsafe"
)

// MaxLen is the longest secret in bytes. It fits every code of the programme.
const MaxLen = 64

// ErrMarshal is returned by every marshaller: secrets do not travel by accident.
var ErrMarshal = errors.New("cannot marshal a secret")

const mask = "***"

// Secret is a short byte string that forgets. The zero value is empty and ready.
// It is not safe for concurrent use.
type Secret struct{ buf *buffer }

type buffer struct {
	b [MaxLen]byte
	n int
}

// New takes a copy of b. Bytes beyond MaxLen are refused by returning an empty Secret.
func New(b []byte) Secret {
	var s Secret
	for _, c := range b {
		if !s.Append(c) {
			s.Wipe()
			return Secret{}
		}
	}
	return s
}

// Append adds one byte and reports whether there was room.
func (s *Secret) Append(c byte) bool {
	if s.buf == nil {
		s.buf = new(buffer)
	}
	if s.buf.n == MaxLen {
		return false
	}
	s.buf.b[s.buf.n] = c
	s.buf.n++
	return true
}

// Erase removes the last byte, if there is one.
func (s *Secret) Erase() {
	if s.buf == nil || s.buf.n == 0 {
		return
	}
	s.buf.n--
	s.buf.b[s.buf.n] = 0
}

// Len is the number of bytes typed so far: the only thing a screen may know.
func (s Secret) Len() int {
	if s.buf == nil {
		return 0
	}
	return s.buf.n
}

// Bytes lends the secret. The slice is valid until the next change or Wipe and
// must be neither kept nor copied into anything that is not wiped.
func (s Secret) Bytes() []byte {
	if s.buf == nil {
		return nil
	}
	return s.buf.b[:s.buf.n:s.buf.n]
}

// Text lends the secret as a string, for where one is needed. Nothing is copied:
// it is valid as long as Bytes would be, and is zeroed with the secret.
func (s Secret) Text() string {
	b := s.Bytes()
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // b is the buffer of this secret, and lives as long as it
}

// Clone returns a Secret with its own buffer; both must be wiped.
func (s Secret) Clone() Secret { return New(s.Bytes()) }

// Equal compares in constant time (for equal lengths).
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare(s.Bytes(), o.Bytes()) == 1
}

// Wipe zeroes the buffer. The Secret is empty afterwards, as are all values that share it.
func (s *Secret) Wipe() {
	if s.buf == nil {
		return
	}
	clear(s.buf.b[:])
	s.buf.n = 0
	s.buf = nil
}

// Format implements fmt.Formatter for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// String implements fmt.Stringer.
func (Secret) String() string { return mask }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalJSON refuses.
func (Secret) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalText refuses.
func (Secret) MarshalText() ([]byte, error) { return nil, ErrMarshal }

// MarshalBinary refuses.
func (Secret) MarshalBinary() ([]byte, error) { return nil, ErrMarshal }

// GobEncode refuses.
func (Secret) GobEncode() ([]byte, error) { return nil, ErrMarshal }
