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
type folder string

func (f folder) make() error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fmt.Errorf("cannot create key folder: %w", err)
	}
	return nil
}

// block reads a file, or fills it with what create gives.
func (f folder) block(name, kind string, create func() ([]byte, error)) ([]byte, error) {
	path := filepath.Join(string(f), name)
	text, err := os.ReadFile(path)
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
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("cannot use %s: it is open to others (mode %04o): run chmod 600", name, st.Mode().Perm())
	}
	b, rest := pem.Decode(text)
	if b == nil || b.Type != kind || len(rest) != 0 {
		return nil, fmt.Errorf("cannot read %s: not one %s in PEM", name, kind)
	}
	return b.Bytes, nil
}

func (f folder) write(path string, b []byte) error {
	t, err := os.CreateTemp(string(f), ".new-*") // mode 0600 by definition
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
	d, err := os.Open(string(f))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
