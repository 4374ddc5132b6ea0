package pki

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// folder keeps one PEM block a file.
type folder struct {
	path string
	// first is the first start: blocks are made. Later none is: one that is missing
	// then was lost, and a new one in its place would not do its work.
	first bool
}

// untouched reports whether the folder is not there or holds nothing.
func (f folder) untouched() (bool, error) { return Untouched(f.path) }

// Untouched says that a folder holds no keys, so that Open would make them.
func Untouched(dir string) (bool, error) {
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("cannot read key folder: %w", err)
	}
	return len(list) == 0, nil
}

// fill puts a whole set of keys in the place of the folder: all of them or none,
// so that a start that was cut short does not look like keys that were lost.
func (f folder) fill(set func(folder) error) error {
	draft := folder{path: f.path + ".new", first: true}
	if err := os.RemoveAll(draft.path); err != nil {
		return fmt.Errorf("cannot create key folder: %w", err)
	}
	if err := os.MkdirAll(draft.path, 0o700); err != nil {
		return fmt.Errorf("cannot create key folder: %w", err)
	}
	if err := set(draft); err != nil {
		return err
	}
	// Only an empty folder gives way to the new one.
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot create key folder: %w", err)
	}
	if err := os.Rename(draft.path, f.path); err != nil {
		return fmt.Errorf("cannot create key folder: %w", err)
	}
	return syncFolder(filepath.Dir(f.path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// block reads a file, or at the first start fills it with what create gives.
func (f folder) block(name, kind string, create func() ([]byte, error)) ([]byte, error) {
	path := filepath.Join(f.path, name)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !f.first {
		return nil, fmt.Errorf("cannot find %s among the hub's other keys: restore it from the backup: "+
			"with a new one, what kiosks hold and what is stored could not be read or trusted", name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		b, err := create()
		if err != nil {
			return nil, fmt.Errorf("cannot make %s: %w", name, err)
		}
		if err := f.write(path, encode(kind, b)); err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", name, err)
		}
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	if err := closed(path, name, 0o077); err != nil {
		return nil, err
	}
	b, rest := pem.Decode(text)
	if b == nil || b.Type != kind || len(rest) != 0 {
		return nil, f.unusable(name, fmt.Errorf("it is not one %s in PEM", kind))
	}
	return b.Bytes, nil
}

// unusable says of a file that was read what is wrong with it, and what helps.
func (f folder) unusable(name string, why error) error {
	return unusable(filepath.Join(f.path, name), why)
}

func unusable(path string, why error) error {
	return fmt.Errorf("cannot use %s: %w: restore it, as it was, from the backup", path, why)
}

// closed refuses a file that has one of these rights.
func closed(path, name string, rights fs.FileMode) error {
	st, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", name, err)
	}
	if st.Mode().Perm()&rights != 0 {
		return fmt.Errorf("cannot use %s: it is open to others (mode %04o): run chmod 600", name, st.Mode().Perm())
	}
	return nil
}

// write replaces the file whole, so that nobody reads half of it.
func (f folder) write(path string, b []byte) error {
	dir := filepath.Dir(path)
	t, err := os.CreateTemp(dir, ".new-*") // mode 0600 by definition
	if err != nil {
		return err
	}
	_, err = t.Write(b)
	err = errors.Join(err, t.Sync(), t.Close())
	if err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	return syncFolder(dir)
}
