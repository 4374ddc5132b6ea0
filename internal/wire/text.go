package wire

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"kioskd/internal/secret"
)

// Private is a short text of a shopper. It is a string as any other, but for the memory
// into which it is decoded: see [secret.Apart].
type Private string

// UnmarshalJSON implements [json.Unmarshaler].
func (p *Private) UnmarshalJSON(b []byte) error {
	if n := len(b); n >= 2 && b[0] == '"' && bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b) {
		*p = Private(secret.Apart(b[1 : n-1]))
		return nil
	}
	s := string(*p) // null leaves it as it is
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*p = Private(secret.Apart([]byte(s)))
	return nil
}
