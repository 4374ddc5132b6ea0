package cardtest

import (
	"bytes"

	"kioskd/internal/hw/card/apdu"
)

// Unknown is an ISO card that has no application of ours.
type Unknown struct{ atr []byte }

// NewUnknown makes one.
func NewUnknown(atr []byte) *Unknown { return &Unknown{atr} }

// ATR implements Card.
func (u *Unknown) ATR() []byte { return bytes.Clone(u.atr) }

// Power implements Card.
func (*Unknown) Power(bool) {}

// ResetCounters implements Card.
func (*Unknown) ResetCounters() {}

// Answer implements Card.
func (*Unknown) Answer(command []byte) []byte {
	c, err := apdu.ParseCommand(command)
	switch {
	case err != nil:
		return word(apdu.Length)
	case c.CLA != 0x00:
		return word(apdu.NoClass)
	case c.INS == apdu.InsSelect:
		return word(apdu.NotFound)
	default:
		return word(apdu.NoInstruction)
	}
}
