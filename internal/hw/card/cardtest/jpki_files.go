package cardtest

import "kioskd/internal/hw/card/apdu"

// current finds the file that a command with the given reference means.
func (c *JPKI) current(short bool, sfi byte) (*file, apdu.SW) {
	id := c.file
	if short {
		if !c.profile.SFI {
			return nil, apdu.Parameters
		}
		id = uint16(sfi & 0x1F)
	}
	if c.app == nil || id == 0 {
		return nil, apdu.NoCurrentFile
	}
	f := c.app.files[id]
	if f == nil {
		return nil, apdu.NotFound
	}
	if short {
		c.file = id
	}
	return f, apdu.OK
}

func (c *JPKI) open(f *file) bool {
	return f.behind == 0 || c.app.files[f.behind].pin.verified
}

func (c *JPKI) read(cmd apdu.Command) apdu.Answer {
	short := cmd.P1&0x80 != 0
	f, sw := c.current(short, cmd.P1)
	switch {
	case sw != apdu.OK:
		return only(sw)
	case f.data == nil:
		return only(apdu.WrongStructure)
	case !c.open(f):
		return only(apdu.NotSatisfied)
	case cmd.Le == 0 || len(cmd.Data) != 0:
		return only(apdu.Length)
	}
	offset := int(cmd.P1)<<8 | int(cmd.P2)
	if short {
		offset = int(cmd.P2)
	}
	if offset >= len(f.data) {
		return only(apdu.OffsetPast)
	}
	rest := f.data[offset:]
	if cmd.Le <= len(rest) {
		return apdu.Answer{Data: rest[:cmd.Le], SW: apdu.OK}
	}
	switch c.profile.End {
	case EndWarn:
		return apdu.Answer{Data: rest, SW: apdu.EndOfFile}
	case EndShort:
		return apdu.Answer{Data: rest, SW: apdu.OK}
	default:
		return only(0x6C00 | apdu.SW(len(rest)))
	}
}
