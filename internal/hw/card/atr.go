package card

import "bytes"

// TechOf guesses from an ATR which family of dialogues to try first. ISO is the
// answer whenever nothing speaks for FeliCa: readers make up contactless ATRs,
// some put a random number into them, and a filter would hide real cards. Only
// a successful SELECT says what an ISO card is.
func TechOf(atr []byte) Tech {
	switch {
	case len(atr) < 2 || (atr[0] != 0x3B && atr[0] != 0x3F):
		return TechUnknown
	case feliCaStorageCard(atr), bytes.HasPrefix(atr, []byte{0x3B, 0x8C, 0x80, 0x01, 0x04, 0x43, 0xFD}):
		return TechFeliCa
	default:
		return TechISO
	}
}

// feliCaStorageCard knows the PC/SC part 3 form for storage cards: the RID of
// the PC/SC workgroup, the standard byte (any: readers disagree), the card name.
// 003B is FeliCa; the ACR122 family writes F011 or F012 instead.
func feliCaStorageCard(atr []byte) bool {
	const head, name = 7, 13
	if len(atr) < name+2 || !bytes.Equal(atr[:head], []byte{0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C}) ||
		!bytes.Equal(atr[head:head+5], []byte{0xA0, 0x00, 0x00, 0x03, 0x06}) {
		return false
	}
	switch nn := uint16(atr[name])<<8 | uint16(atr[name+1]); nn {
	case 0x003B, 0xF011, 0xF012:
		return true
	default:
		return false
	}
}
