package slip

import (
	"fmt"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	builtin "kioskd/internal/slip/font"
)

type fonts struct{ regular, bold *opentype.Font }

func loadFonts() (*fonts, error) {
	regular, err := opentype.Parse(builtin.Regular())
	if err != nil {
		return nil, fmt.Errorf("cannot open regular face: %w", err)
	}
	bold, err := opentype.Parse(builtin.Bold())
	if err != nil {
		return nil, fmt.Errorf("cannot open bold face: %w", err)
	}
	return &fonts{regular, bold}, nil
}

// style is a face in a size, in dots.
type style struct {
	size  int
	bold  bool
	track int // dots between characters
}

// lead is the height of a line.
func (s style) lead() int { return s.size * 14 / 10 }

// faces opens faces on demand: a face holds buffers and serves one goroutine.
type faces struct {
	fonts *fonts
	open  map[style]font.Face
	wide  map[glyph]fixed.Int26_6 // advances: breaking lines asks for them often
}

type glyph struct {
	style style
	r     rune
}

func (f *faces) advance(s style, r rune) fixed.Int26_6 {
	s.track = 0
	g := glyph{s, r}
	w, ok := f.wide[g]
	if !ok {
		w, _ = f.face(s).GlyphAdvance(r) // 0 for a character that the face lacks: it is not drawn
		f.wide[g] = w
	}
	return w
}

func (f *faces) face(s style) font.Face {
	s.track = 0
	if got, ok := f.open[s]; ok {
		return got
	}
	from := f.fonts.regular
	if s.bold {
		from = f.fonts.bold
	}
	// NewFace only fails for options that are not used here.
	face, _ := opentype.NewFace(from, &opentype.FaceOptions{Size: float64(s.size), DPI: 72, Hinting: font.HintingNone})
	f.open[s] = face
	return face
}
