package powertest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sector is what a disk writes whole or not at all.
const sector = 512

// platter is what is durable, and what is not yet.
type platter struct {
	rnd   *rand.Rand // what is left of a sync that failed
	files map[identity]*content
	names map[string]identity
	loose map[string][]event // by folder: creations and removals since it was synced
}

// content is one file.
type content struct {
	durable []byte
	loose   []event // writes and truncations since it was synced
}

func newPlatter(rnd *rand.Rand) *platter {
	return &platter{rnd: rnd, files: map[identity]*content{}, names: map[string]identity{}, loose: map[string][]event{}}
}

func (p *platter) take(e event) error {
	f, known := p.files[e.file]
	switch e.what {
	case base, create:
		if known {
			return nil // met again, by another process
		}
		p.files[e.file] = &content{durable: bytes.Clone(e.data)}
		p.names[e.name] = e.file
		if e.what == create {
			p.move(e)
		}
		return nil
	case syncFolder:
		delete(p.loose, e.name)
		return nil
	case unlink:
		delete(p.names, e.name)
		if known {
			p.move(e)
		}
		return nil
	default:
	}
	if !known {
		return fmt.Errorf("cannot follow the trace: a file that was never opened: %v", e.file)
	}
	switch e.what {
	case syncFile:
		for _, e := range f.loose {
			f.durable = e.apply(f.durable)
		}
		f.loose = nil
	case lost:
		f.durable, f.loose = f.left(p.rnd), nil
	default:
		f.loose = append(f.loose, e)
	}
	return nil
}

func (p *platter) move(e event) {
	dir := filepath.Dir(e.name)
	p.loose[dir] = append(p.loose[dir], e)
}

// whole is the file as the process saw it.
func (f *content) whole() []byte {
	now := bytes.Clone(f.durable)
	for _, e := range f.loose {
		now = e.apply(now)
	}
	return now
}

// left draws what a cut leaves of the file.
func (f *content) left(rnd *rand.Rand) []byte {
	now := bytes.Clone(f.durable)
	first := rnd.IntN(len(f.loose) + 1)
	how := rnd.IntN(5)
	for i, e := range f.loose {
		switch {
		case how == 0: // nothing
		case how == 1: // everything
			now = e.apply(now)
		case how == 2 && i < first: // those that came first
			now = e.apply(now)
		case how == 2 && i == first: // and a part of the next
			now = e.torn(now, rnd)
		case how == 3 && rnd.IntN(2) == 0: // any
			now = e.apply(now)
		case how == 4: // any, in parts
			if now = e.torn(now, rnd); rnd.IntN(3) == 0 {
				now = e.apply(now)
			}
		}
	}
	return now
}

// torn applies some sectors of a write.
func (e event) torn(now []byte, rnd *rand.Rand) []byte {
	if e.what != write {
		return now
	}
	for at := int64(0); at < int64(len(e.data)); {
		next := min((e.offset+at)/sector*sector+sector-e.offset, int64(len(e.data)))
		if rnd.IntN(2) == 0 {
			now = event{what: write, offset: e.offset + at, data: e.data[at:next]}.apply(now)
		}
		at = next
	}
	return now
}

// undone draws which names a cut takes back or gives back.
func (p *platter) undone(names map[string]identity, rnd *rand.Rand) map[string]identity {
	names = maps.Clone(names)
	for _, dir := range slices.Sorted(maps.Keys(p.loose)) {
		moves := p.loose[dir]
		for _, e := range slices.Backward(moves[rnd.IntN(len(moves)+1):]) {
			id, there := names[e.name]
			switch {
			case e.what == create && there && id == e.file:
				delete(names, e.name)
			case e.what == unlink && !there:
				names[e.name] = e.file
			}
		}
	}
	return names
}

// Moment is a moment at which the power could fail.
type Moment struct {
	At     int64 // in the trace: see [Disk.Position]
	folder string
	p      *platter
}

// Leave writes what is left of the folder into dst, which must be there. It reports
// whether that is less than the process saw.
func (m *Moment) Leave(dst string, rnd *rand.Rand) (less bool, err error) {
	names := m.p.undone(m.p.names, rnd)
	less = !maps.Equal(names, m.p.names)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		f := m.p.files[names[name]]
		rest, err := filepath.Rel(m.folder, name)
		if err != nil {
			return less, fmt.Errorf("cannot leave %s: %w", name, err)
		}
		now := f.left(rnd)
		less = less || !bytes.Equal(now, f.whole())
		to := filepath.Join(dst, rest)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, now, 0o600)); err != nil {
			return less, fmt.Errorf("cannot leave %s: %w", name, err)
		}
	}
	return less, nil
}

// cut turns the folder into what is left of it. Files of which nothing is known stay
// as they are.
func (p *platter) cut(folder string, rnd *rand.Rand) (less bool, err error) {
	there, indexes := map[string]identity{}, []string(nil)
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if strings.HasSuffix(path, "-shm") {
			indexes = append(indexes, path)
			return nil
		}
		id, err := identify(path)
		if _, known := p.files[id]; known {
			there[path] = id
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("cannot cut the power: %w", err)
	}
	stays := p.undone(there, rnd)
	less = !maps.Equal(stays, there)
	for _, path := range slices.Sorted(maps.Keys(there)) {
		if _, ok := stays[path]; !ok {
			err = errors.Join(err, os.Remove(path))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(stays)) {
		f := p.files[stays[path]]
		now := f.left(rnd)
		less = less || !bytes.Equal(now, f.whole())
		err = errors.Join(err, os.WriteFile(path, now, 0o600))
	}
	for _, path := range indexes {
		if rnd.IntN(2) == 0 {
			err = errors.Join(err, os.Remove(path))
			continue
		}
		rubbish := make([]byte, 32<<10)
		for i := range rubbish {
			rubbish[i] = byte(rnd.Uint32())
		}
		err = errors.Join(err, os.WriteFile(path, rubbish, 0o600))
	}
	if err != nil {
		return less, fmt.Errorf("cannot cut the power: %w", err)
	}
	return less, nil
}
