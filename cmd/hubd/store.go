package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/postgres"
	"kioskd/internal/hub/sqlite"
	"kioskd/internal/sqlitedb"
)

// store is the database behind the vault. It ends with the hub.
type store struct {
	*hub.Sealing

	close func() error
}

// Close closes the database.
func (s *store) Close() error { return s.close() }

// bareStore is what a store is made of: it sees nothing that is personal.
type bareStore interface {
	hub.Store
	Belong(ctx context.Context, keys string) error
	Close() error
}

// storeURL finds the URL of the database: flags go before the environment. Its
// errors hold nothing of it that is secret.
func storeURL(url, file string, env func(string) string) (string, error) {
	switch {
	case url != "" && file != "":
		return "", errors.New("cannot use both --store and --store-file")
	case file != "":
		b, err := readPrivate(file)
		if err != nil {
			return "", fmt.Errorf("cannot use --store-file: %w", err)
		}
		if url = strings.TrimSpace(string(b)); url == "" {
			return "", fmt.Errorf("cannot use --store-file: %s is empty", file)
		}
	case url == "":
		url = env("HUBD_STORE")
	}
	if url == "" {
		return "", nil
	}
	return url, postgres.CheckURL(url)
}

// readPrivate reads a file that holds a secret.
func readPrivate(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	// Group rights may stay: those of a systemd credential show there.
	if st.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("%s is open to others (mode %04o): run chmod 600", path, st.Mode().Perm())
	}
	return os.ReadFile(path)
}

// openStore opens the fleet's database where there is one, else the hub's own file,
// and makes sure that it is these keys that are behind it.
func openStore(ctx context.Context, o options, keys *pki.PKI) (*store, error) {
	v, err := keys.Vault()
	if err != nil {
		return nil, err
	}
	d, err := openDatabase(ctx, o, keys)
	if err != nil {
		return nil, err
	}
	if err := hub.Admit(ctx, d, v); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &store{hub.Seal(d, v), d.Close}, nil
}

func openDatabase(ctx context.Context, o options, keys *pki.PKI) (d bareStore, err error) {
	if o.store == "" {
		d, err = open(sqlite.Open(ctx, filepath.Join(o.data, "hub.db")))
	} else {
		d, err = open(postgres.Open(ctx, o.store))
	}
	if errors.Is(err, sqlitedb.ErrDamaged) {
		err = fmt.Errorf("%w: keep it, and restore the database from its backup", err)
	}
	if err != nil {
		return nil, err
	}
	if err := belong(ctx, d, keys); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// open keeps a nil pointer from looking like a store.
func open[S bareStore](s S, err error) (bareStore, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// belong refuses a database that another hub's keys are behind.
func belong(ctx context.Context, d bareStore, keys *pki.PKI) error {
	mark, err := keys.Fingerprint()
	if err != nil {
		return err
	}
	return d.Belong(ctx, mark)
}
