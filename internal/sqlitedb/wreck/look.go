package wreck

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrBroken says that SQLite would not see, or not understand, all that is there.
var ErrBroken = errors.New("the file is broken")

// Look finds what SQLite does not: a WAL that breaks off although committed
// transactions follow, which SQLite takes for its end, and marks in the file's header
// that make it another kind of file. What SQLite finds itself it leaves to SQLite.
// An error that is not ErrBroken is about reading.
func Look(path string) error {
	w, err := openFiles(path)
	if err != nil {
		return err
	}
	return errors.Join(w.lookAtFile(), w.lookAtLog(path+"-shm"), w.Close())
}

// lookAtLog finds out whether SQLite will read all that was committed.
func (w *Wreck) lookAtLog(indexPath string) error {
	if w.wal == nil {
		return nil
	}
	l, err := readLog(w.wal)
	if err != nil {
		return err
	}
	i, good, err := readIndex(indexPath)
	if err != nil {
		return err
	}
	behind := l.behind()
	switch {
	case good && l.headSound && i.salt == l.salt:
		if i.frames > l.sound {
			return fmt.Errorf("%w: of %d frames of the WAL that were committed %d can be read", ErrBroken, i.frames, l.sound)
		}
	// What a power cut leaves of the last transaction, any part of it and its end too,
	// was never said to be stored: one that ends behind the readable part says nothing.
	// Of two the first had been flushed before the second was begun.
	case !l.headSound && behind > 0 || behind > 1:
		return fmt.Errorf("%w: committed transactions stand behind a damaged place of the WAL", ErrBroken)
	}
	return nil
}

func (w *Wreck) lookAtFile() error {
	if w.main == nil {
		return nil
	}
	size, err := w.main.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if size == 0 {
		if st, err := w.walSize(); err != nil || st == 0 {
			return err // a file that was never used
		}
		return fmt.Errorf("%w: it is empty and its WAL is not", ErrBroken)
	}
	head := make([]byte, fileHeader)
	if _, err := w.main.ReadAt(head, 0); err != nil {
		return fmt.Errorf("%w: it is cut short", ErrBroken)
	}
	half := func(at int) int { return int(binary.BigEndian.Uint16(head[at:])) }
	word := func(at int) uint32 { return binary.BigEndian.Uint32(head[at:]) }
	for _, mark := range []struct {
		name string
		ok   bool
	}{
		{"magic", string(head[:16]) == "SQLite format 3\x00"},
		{"page size", half(16) == PageSize},
		{"version", head[18] <= 2 && head[19] <= 2 && head[18] == head[19]},
		{"reserved space", head[20] == 0},
		{"fractions", head[21] == 64 && head[22] == 32 && head[23] == 32},
		{"schema format", word(44) <= 4},
		{"vacuum", word(52) == 0 && word(64) == 0},
		{"encoding", word(56) <= 1},
	} {
		if !mark.ok {
			return fmt.Errorf("%w: the %s in its header is not ours", ErrBroken, mark.name)
		}
	}
	return nil
}

func (w *Wreck) walSize() (int64, error) {
	if w.wal == nil {
		return 0, nil
	}
	return w.wal.Seek(0, io.SeekEnd)
}
