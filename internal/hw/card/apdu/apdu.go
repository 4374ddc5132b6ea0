// Package apdu is the lowest layer of every card dialogue: command and answer
// bytes, the chaining of answers, and a guard that decides what may be sent.
//
// All traffic of this module to a card goes through a [Channel] (ISO cards) or
// [Pseudo] (commands that the reader itself carries out, for FeliCa). A Channel
// lets through what the user-authentication dialogue needs and nothing else, so
// the individual number on a My Number card has no path into the program,
// whatever a caller asks for; see guard.go.
//
// Only short APDUs are spoken: they are enough for everything a kiosk does.
//
// Nothing in this package prints, logs or wraps command data, with one
// exception: the name that a SELECT carries. See [Trace].
package apdu

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Instructions that the dialogues use.
const (
	InsVerify      byte = 0x20
	InsChange      byte = 0x24
	InsCompute     byte = 0x2A
	InsSelect      byte = 0xA4
	InsReadBinary  byte = 0xB0
	InsGetResponse byte = 0xC0
)

// MaxShort is the longest answer of a short APDU; Le 00 stands for it.
const MaxShort = 256

// Errors of building and parsing. None of them means that a card has seen anything.
var (
	ErrCommand = errors.New("not a short command APDU")
	ErrAnswer  = errors.New("not an answer APDU")
)

// Command is one short command APDU.
type Command struct {
	CLA, INS, P1, P2 byte
	Data             []byte // at most 255 bytes; borrowed, never kept
	Le               int    // expected answer bytes: 0 = none, 256 = as many as there are
}

// Encode gives the bytes to transmit in a new buffer. The caller wipes the
// buffer if the command carries a secret.
func (c Command) Encode() ([]byte, error) {
	if len(c.Data) > 255 || c.Le < 0 || c.Le > MaxShort {
		return nil, fmt.Errorf("%w: %d data bytes, Le %d", ErrCommand, len(c.Data), c.Le)
	}
	// The capacity is exact, so that append never leaves a copy of a secret behind.
	n := 4
	if len(c.Data) > 0 {
		n += 1 + len(c.Data)
	}
	if c.Le > 0 {
		n++
	}
	b := make([]byte, 0, n)
	b = append(b, c.CLA, c.INS, c.P1, c.P2)
	if len(c.Data) > 0 {
		b = append(b, byte(len(c.Data)))
		b = append(b, c.Data...)
	}
	if c.Le > 0 {
		b = append(b, byte(c.Le)) // 256 wraps to 00, as ISO 7816-4 wants it
	}
	return b, nil
}

// ParseCommand reads a short command APDU; Data aliases b.
func ParseCommand(b []byte) (Command, error) {
	if len(b) < 4 {
		return Command{}, fmt.Errorf("%w: %d bytes", ErrCommand, len(b))
	}
	c := Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3]}
	body := b[4:]
	switch {
	case len(body) == 0:
		return c, nil
	case len(body) == 1:
		c.Le = le(body[0])
		return c, nil
	}
	lc := int(body[0])
	switch {
	case lc == 0: // extended length: not spoken here
		return Command{}, fmt.Errorf("%w: extended length", ErrCommand)
	case len(body) == 1+lc:
		c.Data = body[1:]
		return c, nil
	case len(body) == 2+lc:
		c.Data, c.Le = body[1:1+lc], le(body[1+lc])
		return c, nil
	default:
		return Command{}, fmt.Errorf("%w: Lc %d with %d bytes behind it", ErrCommand, lc, len(body)-1)
	}
}

func le(b byte) int {
	if b == 0 {
		return MaxShort
	}
	return int(b)
}

// String shows the header, the lengths, and for SELECT the name; never other data.
func (c Command) String() string {
	s := fmt.Sprintf("%02X %02X %02X %02X", c.CLA, c.INS, c.P1, c.P2)
	switch {
	case c.INS == InsSelect && c.CLA != 0xFF && len(c.Data) <= 16:
		s += fmt.Sprintf(" %X", c.Data)
	case len(c.Data) > 0:
		s += fmt.Sprintf(" (%d bytes)", len(c.Data))
	}
	if c.Le > 0 {
		s += fmt.Sprintf(" Le %d", c.Le)
	}
	return s
}

// Format implements fmt.Formatter, so that no verb shows the data.
func (c Command) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue implements slog.LogValuer.
func (c Command) LogValue() slog.Value { return slog.StringValue(c.String()) }

// SW is a status word.
type SW uint16

// Status words with a meaning in the dialogues; the reactions to them stand in
// package jpki.
const (
	OK              SW = 0x9000
	EndOfFile       SW = 0x6282 // fewer bytes than asked for
	WrongNoCounter  SW = 0x6300
	Length          SW = 0x6700
	NoChannel       SW = 0x6881
	NoSecureMsg     SW = 0x6882
	WrongStructure  SW = 0x6981
	NotSatisfied    SW = 0x6982
	BlockedISO      SW = 0x6983
	Blocked         SW = 0x6984 // what My Number cards use for a blocked PIN
	Conditions      SW = 0x6985
	NoCurrentFile   SW = 0x6986
	NoFunction      SW = 0x6A81
	NotFound        SW = 0x6A82
	Parameters      SW = 0x6A86
	NoObject        SW = 0x6A88
	OffsetPast      SW = 0x6B00
	NoInstruction   SW = 0x6D00
	NoClass         SW = 0x6E00
	NoDiagnosis     SW = 0x6F00 // also: first command after power-up on some cards
	swMoreData      SW = 0x6100
	swWrongLe       SW = 0x6C00
	swTries         SW = 0x63C0
	maskHigh        SW = 0xFF00
	maskTriesPrefix SW = 0xFFF0
)

// String is four hex digits.
func (s SW) String() string { return fmt.Sprintf("%04X", uint16(s)) }

// Tries gives x of 63Cx.
func (s SW) Tries() (int, bool) {
	if s&maskTriesPrefix != swTries {
		return 0, false
	}
	return int(s &^ maskTriesPrefix), true
}

// TriesSW is the 63Cx for x tries left.
func TriesSW(x int) SW { return swTries | SW(x&0x0F) }

// Answer is one answer APDU.
type Answer struct {
	Data []byte
	SW   SW
}

// ParseAnswer splits an answer; Data aliases b.
func ParseAnswer(b []byte) (Answer, error) {
	n := len(b) - 2
	if n < 0 {
		return Answer{}, fmt.Errorf("%w: %d bytes", ErrAnswer, len(b))
	}
	return Answer{Data: b[:n:n], SW: SW(b[n])<<8 | SW(b[n+1])}, nil
}

// Bytes puts an answer together again.
func (a Answer) Bytes() []byte {
	b := make([]byte, 0, len(a.Data)+2)
	return append(append(b, a.Data...), byte(a.SW>>8), byte(a.SW))
}

// String shows length and status word, never data.
func (a Answer) String() string { return fmt.Sprintf("(%d bytes) %s", len(a.Data), a.SW) }

// Format implements fmt.Formatter, so that no verb shows the data.
func (a Answer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// LogValue implements slog.LogValuer.
func (a Answer) LogValue() slog.Value { return slog.StringValue(a.String()) }
