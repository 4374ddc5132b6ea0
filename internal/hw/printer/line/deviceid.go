package line

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"
)

// ID is what a printer says of itself by IEEE 1284: pairs "key:value;".
type ID struct {
	Raw          string // the whole text, made printable
	Manufacturer string
	Model        string
	Description  string
	Class        string
	Serial       string
	Commands     []string // the languages that it claims to speak
}

// ParseID reads a device ID as the kernel gives it: two bytes of length, high
// byte first and counting themselves, then the text. Printers get that length
// wrong in every way there is (low byte first, without the two bytes, nonsense),
// so it only bounds the text where it makes sense.
func ParseID(b []byte) ID {
	if len(b) < 2 {
		return ID{}
	}
	text := b[2:]
	high, low := int(binary.BigEndian.Uint16(b)), int(binary.LittleEndian.Uint16(b))
	switch {
	case high >= 2 && high <= len(b):
		text = b[2:high]
	case low >= 2 && low <= len(b):
		text = b[2:low]
	}
	if end := bytes.IndexByte(text, 0); end >= 0 {
		text = text[:end]
	}
	return parseIDText(string(text))
}

func parseIDText(s string) ID {
	id := ID{Raw: printable(s)}
	for pair := range strings.SplitSeq(id.Raw, ";") {
		key, value, ok := strings.Cut(pair, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToUpper(strings.TrimSpace(key)) {
		case "MFG", "MANUFACTURER":
			first(&id.Manufacturer, value)
		case "MDL", "MODEL":
			first(&id.Model, value)
		case "DES", "DESCRIPTION":
			first(&id.Description, value)
		case "CLS", "CLASS":
			first(&id.Class, value)
		case "SN", "SERN", "SERIALNUMBER":
			first(&id.Serial, value)
		case "CMD", "COMMAND SET":
			for c := range strings.SplitSeq(value, ",") {
				if c = strings.TrimSpace(c); c != "" {
					id.Commands = append(id.Commands, c)
				}
			}
		}
	}
	return id
}

// first keeps the first value of a key that says something.
func first(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// printable keeps a printer from writing escape sequences to a terminal or a log.
func printable(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	return strings.TrimSpace(s)
}
