package play

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/printertest"
)

// papers are the pictures of what was printed.
type papers struct {
	folder string // "": none are kept
	number int    // of the piece that comes, or hangs in the printer
	drawn  int    // how many rows of it the picture shows
}

// newPapers begins after the pictures that are there: none is written over.
func newPapers(folder string) (*papers, error) {
	a := &papers{folder: folder, number: 1}
	if folder == "" {
		return a, nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("cannot keep pictures: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(folder, "slip-*.png"))
	if err != nil {
		return nil, fmt.Errorf("cannot keep pictures: %w", err)
	}
	for _, name := range old {
		digits := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), "slip-"), ".png")
		if n, err := strconv.Atoi(digits); err == nil && n >= a.number {
			a.number = n + 1
		}
	}
	return a, nil
}

// grow draws the piece that hangs in the printer, if it has grown.
func (a *papers) grow(b *dots.Bitmap) error {
	if a.folder == "" || b.Height == a.drawn {
		return nil
	}
	a.drawn = b.Height
	return a.write(b)
}

// finish draws a piece that has come out, and gives " -> FILE".
func (a *papers) finish(b *dots.Bitmap) (file string, err error) {
	if a.folder != "" {
		err = a.write(b)
		file = " -> " + a.path()
	}
	a.number++
	a.drawn = 0
	return file, err
}

func (a *papers) path() string {
	return filepath.Join(a.folder, fmt.Sprintf("slip-%d.png", a.number))
}

// write replaces the picture at once: who looks never sees half a file.
func (a *papers) write(b *dots.Bitmap) error {
	raw, err := printertest.PNG(b)
	if err != nil {
		return fmt.Errorf("cannot draw paper: %w", err)
	}
	fresh := a.path() + ".new"
	if err := os.WriteFile(fresh, raw, 0o600); err != nil {
		return fmt.Errorf("cannot keep picture: %w", err)
	}
	if err := os.Rename(fresh, a.path()); err != nil {
		return fmt.Errorf("cannot keep picture: %w", err)
	}
	return nil
}

// size of a piece; the virtual head has 8 dots a millimetre.
func size(b *dots.Bitmap) string {
	return fmt.Sprintf("%d x %d dots, %d x %d mm", b.Width, b.Height, (b.Width+4)/8, (b.Height+4)/8)
}
