package jpki

import "bytes"

// Kind is what the token information says the card is.
type Kind string

// The kinds that a session serves.
const (
	KindUnknown  Kind = ""
	KindMyNumber Kind = "my_number"
	KindAndroid  Kind = "android"
	KindIPhone   Kind = "iphone"
	kindOld      Kind = "old" // 住基カード: refused, it has no certificate of today
)

// labelSize is the length of the label at the start of the token information.
const labelSize = 32

// kindOf reads the label. All of it decides, because the old card's label is a
// prefix of the new one's.
func kindOf(info []byte) Kind {
	if len(info) < labelSize {
		return KindUnknown
	}
	switch string(bytes.TrimRight(info[:labelSize], " \x00")) {
	case "JPKIAPICCTOKEN2":
		return KindMyNumber
	case "JPKIAPICCTOKEN":
		return kindOld
	case "JPKIAPGPSETOKEN":
		return KindAndroid
	case "JPKIAPIOSTOKEN":
		return KindIPhone
	default:
		return KindUnknown
	}
}

// Phone reports whether the certificate can be read only after the PIN.
func (k Kind) Phone() bool { return k == KindAndroid || k == KindIPhone }
