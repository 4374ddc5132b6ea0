package cardtest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

// octets are the bytes of a command or an answer, in groups as they are written.
type octets []octetGroup

// octetGroup is some bytes, or how many were not written down.
type octetGroup struct {
	bytes  []byte
	hidden int
}

// noBytes stands for no byte at all.
const noBytes = "-"

// mostHidden is more than any APDU has; a transcript that hides more is rubbish.
const mostHidden = 1 << 17

// hexOf is hex without groups.
func hexOf(b []byte) string { return shownOctets(b).String() }

func shownOctets(b []byte) octets { return octets{}.show(b) }

func (d octets) show(b []byte) octets {
	if len(b) == 0 {
		return d
	}
	return append(d, octetGroup{bytes: bytes.Clone(b)})
}

func (d octets) hide(n int) octets {
	if n == 0 {
		return d
	}
	return append(d, octetGroup{hidden: n})
}

// String is the groups with a space between them.
func (d octets) String() string {
	if len(d) == 0 {
		return noBytes
	}
	words := make([]string, len(d))
	for i, c := range d {
		words[i] = strings.ToUpper(hex.EncodeToString(c.bytes))
		if c.hidden > 0 {
			words[i] = "*" + strconv.Itoa(c.hidden)
		}
	}
	return strings.Join(words, " ")
}

func parseOctets(words []string) (octets, error) {
	if len(words) == 0 {
		return nil, errors.New("bytes are missing")
	}
	if len(words) == 1 && words[0] == noBytes {
		return nil, nil
	}
	var d octets
	for _, w := range words {
		if n, hides := strings.CutPrefix(w, "*"); hides {
			hidden, err := strconv.ParseUint(n, 10, 32)
			if err != nil || hidden == 0 || hidden > mostHidden {
				return nil, fmt.Errorf("%q is no number of bytes", w)
			}
			d = d.hide(int(hidden))
			continue
		}
		b, err := hex.DecodeString(w)
		if err != nil || len(b) == 0 {
			return nil, fmt.Errorf("%q is not hex", w)
		}
		d = d.show(b)
	}
	return d, nil
}

// fits reports whether b may be what was recorded.
func (d octets) fits(b []byte) bool {
	for _, c := range d {
		n := len(c.bytes) + c.hidden
		if len(b) < n || c.hidden == 0 && !bytes.Equal(c.bytes, b[:n]) {
			return false
		}
		b = b[n:]
	}
	return len(b) == 0
}

// fill gives the bytes, zeros where they were hidden.
func (d octets) fill() []byte {
	b := []byte{}
	for _, c := range d {
		b = append(b, c.bytes...)
		b = append(b, make([]byte, c.hidden)...)
	}
	return b
}

// Instructions of ISO 7816-4 that carry a PIN, besides those of package apdu, and
// the one of PC/SC that carries a key to the reader.
const (
	insVerifyObject byte = 0x21
	insResetRetry   byte = 0x2C
	insLoadKeys     byte = 0x82
	classReader     byte = 0xFF
)

// maskCommand is what is written of a command APDU. As in apdu.Trace, data is hidden
// but for the name that a SELECT carries; a public command shows its data too,
// unless it is a PIN or a key, which is hidden always.
func maskCommand(b []byte, public bool) octets {
	if len(b) < 4 {
		if public {
			return shownOctets(b)
		}
		return octets{}.hide(len(b))
	}
	d, class, ins := shownOctets(b[:4]), b[0], b[1]
	c, err := apdu.ParseCommand(b)
	visible := public || class != classReader && ins == apdu.InsSelect && err == nil && len(c.Data) <= 16
	switch ins {
	case apdu.InsVerify, insVerifyObject, apdu.InsChange, insResetRetry:
		visible = false
	case insLoadKeys:
		visible = visible && class != classReader
	}
	switch rest := b[4:]; {
	case err != nil && visible, len(rest) == 1:
		return d.show(rest)
	case err != nil:
		return d.hide(len(rest)) // who knows what is data in it
	case len(c.Data) == 0:
		return d.show(rest)
	default:
		body := rest[1:]
		d = d.show(rest[:1])
		if visible {
			d = d.show(body[:len(c.Data)])
		} else {
			d = d.hide(len(c.Data))
		}
		return d.show(body[len(c.Data):])
	}
}

// maskAnswer is what is written of an answer APDU: the status word always, the rest
// only if it is public. Certificates, numbers and signatures belong to a person.
func maskAnswer(b []byte, public bool) octets {
	n := max(0, len(b)-2)
	if public {
		return shownOctets(b[:n]).show(b[n:])
	}
	if len(b) < 2 {
		return octets{}.hide(len(b))
	}
	return octets{}.hide(n).show(b[n:])
}

// maskOther is what is written of bytes that have no form known here, such as
// those that go past the card to the reader.
func maskOther(b []byte, public bool) octets {
	if public {
		return shownOctets(b)
	}
	return octets{}.hide(len(b))
}

// maskATR is what is written of an answer to reset. The reader makes up that of a
// contactless card, and some put the card's number into it: only the forms that
// hold none are written, and of the others zeros. The family is written anyway.
func maskATR(b []byte, public bool) []byte {
	atr := bytes.Clone(b)
	contactless := []byte{0x80, 0x01}
	if public || len(atr) < 4 || !bytes.Equal(atr[2:4], contactless) {
		return atr
	}
	var keep int
	switch {
	case atr[1] == 0x8F && bytes.HasPrefix(atr[4:], []byte{0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06}):
		return atr // a storage card, by its kind
	case atr[1] == 0x88:
		return atr // type B, with what it says of its application and protocol
	case bytes.HasPrefix(atr[4:], []byte{0x04, 0x43, 0xFD}):
		keep = 7 // NFC Forum type 3, with its IDm
	default:
		keep = 4
	}
	clear(atr[keep:])
	return atr
}

// maskState is a state with what is written of its answers to reset.
func maskState(s card.State, public bool) card.State {
	s.Cards = slices.Clone(s.Cards)
	for i := range s.Cards {
		s.Cards[i].ATR = maskATR(s.Cards[i].ATR, public)
	}
	return s
}
