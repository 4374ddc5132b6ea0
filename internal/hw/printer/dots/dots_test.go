package dots_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"kioskd/internal/hw/printer/dots"
)

// TestStrips: the strips hold all ink, in order, within their bounds, and are never
// longer than sending the picture as it is.
func TestStrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 40).Draw(t, "bytes"), rapid.IntRange(1, 90).Draw(t, "rows")
		b := dots.New(w*8, h)
		for y := range h {
			ink := rapid.IntRange(0, w).Draw(t, "ink")
			for x := range ink {
				b.Row(y)[x] = rapid.Byte().Draw(t, "dots")
			}
		}
		const head, maxRows = 24, 32
		most := head + rapid.IntRange(w, 20*w).Draw(t, "most")
		row, sent := 0, 0
		for _, s := range b.Strips(head, most, maxRows) {
			if s.Row != row || s.Rows < 1 || s.Rows > maxRows || s.Bytes < 1 || s.Bytes > w {
				t.Fatalf("strip %+v after row %d", s, row)
			}
			if n := head + s.Rows*s.Bytes; n > most {
				t.Fatalf("a strip of %d bytes, at most %d", n, most)
			}
			for y := s.Row; y < s.Row+s.Rows; y++ {
				if b.Extent(y) > s.Bytes {
					t.Fatalf("row %d loses ink", y)
				}
			}
			row += s.Rows
			sent += head + s.Rows*s.Bytes
		}
		if row != h {
			t.Fatalf("%d of %d rows", row, h)
		}
		rows := min(maxRows, (most-head)/w)
		if whole := (h+rows-1)/rows*head + h*w; sent > whole {
			t.Fatalf("%d bytes, as it is %d", sent, whole)
		}
	})
}

func TestBitmap(t *testing.T) {
	b := dots.New(20, 3)
	b.Set(19, 2)
	b.Set(20, 0)
	b.Set(-1, 0)
	if !b.Black(19, 2) || b.Black(19, 1) || b.Black(20, 0) || b.Extent(2) != 3 || b.Extent(0) != 0 {
		t.Errorf("% x", b.Bits)
	}
	if part := b.Rows(1, 2); part.Height != 2 || !bytes.Equal(part.Bits, b.Bits[3:]) || part.Equal(b) || !part.Equal(part) {
		t.Errorf("%+v", part)
	}
}
