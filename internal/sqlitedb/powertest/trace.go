package powertest

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// what happened; the C side has the same numbers.
type what uint32

const (
	base       what = iota + 1 // what a file held when it was met
	create                     // a new file, under a name
	write                      // data at an offset
	truncate                   // to the size in offset
	syncFile                   // all of the file is durable
	lost                       // its sync failed
	unlink                     // the name is gone
	syncFolder                 // the folder's names are durable
)

// identity tells a file apart whatever it is called. An inode may be used again by a
// later file, which is born later.
type identity struct{ inode, born uint64 }

// event is one record of the trace.
type event struct {
	what   what
	file   identity
	name   string
	offset int64
	data   []byte
	end    int64 // where the record ends in the trace
}

// parse reads a trace. A process that was killed may have left half a record at its
// end.
func parse(trace []byte) ([]event, error) {
	const head = 4 + 4 + 8 + 8 + 8 + 8
	var events []event
	for at := 0; ; {
		rest := trace[at:]
		if len(rest) < head {
			return events, nil
		}
		e := event{
			what: what(binary.NativeEndian.Uint32(rest)),
			file: identity{inode: binary.NativeEndian.Uint64(rest[8:]), born: binary.NativeEndian.Uint64(rest[16:])}, offset: int64(binary.NativeEndian.Uint64(rest[24:])),
		}
		name, data := uint64(binary.NativeEndian.Uint32(rest[4:])), binary.NativeEndian.Uint64(rest[32:])
		if e.what < base || e.what > syncFolder {
			return nil, fmt.Errorf("cannot read the trace: byte %d: no such event: %d", at, e.what)
		}
		if body := uint64(len(rest) - head); name > body || data > body-name {
			return events, nil
		}
		e.name = string(rest[head : head+name])
		e.data = rest[head+name : head+name+data]
		at += int(head + name + data)
		e.end = int64(at)
		events = append(events, e)
	}
}

// readTrace reads what was written down so far.
func readTrace(path string) ([]event, error) {
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil // no process has begun
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the trace: %w", err)
	}
	return parse(b)
}

// mend takes half a record away, so that another process can go on.
func mend(path string) error {
	events, err := readTrace(path)
	if err != nil || len(events) == 0 {
		return err
	}
	if err := os.Truncate(path, events[len(events)-1].end); err != nil {
		return fmt.Errorf("cannot mend the trace: %w", err)
	}
	return nil
}

// identify is what the C side does for a file that it opens.
func identify(path string) (identity, error) {
	var x unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO|unix.STATX_BTIME, &x); err != nil {
		return identity{}, fmt.Errorf("cannot identify %s: %w", path, err)
	}
	return identity{inode: x.Ino, born: uint64(x.Btime.Sec)*1_000_000_000 + uint64(x.Btime.Nsec)}, nil
}

// apply changes content as the event says.
func (e event) apply(content []byte) []byte {
	switch e.what {
	case write:
		if end := int(e.offset) + len(e.data); end > len(content) {
			content = append(content, make([]byte, end-len(content))...)
		}
		copy(content[e.offset:], e.data)
	case truncate:
		if grows := int(e.offset) - len(content); grows > 0 {
			return append(content, make([]byte, grows)...)
		}
		content = content[:e.offset]
	default:
	}
	return content
}
