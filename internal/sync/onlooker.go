package sync

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"kioskd/internal/sqlitedb"
)

// Onlooker reads an outbox while a daemon goes on writing to it.
type Onlooker struct{ r *sql.DB }

// WatchOutbox opens an outbox that a daemon has in use; without one it may fail, and
// [ExamineOutbox] opens it. Nothing of the file is changed, nor held for longer than a
// method reads.
func WatchOutbox(ctx context.Context, path string) (*Onlooker, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	r, err := sqlitedb.OpenReader(ctx, path, files)
	if err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	return &Onlooker{r}, nil
}

// Close ends the use of the file.
func (o *Onlooker) Close() error { return o.r.Close() }

// List is [Outbox.List].
func (o *Onlooker) List(ctx context.Context) ([]Waiting, error) { return waiting(ctx, o.r) }

// VerifyAudit is [Outbox.VerifyAudit].
func (o *Onlooker) VerifyAudit(ctx context.Context) (length int64, head []byte, err error) {
	return verifyMoment(ctx, o.r)
}
