package wire

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"kioskd/internal/flushtest"
)

// A power cut finds the old file or the new one, whole: the new one is on the disk before
// it takes the old one's name, and that it has done so before WritePrivate says so. A key
// or an enrolment that was used and is gone cannot be had again.
func TestPrivateFilesAreFlushed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "identity.key")
	var before string
	for _, content := range []string{"the first", "the second"} {
		var steps []string
		var err error
		flushtest.Watch(t, func() { err = WritePrivate(path, []byte(content)) }, func(flushed string) {
			step := "folder"
			if flushed != dir {
				b, err := os.ReadFile(flushed)
				if err != nil || filepath.Dir(flushed) != dir || flushed == path {
					t.Errorf("%s: %v", flushed, err)
				}
				step = "file: " + string(b)
			}
			now, err := os.ReadFile(path)
			if err != nil && !os.IsNotExist(err) {
				t.Error(err)
			}
			steps = append(steps, step+", in its place: "+string(now))
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"file: " + content + ", in its place: " + before, "folder, in its place: " + content}
		if !slices.Equal(steps, want) {
			t.Errorf("%q, want %q", steps, want)
		}
		before = content
	}
}
