package escpos

import "errors"

// MaxQR is the longest content of a QR code. It keeps the high length byte 0,
// so that the length itself cannot look like a real-time sequence.
const MaxQR = 200

// ErrQR says that a QR code cannot be drawn by a printer.
var ErrQR = errors.New("cannot encode QR code: the content is empty, too long or not plain ASCII")

// Level is the error correction of a QR code.
type Level byte

// The levels: 7, 15, 25 and 30 percent.
const (
	L Level = '0' + iota
	M
	Q
	H
)

// AppendQR lets the printer draw a QR code itself (GS ( k), in the middle of the
// line, module dots a module. The quiet zone is the caller's job.
func AppendQR(dst []byte, content string, module int, level Level) ([]byte, error) {
	if content == "" || len(content) > MaxQR || module < 1 || module > 8 || level < L || level > H {
		return dst, ErrQR
	}
	for i := range len(content) {
		if content[i] < 0x20 || content[i] > 0x7E {
			return dst, ErrQR
		}
	}
	start := []byte{gs, '(', 'k'}
	dst = append(dst, esc, 'a', byte(Centre))
	dst = append(append(dst, start...), 4, 0, '1', 'A', '2', 0)
	dst = append(append(dst, start...), 3, 0, '1', 'C', byte(module))
	dst = append(append(dst, start...), 3, 0, '1', 'E', byte(level))
	dst = append(append(dst, start...), byte(len(content)+3), 0, '1', 'P', '0')
	dst = append(dst, content...)
	dst = append(append(dst, start...), 3, 0, '1', 'Q', '0')
	return append(dst, esc, 'a', byte(Left)), nil
}
