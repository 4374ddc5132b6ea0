package escpos

// Align is where a line of text stands on the paper.
type Align byte

// The places.
const (
	Left Align = iota
	Centre
	Right
)

// Style is how characters look.
type Style struct {
	Bold    bool
	Wide    int // 1..8 times as wide; 0 is 1
	High    int // 1..8 times as high; 0 is 1
	Reverse bool
}

// Span is characters of one look, as the printer's own bytes: Shift_JIS on a
// printer with Japanese characters, else ASCII.
type Span struct {
	Style
	Text []byte
}

// TextMode gets the printer ready for Japanese text: Shift_JIS (FS C 1), kanji on
// (FS &). Printers without kanji ignore it. Init takes it back.
func TextMode() []byte { return []byte{fs, 'C', 1, fs, '&'} }

// AppendText prints one line of text. It fails with ErrRealTime when a span holds
// a control character: text has none.
func AppendText(dst []byte, align Align, spans []Span) ([]byte, error) {
	for _, s := range spans {
		for _, b := range s.Text {
			if b < 0x20 || b == 0x7F {
				return dst, ErrRealTime
			}
		}
	}
	dst = append(dst, esc, 'a', byte(align))
	for _, s := range spans {
		dst = append(dst, esc, 'E', bit(s.Bold), gs, 'B', bit(s.Reverse), gs, '!', size(s.Wide)<<4|size(s.High))
		dst = append(dst, s.Text...)
	}
	return append(dst, lf), nil
}

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// size is a magnification as half a byte: 0 is once.
func size(times int) byte { return byte(min(max(times, 1), 8) - 1) }
