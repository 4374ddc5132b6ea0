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
// sealed as it is in the outbox. A backup that is whole stays, also when it cannot be
// noted in the audit log; the error says so then.
func (o *Outbox) Backup(ctx context.Context, path string) error {
	if err := o.copyTo(ctx, path); err != nil {
		return fmt.Errorf("cannot write a backup: %w", err)
	}
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error { return appendAudit(ctx, tx, auditBackedUp, "", "") })
	if err != nil {
		return fmt.Errorf("cannot note the backup, which is whole, in the audit log: %w", err)
	}
	return nil
}

// copyTo makes the file, or none.
func (o *Outbox) copyTo(ctx context.Context, path string) (err error) {
	// SQLite fills a file that is there and empty, and this one is private from its
	// beginning.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if _, err := o.db.Exec(ctx, "VACUUM INTO ?", path); err != nil {
		return err
	}
	return errors.Join(f.Sync(), flush(filepath.Dir(path)))
}
