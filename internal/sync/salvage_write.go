package sync

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"kioskd/internal/sqlitedb"
)

// errBeside says that a file does not hold all that was written into it.
var errBeside = errors.New("a part of it stands in the log beside the new file")

// write makes a new outbox of what was saved: a durable file that needs none beside it,
// because it alone takes the place of the damaged one. SQLite keeps to itself when it
// cannot fold its WAL in, as on a full disk: after a commit, and when a file is closed. So
// it is asked to, and looked after.
func (s *salvage) write(ctx context.Context, path string, files fs.FS, chain savedChain) error {
	for _, end := range append(besides(), "") { // of a rescue that was cut off
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	d, err := sqlitedb.Open(ctx, path, files)
	if err != nil {
		return err
	}
	if err := errors.Join(s.fill(ctx, d, chain), d.Close()); err != nil {
		return err
	}
	if st, err := os.Stat(path + "-wal"); err == nil && st.Size() > 0 {
		return errBeside
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return flush(path)
}

// fill puts what was saved into the file itself.
func (s *salvage) fill(ctx context.Context, d *sqlitedb.DB, chain savedChain) error {
	if err := d.Write(ctx, func(tx *sql.Tx) error { return s.insert(ctx, tx, chain) }); err != nil {
		return err
	}
	if done, err := d.Checkpoint(ctx); err != nil {
		return err
	} else if !done {
		return errBeside
	}
	return nil
}

func (s *salvage) insert(ctx context.Context, tx *sql.Tx, chain savedChain) error {
	for _, x := range slices.SortedFunc(maps.Values(s.visits), func(a, b savedVisit) int {
		return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.id, b.id))
	}) {
		run, _, _ := strings.Cut(x.id, "/")
		if _, err := tx.ExecContext(ctx, "INSERT INTO visits (id, run, ended, lang) VALUES (?, ?, ?, ?)", x.id, run, x.ended, x.lang); err != nil {
			return err
		}
	}
	for _, x := range s.inOrder() {
		state := "queued"
		if x.quarantined {
			state = "quarantined"
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO submissions
			(n, id, visit, seq, kind, number, kiosk, schema, key_id, sealed, hash, state, reason, attempts, created)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, x.n, x.id, x.visit, x.seq, x.kind, x.number, x.kiosk,
			x.schema, x.keyID, x.sealed, x.hash, state, x.reason, x.attempts, x.created); err != nil {
			return err
		}
	}
	for _, x := range slices.SortedFunc(maps.Values(s.slips), func(a, b savedSlip) int {
		return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.submission, b.submission))
	}) {
		if _, err := tx.ExecContext(ctx, `INSERT INTO slips (submission, visit, seq, kind, number, slip, state, reprints, payload)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, x.submission, x.visit, x.seq, x.kind, x.number, x.slip, x.state, x.reprints, x.payload); err != nil {
			return err
		}
	}
	for _, x := range chain.rows {
		if _, err := tx.ExecContext(ctx, "INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (?, ?, ?, ?, ?, ?)",
			x.n, x.at, x.event, x.subject, x.detail, x.hash); err != nil {
			return err
		}
	}
	return s.writeLog(ctx, tx, chain)
}

// writeLog says where the audit log goes on. It gets a name of its own at the first
// start, which knows by its having none that it follows a rescue: the hub may have more of
// the old one than could be read.
func (s *salvage) writeLog(ctx context.Context, tx *sql.Tx, chain savedChain) error {
	next := savedLog{first: 1, confirmed: 0}
	if len(s.logs) > 0 {
		last := s.logs[len(s.logs)-1]
		next.prior, next.kiosk = cmp.Or(last.id, last.prior), last.kiosk
		next.first = max(chain.from.anchor, min(last.confirmed, chain.newest())) + 1
		next.confirmed = next.first - 1
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO audit_log (log, prior, kiosk, first, confirmed, anchor, anchor_hash)
		VALUES ('', ?, ?, ?, ?, ?, ?)`, next.prior, next.kiosk, next.first, next.confirmed, chain.from.anchor, chain.from.anchorHash)
	return err
}
