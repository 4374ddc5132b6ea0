// Package kanji turns text into what a printer with Japanese characters in its
// memory can print: Shift_JIS, with a stated replacement for what it lacks.
//
// The characters of JIS X 0208 are in every such printer. Those that NEC and IBM
// added (①, ㈱, 髙) are in some; [Coder.Fold] writes them with what is in all,
// rather than have a gap or a wrong character on a slip.
package kanji

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"
)

// Unknown stands for a character that there is no way to print: the mark that
// printers set for a missing type (geta).
const Unknown = '〓'

// variants are characters whose everyday form is in every printer.
func variants() map[rune]string {
	return map[rune]string{
		'髙': "高", '﨑': "崎", '德': "徳", '濵': "浜", '嵜': "崎", '栁': "柳", '彅': "薙", '昻': "昂", '瀨': "瀬",
		'①': "(1)", '②': "(2)", '③': "(3)", '④': "(4)", '⑤': "(5)", '⑥': "(6)", '⑦': "(7)", '⑧': "(8)", '⑨': "(9)",
		'№': "No.", '℡': "TEL", '–': "-", '—': "―", '\u00A0': " ", '〜': "～", '−': "－", '’': "'", '‘': "'", '“': "\"", '”': "\"", '…': "...",
	}
}

// Coder folds and encodes. It is immutable and may be used by several goroutines.
type Coder struct {
	variants map[rune]string
	codes    func() []uint16 // by character; 0: not in every printer
}

// NewCoder makes a Coder. Its first use takes some milliseconds, which a kiosk whose
// slips are drawn never spends.
func NewCoder() *Coder { return &Coder{variants: variants(), codes: sync.OnceValue(inEveryPrinter)} }

func inEveryPrinter() []uint16 {
	codes := make([]uint16, 1<<16)
	encoder := japanese.ShiftJIS.NewEncoder()
	for r := rune(0x20); r < 1<<16; r++ {
		b, err := encoder.Bytes(utf8.AppendRune(nil, r))
		if err != nil || r == 0x7F {
			encoder.Reset()
			continue
		}
		switch {
		case len(b) == 1: // ASCII, half-width katakana
			codes[r] = uint16(b[0])
		case b[0] <= 0x84 || b[0] >= 0x88 && b[0] <= 0xEA: // rows 1 to 8 and 16 to 84
			codes[r] = uint16(b[0])<<8 | uint16(b[1])
		}
	}
	return codes
}

func (c *Coder) code(r rune) uint16 {
	codes := c.codes()
	if r < 0 || int(r) >= len(codes) {
		return 0
	}
	return codes[r]
}

// Fold appends text to dst, with every character replaced that not every printer
// with kanji has. The result is UTF-8, and Encode takes all of it. Text is bytes so
// that a code leaves no copy behind.
func (c *Coder) Fold(dst, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		if c.code(r) != 0 {
			dst = utf8.AppendRune(dst, r)
			continue
		}
		if other, ok := c.variants[r]; ok {
			dst = append(dst, other...)
			continue
		}
		dst = c.decompose(dst, r)
	}
	return dst
}

// decompose tries what a character is compatible with: ㈱ is (株), é is e.
func (c *Coder) decompose(dst []byte, r rune) []byte {
	start := len(dst)
	for _, part := range norm.NFKD.String(string(r)) {
		if c.code(part) != 0 {
			dst = utf8.AppendRune(dst, part)
		}
	}
	if len(dst) == start {
		return utf8.AppendRune(dst, Unknown)
	}
	return dst
}

// Encode appends folded text to dst in Shift_JIS: one byte a column of the paper.
// What Fold would have replaced becomes Unknown.
func (c *Coder) Encode(dst, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		code := c.code(r)
		if code == 0 {
			code = c.code(Unknown)
		}
		if code > 0xFF {
			dst = append(dst, byte(code>>8))
		}
		dst = append(dst, byte(code))
	}
	return dst
}

// Columns is how wide folded text is.
func (c *Coder) Columns(text string) int {
	n := 0
	for _, r := range text {
		n += c.ColumnsOf(r)
	}
	return n
}

// ColumnsOf is how wide a character is: two for a kanji, one for a letter.
func (c *Coder) ColumnsOf(r rune) int {
	if code := c.code(r); code != 0 && code <= 0xFF {
		return 1
	}
	return 2
}
