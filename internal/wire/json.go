package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds the nesting of any message; the deepest real one has four levels.
const maxDepth = 16

// ErrMalformed is under every error of a decoder: the bytes are not a message of
// this protocol. Its text never repeats content.
var ErrMalformed = errors.New("malformed message")

// Decode reads one JSON value strictly: at most MaxBody bytes of valid UTF-8,
// no unknown or repeated member (names that differ only in case count as
// repeated), nothing behind the value. Both sides read every body through it.
func Decode[T any](b []byte) (T, error) {
	var v, zero T
	if len(b) > MaxBody {
		return zero, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxBody)
	}
	if !utf8.Valid(b) {
		return zero, fmt.Errorf("%w: not UTF-8", ErrMalformed)
	}
	if err := refuseRepeats(b); err != nil {
		return zero, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return zero, fmt.Errorf("%w: %s", ErrMalformed, jsonReason(err))
	}
	if rest := b[d.InputOffset():]; len(bytes.TrimLeft(rest, " \t\r\n")) > 0 {
		return zero, fmt.Errorf("%w: something follows the value", ErrMalformed)
	}
	return v, nil
}

// encode is the one encoder, so that equal values have equal bytes: members in
// the order of the type, no spaces, no escapes for HTML.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("cannot encode %T: %w", v, err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// refuseRepeats looks for repeated names; encoding/json would silently let the last
// of two equal members win, so two readers could see two different documents. It
// reads b once and judges nothing else but the depth: what is no JSON, the decoder
// refuses.
func refuseRepeats(b []byte) error {
	var stack []map[string]bool // the names of each open object; nil for an array
	name := false               // the next string is a name
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			if len(stack) == maxDepth {
				return fmt.Errorf("%w: nested too deeply", ErrMalformed)
			}
			name = b[i] == '{'
			var names map[string]bool
			if name {
				names = map[string]bool{}
			}
			stack = append(stack, names)
		case '}', ']':
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			}
			name = false
		case ',':
			name = len(stack) > 0 && stack[len(stack)-1] != nil
		case ':':
			name = false
		case '"':
			end := stringEnd(b, i)
			if end < 0 {
				return fmt.Errorf("%w: it is cut short", ErrMalformed)
			}
			if name {
				folded, err := foldName(b[i:end])
				if err != nil {
					return err
				}
				names := stack[len(stack)-1]
				if names[folded] {
					return fmt.Errorf("%w: a member is repeated", ErrMalformed)
				}
				names[folded] = true
			}
			i = end - 1
		}
	}
	return nil
}

// stringEnd gives the index behind the string that begins at i, or -1.
func stringEnd(b []byte, i int) int {
	quote := -1
	for j := i + 1; j < len(b); {
		if quote < j {
			n := bytes.IndexByte(b[j:], '"')
			if n < 0 {
				return -1
			}
			quote = j + n
		}
		escape := bytes.IndexByte(b[j:quote], '\\')
		if escape < 0 {
			return quote + 1
		}
		j += escape + 2
	}
	return -1
}

// foldName gives what encoding/json compares when it looks for the field of a
// name: it takes names that differ in case, in all of Unicode, for the same.
func foldName(quoted []byte) (string, error) {
	if plain := quoted[1 : len(quoted)-1]; !bytes.ContainsFunc(plain, notPlain) { // as ours are
		return string(bytes.ToUpper(plain)), nil
	}
	var name string
	if err := json.Unmarshal(quoted, &name); err != nil {
		return "", fmt.Errorf("%w: a name is not valid", ErrMalformed)
	}
	return strings.Map(func(r rune) rune {
		for { // to the smallest of those that are the same
			next := unicode.SimpleFold(r)
			if next <= r {
				return next
			}
			r = next
		}
	}, name), nil
}

// notPlain reports whether a character of a name takes more than ASCII to fold.
func notPlain(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// jsonReason says what is wrong without quoting what stands there: bodies carry
// names and codes, errors go to logs.
func jsonReason(err error) string {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it is cut short"
	case errors.As(err, &syntax):
		return fmt.Sprintf("JSON syntax at byte %d", syntax.Offset)
	case errors.As(err, &typ):
		return fmt.Sprintf("wrong type at byte %d", typ.Offset)
	case strings.Contains(err.Error(), "unknown field"):
		return "an unknown member"
	default:
		return "a value is not valid"
	}
}
