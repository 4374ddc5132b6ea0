// Package wreck reads what is left of a SQLite file without SQLite, which gives up
// where a page does not make sense. It looks at every page of the file and of its
// WAL on its own and yields each row that stands there whole.
//
// # What a row is worth
//
// Nothing here vouches for a row: it may be an older version, it may have been
// deleted since, and its bytes may be spoilt. Rows come oldest version first, and
// the caller checks each against what it knows of it, best a hash that the row
// carries. Rows of transactions that were never committed do not come.
//
// It reads files with pages of [PageSize] bytes, UTF-8 text and no reserved space,
// as package sqlitedb makes them.
package wreck

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
)

// PageSize is what SQLite uses where nobody asks for another.
const PageSize = 4096

// Wreck is a file and its WAL.
type Wreck struct {
	main, wal *os.File // nil when it is not there
	versions  map[uint32][]version
	pages     []uint32 // in order
}

// version is where one content of a page stands. They are ordered by age: frames of
// earlier generations of the WAL, then the file, then the frames of this generation.
type version struct {
	age  int
	file *os.File
	at   int64
	span Span
}

// Span is a part of a file that a row needs to be as it is.
type Span struct {
	File     string
	From, To int64
}

// Open looks through the file at path, which may be missing, and its WAL.
func Open(path string) (*Wreck, error) {
	w, err := openFiles(path)
	if err != nil {
		return nil, err
	}
	if err := w.chart(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func openFiles(path string) (w *Wreck, err error) {
	w = &Wreck{versions: map[uint32][]version{}}
	if w.main, err = openIf(path); err != nil {
		return nil, err
	}
	if w.wal, err = openIf(path + "-wal"); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func openIf(path string) (*os.File, error) {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read %s: it is not a file", path)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // nothing there is not an error
	}
	return f, err
}

// Close gives the files back.
func (w *Wreck) Close() error {
	var errs []error
	for _, f := range []*os.File{w.main, w.wal} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// chart notes where each version of each page stands.
func (w *Wreck) chart() error {
	if w.main != nil {
		size, err := w.main.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		for n := range size / PageSize {
			at := n * PageSize
			w.add(uint32(n+1), version{file: w.main, at: at, span: Span{w.main.Name(), at, at + PageSize}})
		}
	}
	if w.wal != nil {
		l, err := readLog(w.wal)
		if err != nil {
			return err
		}
		for _, t := range l.transactions() {
			for i := t.from; i <= t.to; i++ {
				f := l.frames[i]
				age := i + 1
				if !t.current {
					age = i - len(l.frames) // older than the file
				}
				w.add(f.page, version{age: age, file: w.wal, at: f.at + frameHeader,
					span: Span{w.wal.Name(), l.frames[t.from].at, l.frames[t.to].at + frameSize}})
			}
		}
	}
	for n, list := range w.versions {
		slices.SortFunc(list, func(a, b version) int { return cmp.Compare(a.age, b.age) })
		w.pages = append(w.pages, n)
	}
	slices.Sort(w.pages)
	return nil
}

func (w *Wreck) add(page uint32, v version) { w.versions[page] = append(w.versions[page], v) }

// Row is one row of one table; which table, its shape must tell.
type Row struct {
	ID     int64
	Values []any  // nil, int64, float64, string or []byte
	Where  []Span // what it was read from
}

// Rows yields every row of every version of every page, oldest versions first. A row
// that goes on on other pages may come more than once, with their newest versions
// and with those of its own time.
func (w *Wreck) Rows() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, leaf := range w.leaves() {
			page := make([]byte, PageSize)
			if _, err := leaf.v.file.ReadAt(page, leaf.v.at); err != nil {
				continue // the medium does not give it
			}
			for _, cell := range cells(page, leaf.page) {
				for _, asOf := range []int{leaf.v.age, newest} {
					row, whole := w.row(cell, leaf.v, asOf)
					if whole && !yield(row) {
						return
					}
					if cell.next == 0 {
						break
					}
				}
			}
		}
	}
}

// newest is an age after all others.
const newest = int(^uint(0) >> 1)

type leaf struct {
	page uint32
	v    version
}

func (w *Wreck) leaves() []leaf {
	var all []leaf
	for _, n := range w.pages {
		for _, v := range w.versions[n] {
			all = append(all, leaf{n, v})
		}
	}
	slices.SortStableFunc(all, func(a, b leaf) int { return cmp.Compare(a.v.age, b.v.age) })
	return all
}

// row follows a cell through its further pages as they were at an age.
func (w *Wreck) row(c cell, v version, asOf int) (Row, bool) {
	payload, where := append(make([]byte, 0, c.size), c.local...), []Span{v.span}
	for next := c.next; len(payload) < c.size; {
		page, at, ok := w.read(next, asOf)
		if !ok {
			return Row{}, false
		}
		where = append(where, at)
		part := page[4:]
		payload = append(payload, part[:min(len(part), c.size-len(payload))]...)
		next = binary.BigEndian.Uint32(page)
	}
	values, ok := record(payload)
	return Row{ID: c.rowID, Values: values, Where: where}, ok
}

// read gives the newest version of a page that is not younger than asOf.
func (w *Wreck) read(n uint32, asOf int) (page []byte, at Span, ok bool) {
	for _, v := range slices.Backward(w.versions[n]) {
		if v.age > asOf {
			continue
		}
		page = make([]byte, PageSize)
		if _, err := v.file.ReadAt(page, v.at); err == nil {
			return page, v.span, true
		}
	}
	return nil, Span{}, false
}
