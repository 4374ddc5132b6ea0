package identity

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// leftoverAge is from when on a temporary file of the enrolment belongs to nobody: a
// hub that writes the enrolment of its demo does so without the lock.
const leftoverAge = time.Minute

// sweep removes what a power cut left of a file that was being written: it holds the
// key, or the enrolment, and nobody would look for it there. The lock is held. What
// cannot be removed is for the next time: a renewal must not fail for it.
func (h Home) sweep() {
	sweepBeside(h.KeyFile, 0)
	sweepBeside(h.File, leftoverAge)
}

// sweepBeside removes the temporary files of path, named as wire.WritePrivate names
// them, that are at least as old as that.
func sweepBeside(path string, age time.Duration) {
	dir := filepath.Dir(path)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		tail, ok := strings.CutPrefix(e.Name(), "."+filepath.Base(path)+"-")
		if !ok || tail == "" || strings.Trim(tail, "0123456789") != "" || !e.Type().IsRegular() {
			continue
		}
		if st, err := e.Info(); err == nil && time.Since(st.ModTime()) >= age {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
