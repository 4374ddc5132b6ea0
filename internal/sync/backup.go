package sync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"kioskd/internal/sqlitedb"
)

// Backup writes all that is in the outbox into a new file at path, which must not be
// there yet: one file, whole and without anything that was deleted. What it holds is
// sealed as it is in the outbox.
func (o *Outbox) Backup(ctx context.Context, path string) (err error) {
	// SQLite fills a file that is there and empty, and this one is private from its
	// beginning.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write a backup: %w", err)
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(fmt.Errorf("cannot write a backup: %w", err), os.Remove(path))
		}
	}()
	if _, err := o.db.Exec(ctx, "VACUUM INTO ?", path); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), syncFolder(filepath.Dir(path))); err != nil {
		return err
	}
	return o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error { return appendAudit(ctx, tx, auditBackedUp, "", "") })
}
