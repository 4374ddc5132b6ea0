package slip

import "golang.org/x/image/font/sfnt"

// Missing gives the characters of text that one of the faces does not have.
func Missing(text string) string {
	f, err := loadFonts()
	if err != nil {
		return err.Error()
	}
	var (
		buf sfnt.Buffer
		out []rune
	)
	for _, r := range text {
		for _, face := range []*sfnt.Font{f.regular, f.bold} {
			if i, err := face.GlyphIndex(&buf, r); err != nil || i == 0 {
				out = append(out, r)
				break
			}
		}
	}
	return string(out)
}
