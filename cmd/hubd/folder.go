package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"kioskd/internal/hub/pki"
)

// claim makes sure that no other hub works in this data folder, until release. Two
// would give each other's address away, and one sandbox knows nothing of the other's.
func claim(dir string) (release func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot use the data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "hub.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot use the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another hubd works in it: end that one, or give this one a --data of its own")
		}
		return nil, errors.Join(fmt.Errorf("cannot use the data folder %s: %w", dir, err), f.Close())
	}
	return f.Close, nil // the lock goes with the file
}

// keysBeforeData refuses to make new keys beside a database. Kiosks trust those with
// which it was made, and what waits there is sealed to them: nothing else will do.
func keysBeforeData(dir string) error {
	keys, database := filepath.Join(dir, "keys"), filepath.Join(dir, "hub.db")
	_, err := os.Stat(database)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look for the database: %w", err)
	}
	untouched, err := pki.Untouched(keys)
	if err == nil && untouched {
		err = fmt.Errorf("cannot make new keys: there is a database, %s, and its keys are gone: restore the whole folder %s from its backup",
			database, keys)
	}
	return err
}
