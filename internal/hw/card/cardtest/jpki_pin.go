package cardtest

import (
	"crypto/sha256"

	"kioskd/internal/hw/card/apdu"
)

func (c *JPKI) verify(cmd apdu.Command) apdu.SW {
	if cmd.P1 != 0x00 || cmd.P2&0x80 == 0 {
		return apdu.Parameters
	}
	f, sw := c.current(cmd.P2&0x1F != 0, cmd.P2)
	switch {
	case sw != apdu.OK:
		return sw
	case f.pin == nil:
		return apdu.WrongStructure
	case cmd.Le != 0:
		return apdu.Length
	}
	p := f.pin
	if len(cmd.Data) == 0 {
		switch {
		case p.verified:
			return apdu.OK
		case p.left == 0:
			return c.profile.BlockedSW
		default:
			return apdu.TriesSW(p.left)
		}
	}
	if len(cmd.Data) > 16 {
		return apdu.Length
	}
	if p.left == 0 {
		return apdu.Blocked
	}
	c.spent++
	if sha256.Sum256(cmd.Data) != p.value {
		c.misses++
		p.left--
		p.verified = false
		return apdu.TriesSW(p.left)
	}
	p.left, p.verified = p.max, true
	return apdu.OK
}
