package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
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

// refuseRepeats walks the value once; encoding/json would silently let the last
// of two equal members win, so two readers could see two different documents.
func refuseRepeats(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	type level struct {
		names map[string]bool // nil inside an array
		value bool            // the next token is a value, not a name
	}
	var stack []level
	for first := true; first || len(stack) > 0; first = false {
		t, err := d.Token()
		if err != nil {
			return fmt.Errorf("%w: %s", ErrMalformed, jsonReason(err))
		}
		top := len(stack) - 1
		if t == json.Delim('}') || t == json.Delim(']') {
			stack = stack[:top]
			continue
		}
		if top >= 0 && stack[top].names != nil {
			if !stack[top].value {
				name, _ := t.(string)
				name = strings.ToLower(name)
				if stack[top].names[name] {
					return fmt.Errorf("%w: a member is repeated", ErrMalformed)
				}
				stack[top].names[name] = true
				stack[top].value = true
				continue
			}
			stack[top].value = false
		}
		switch t {
		case json.Delim('{'):
			stack = append(stack, level{names: map[string]bool{}})
		case json.Delim('['):
			stack = append(stack, level{})
		}
		if len(stack) > maxDepth {
			return fmt.Errorf("%w: nested too deeply", ErrMalformed)
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the value", ErrMalformed)
	}
	return nil
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
