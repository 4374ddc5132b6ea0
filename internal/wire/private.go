package wire

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ReadPrivate reads a file that holds a secret. It is refused when its mode gives
// any of the rights in never, such as 0o077.
func ReadPrivate(path string, never fs.FileMode) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case st.Mode().Perm()&never != 0:
		return nil, fmt.Errorf("%s is open to others (mode %04o): run chmod 600", path, st.Mode().Perm())
	case st.Size() > MaxBody:
		return nil, fmt.Errorf("%s is too long", path)
	}
	return io.ReadAll(io.LimitReader(f, MaxBody))
}

// WritePrivate writes a file of mode 0600 so that a reader sees the old or the new
// one whole, also after a power cut. Its folder is made when it is not there.
func WritePrivate(path string, b []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := writeTemp(dir, "."+filepath.Base(path)+"-*", b)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		if tmp != "" {
			err = errors.Join(err, os.Remove(tmp))
		}
		return err
	}
	return syncDir(dir)
}

// writeTemp writes and syncs a new file of mode 0600. Its name is returned also
// beside an error, for the caller to remove.
func writeTemp(dir, pattern string, b []byte) (string, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return f.Name(), errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot sync folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("cannot sync folder: %w", err)
	}
	return nil
}
