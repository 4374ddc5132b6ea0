package line

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestParseID(t *testing.T) {
	const epson = "MFG:EPSON;CMD:ESC/POS , TM;MDL:TM-T88V;CLS:PRINTER;DES:EPSON TM-T88V;SN:ABC123;"
	framed := func(high, low int, text string) []byte { return append([]byte{byte(high), byte(low)}, text...) }
	n := len(epson)
	for _, c := range []struct {
		name string
		in   []byte
		raw  string
	}{
		{"right", framed(0, n+2, epson), epson},
		{"with rubbish behind", framed(0, n+2, epson+"old answer;"), epson},
		{"without the two bytes", framed(0, n, epson), epson[:n-2]},
		{"low byte first", append(framed(n+2, 0, epson), make([]byte, 300)...), epson},
		{"nonsense", framed(0xFF, 0xFF, epson+"\x00\x00\x00"), epson},
		{"zero", framed(0, 0, epson), epson},
		{"empty", []byte{0, 2}, ""},
		{"too short", []byte{7}, ""},
		{"nothing", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := ParseID(c.in)
			if id.Raw != c.raw {
				t.Errorf("Raw = %q", id.Raw)
			}
			if c.raw != "" && (id.Manufacturer != "EPSON" || id.Model != "TM-T88V" || id.Class != "PRINTER" || !slices.Equal(id.Commands, []string{"ESC/POS", "TM"})) {
				t.Errorf("%+v", id)
			}
		})
	}
}

func TestParseIDKeys(t *testing.T) {
	id := parseIDText(" manufacturer: Star ;MODEL:TSP143;model:other;COMMAND SET:StarGraphic,;DESCRIPTION:a:b;CLASS:PRINTER;SERN:7\x1b[2J;FOO;:;")
	want := ID{Raw: id.Raw, Manufacturer: "Star", Model: "TSP143", Description: "a:b", Class: "PRINTER", Serial: "7 [2J", Commands: []string{"StarGraphic"}}
	if id.Manufacturer != want.Manufacturer || id.Model != want.Model || id.Description != want.Description ||
		id.Class != want.Class || id.Serial != want.Serial || !slices.Equal(id.Commands, want.Commands) {
		t.Errorf("got  %+v\nwant %+v", id, want)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add([]byte("\x00\x18MFG:linux;MDL:g_printer"))
	f.Add([]byte("\x18\x00MFG:linux;MDL:g_printer\x00\x00"))
	f.Add([]byte{0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		id := ParseID(b)
		all := append([]string{id.Raw, id.Manufacturer, id.Model, id.Description, id.Class, id.Serial}, id.Commands...)
		for _, s := range all {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("not printable: %q", s)
			}
			if !strings.Contains(id.Raw, s) {
				t.Errorf("%q is not in %q", s, id.Raw)
			}
		}
	})
}
