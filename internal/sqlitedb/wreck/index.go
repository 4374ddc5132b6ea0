package wreck

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// The head of a WAL's index (-shm): twice the same 48 bytes, in the machine's own order.
const (
	indexHead    = 48
	indexVersion = 3007000
)

// index is what SQLite last noted of the WAL: how many frames are committed. It notes
// that after they were flushed. The file is memory that processes share: it outlives
// them, and after a power cut it is old or gone.
type index struct {
	salt   salt
	frames int
}

// readIndex gives false where there is none that can be used.
func readIndex(path string) (index, bool, error) {
	f, err := openIf(path)
	if f == nil {
		return index{}, false, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	b := make([]byte, 2*indexHead)
	if _, err := io.ReadFull(f, b); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return index{}, false, nil
	} else if err != nil {
		return index{}, false, err
	}
	own := binary.NativeEndian
	head := b[:indexHead]
	sum := checksum(own.Uint16([]byte{0, 1}) == 1, [2]uint32{}, head[:40])
	good := bytes.Equal(head, b[indexHead:]) && own.Uint32(head) == indexVersion && head[12] == 1 &&
		sum == [2]uint32{own.Uint32(head[40:]), own.Uint32(head[44:])}
	return index{
		// The salt is copied from the WAL as it stands there.
		salt:   salt{binary.BigEndian.Uint32(head[32:]), binary.BigEndian.Uint32(head[36:])},
		frames: int(own.Uint32(head[16:])),
	}, good, nil
}
