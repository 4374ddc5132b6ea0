package oracletest_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/escpos"
	"kioskd/internal/hw/printer/oracletest"
	"kioskd/internal/hw/printer/starprnt"
)

// TestPaper reads streams that were written by hand from the references.
func TestPaper(t *testing.T) {
	plain := oracletest.Run{Text: "受付ABC", Wide: 1, High: 1}
	large := oracletest.Run{Text: "07", Wide: 2, High: 3, Bold: true, Reverse: true}
	for name, tt := range map[string]struct {
		language oracletest.Language
		stream   string
		want     []oracletest.Item
	}{
		"text": {
			oracletest.ESCPOS(),
			"\x1b@\x1cC\x01\x1c&\x1ba\x02\x8e\xf3\x95tABC\x1bE\x01\x1dB\x01\x1d!\x1207\n\n",
			[]oracletest.Item{
				{Kind: oracletest.Init},
				{Kind: oracletest.Line, At: 28, Align: 2, Runs: []oracletest.Run{plain, large}},
				{Kind: oracletest.Line, At: 29, Align: 2},
			},
		},
		"code": {
			oracletest.ESCPOS(),
			"\x1ba\x01\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x06\x1d(k\x03\x001E2\x1d(k\x08\x001P0K7-10\x1d(k\x03\x001Q0",
			[]oracletest.Item{{Kind: oracletest.Code, At: 41, Align: 1, Content: "K7-10", Module: 6, Level: 'Q'}},
		},
		"picture, questions and cut": {
			oracletest.ESCPOS(),
			"\x10\x04\x02\x1dv0\x00\x02\x00\x03\x00\x1dv\x10\x04\xff\x00\x1dr\x01\x1dVB\x18\x1d(H\x06\x0000 !ab\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08",
			[]oracletest.Item{
				{Kind: oracletest.Picture, At: 3, Width: 2, Rows: 3, Bits: []byte("\x1dv\x10\x04\xff\x00")},
				{Kind: oracletest.Marker, At: 17},
				{Kind: oracletest.Cut, At: 20, Rows: 24},
				{Kind: oracletest.Confirm, At: 24, Content: " !ab"},
			},
		},
		"star": {
			oracletest.StarPRNT(),
			"\x1b@\x1b\x1ea\x01\x1b\x06\x01\x1b\x1dS\x01\x01\x00\x02\x00\x00\x17\x18\x1bd\x03\x17",
			[]oracletest.Item{
				{Kind: oracletest.Init},
				{Kind: oracletest.Picture, At: 9, Width: 1, Rows: 2, Bits: []byte("\x17\x18")},
				{Kind: oracletest.Cut, At: 20},
				{Kind: oracletest.Marker, At: 23},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			commands, err := tt.language.Read([]byte(tt.stream))
			if err != nil {
				t.Fatal(err)
			}
			items, err := oracletest.Paper(commands)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, items); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestHidden: what stands in data counts, and what begins in one command and ends in
// the next; a command of its own does not.
func TestHidden(t *testing.T) {
	for name, tt := range map[string]struct {
		language oracletest.Language
		stream   string
		want     []int
	}{
		"own command":  {oracletest.ESCPOS(), "\x10\x04\x01", nil},
		"in a picture": {oracletest.ESCPOS(), "\x1dv0\x00\x02\x00\x01\x00\x10\x04", []int{8}},
		"in a length":  {oracletest.ESCPOS(), "\x1dv0\x00\x01\x00\x10\x05" + string(make([]byte, 0x510)), []int{6}},
		"star":         {oracletest.StarPRNT(), "\x1b\x06\x01\x1b\x1dS\x01\x02\x00\x01\x00\x00\x1b\x1d", []int{12}},
	} {
		t.Run(name, func(t *testing.T) {
			commands, err := tt.language.Read([]byte(tt.stream))
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.language.Hidden([]byte(tt.stream), commands); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestStrict: it says what is wrong with a stream.
func TestStrict(t *testing.T) {
	for stream, want := range map[string]error{
		"\x1b":                           oracletest.ErrShort,
		"\x1dv0\x00\x01\x00":             oracletest.ErrShort,
		"\x1dv0\x00\x02\x00\x01\x00\xff": oracletest.ErrShort,
		"\x1d(k\x03\x001Q":               oracletest.ErrShort,
		"\x1d\xff":                       oracletest.ErrUnknown,
		"\x07":                           oracletest.ErrUnknown,
		"\x10\x04\x09":                   oracletest.ErrArgs,
		"\x1dv0\x00\x00\x00\x01\x00":     oracletest.ErrArgs,
		"\x1d(k\x03\x001C\x11":           oracletest.ErrArgs,
		"\x1d(H\x03\x00001":              oracletest.ErrArgs,
		"\x1d(k\x03\x001Q0":              oracletest.ErrPlace, // what?
		"ABC\n":                          oracletest.ErrPlace, // no kanji mode
		"\x1cC\x01\x1c&\x81 \n":          oracletest.ErrArgs,  // half a character
		"\x1cC\x01\x1c&ABC":              oracletest.ErrShort, // no end of line
		"\x1cC\x01\x1c&ABC\x1ba\x01\n":   oracletest.ErrPlace,
		"\x1cC\x01\x1c&ABC\x1dv0\x00\x01\x00\x01\x00\x00": oracletest.ErrPlace,
	} {
		commands, err := oracletest.ESCPOS().Read([]byte(stream))
		if err == nil {
			_, err = oracletest.Paper(commands)
		}
		if !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", stream, err, want)
		}
	}
}

// FuzzRead: whatever comes, the commands are the stream, and nothing panics.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"\x1b@\x1dv0\x00\x01\x00\x02\x00\xff\x10\x1dVB\x18", "\x1cC\x01\x1c&AB\n", "\x1d(k\x03\x001Q0", "\x1b\x1dS\x01\x01\x00\x01\x00\x00\x17\x17"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		for _, l := range []oracletest.Language{oracletest.ESCPOS(), oracletest.StarPRNT()} {
			commands, err := l.Read(stream)
			for i, c := range commands {
				end := len(stream)
				if i+1 < len(commands) {
					end = commands[i+1].At
				}
				if c.At >= end || !bytes.Contains(stream[c.At:end], slices.Concat(c.Args, c.Data)) {
					t.Fatalf("%s at %d holds what is not there", c.Name, c.At)
				}
			}
			_, _ = oracletest.Paper(commands) // it must not panic
			if err == nil {
				whole(t, l, stream, commands)
			}
		}
	})
}

// whole: cut off anywhere, the stream gives the commands before that, and an error
// unless the cut lies between two of them.
func whole(t *testing.T, l oracletest.Language, stream []byte, commands []oracletest.Command) {
	t.Helper()
	for n := range min(len(stream), 64) {
		got, err := l.Read(stream[:n])
		between := slices.ContainsFunc(commands, func(c oracletest.Command) bool {
			return c.At == n || c.Name == oracletest.Letters && c.At < n && n < c.At+len(c.Data)
		})
		if between != (err == nil) {
			t.Fatalf("cut off at %d: %v", n, err)
		}
		for i, c := range got {
			if c.At != commands[i].At || c.Name != commands[i].Name {
				t.Fatalf("cut off at %d, command %d is another one", n, i)
			}
		}
	}
}

// FuzzRaster: whatever a picture holds, its rows arrive, with no dot less, and nothing
// that a printer would act on is in them.
func FuzzRaster(f *testing.F) {
	f.Add([]byte("\x10\x04\x10\x05\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"), uint8(2), uint16(100))
	f.Add([]byte("\x00\x00\x10\x04\x00\x00\x05\x10"), uint8(2), uint16(1984))
	f.Add([]byte("\x1b\x06\x01\x1b\x1d\x03\x1b\x1b\x06\x1d"), uint8(3), uint16(64))
	f.Fuzz(func(t *testing.T, bits []byte, stride uint8, more uint16) {
		most := 256 + int(more)%4096
		width := int(stride)%104 + 1
		if len(bits) < width || len(bits) > 64<<10 {
			return
		}
		bits = bits[:len(bits)/width*width]
		for _, l := range []struct {
			oracletest.Language
			draw func(*dots.Bitmap, int, func([]byte) error) error
		}{{oracletest.ESCPOS(), escpos.Raster}, {oracletest.StarPRNT(), starprnt.Raster}} {
			b := &dots.Bitmap{Width: 8 * width, Height: len(bits) / width, Stride: width, Bits: bytes.Clone(bits)}
			var stream []byte
			err := l.draw(b, most, func(c []byte) error {
				if len(c) > most {
					t.Fatalf("a command of %d bytes, at most %d may be", len(c), most)
				}
				stream = append(stream, c...)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			commands, err := l.Read(stream)
			if err != nil {
				t.Fatal(err)
			}
			if at := l.Hidden(stream, commands); len(at) != 0 {
				t.Fatalf("a printer would act on %v", at)
			}
			items, err := oracletest.Paper(commands)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := oracletest.Rows(items, width)
			if err != nil || len(rows) != len(bits) {
				t.Fatalf("%d bytes of rows, want %d: %v", len(rows), len(bits), err)
			}
			for i := range bits {
				if rows[i]&bits[i] != bits[i] {
					t.Fatalf("byte %d lost ink", i)
				}
			}
		}
	})
}
