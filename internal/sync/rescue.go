package sync

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kioskd/internal/sqlitedb"
	"kioskd/internal/sqlitedb/wreck"
)

// A damaged outbox is moved into a folder of its own, outbox.db.damaged-N, and what can
// be read of it goes into a new one. The folder is never deleted by the program, and as
// long as it is there the kiosk raises an alarm. A mark in it says that the rescue is
// not at its end: the next start takes it up again. The mark goes before the new outbox
// is used for the first time, so that nothing new is ever replaced by what was saved.

// Files in the folder.
const (
	reportName = "report.json" // what was saved
	unfinished = "unfinished"  // the mark
)

// rescueReport is for whoever looks into the folder. Nothing in it is personal.
type rescueReport struct {
	At          time.Time `json:"at"` // by the kiosk's clock
	Reason      string    `json:"reason"`
	Submissions int       `json:"submissions"` // that wait for the hub, saved
	Slips       int       `json:"slips"`
	Visits      int       `json:"visits"`
	Audit       int       `json:"audit"` // rows of the audit log, from its beginning
	// Missing are the numbers of submissions that were stored once, cannot be read any
	// more, and of which it is not known that the hub has them.
	Missing []string `json:"missing"`
	// Unknown says that there may be others of which not even the numbers can be read.
	Unknown bool `json:"unknown"`
}

// soundness is nil when the file can be used. Of damage the error is ErrDamaged.
func soundness(ctx context.Context, path string, begun bool, files fs.FS) error {
	if dir, err := unfinishedRescue(path); err != nil {
		return err
	} else if dir != "" {
		return fmt.Errorf("%w: an earlier rescue was cut off", ErrDamaged)
	}
	if st, err := os.Stat(path); begun && (errors.Is(err, fs.ErrNotExist) || err == nil && st.Size() == 0) {
		return fmt.Errorf("%w: it was here before and is gone", ErrDamaged)
	}
	if err := wreck.Look(path); errors.Is(err, wreck.ErrBroken) {
		return fmt.Errorf("%w: %s", ErrDamaged, err.Error())
	} else if err != nil {
		return err
	}
	return sqlitedb.Examine(ctx, path, files)
}

// rescue puts a new outbox with what can be saved in the place of a damaged one.
func rescue(ctx context.Context, path string, files fs.FS, reason error, log *slog.Logger) error {
	dir, err := unfinishedRescue(path)
	if err == nil && dir == "" {
		dir, err = newFolder(path)
	}
	if err != nil {
		return fmt.Errorf("cannot move the damaged outbox aside: %w", err)
	}
	if err := moveAside(path, dir); err != nil {
		return fmt.Errorf("cannot move the damaged outbox aside: %w", err)
	}
	s, err := salvageFrom(filepath.Join(dir, filepath.Base(path)))
	if err != nil {
		return fmt.Errorf("cannot read the damaged outbox: %w", err)
	}
	s.complete()
	chain := s.chain()
	if err := s.write(ctx, path+".salvaged", files, chain); err != nil {
		return fmt.Errorf("cannot write what was saved of the outbox: %w", err)
	}
	if err := errors.Join(os.Rename(path+".salvaged", path), syncFolder(filepath.Dir(path))); err != nil {
		return fmt.Errorf("cannot write what was saved of the outbox: %w", err)
	}
	r := rescueReport{At: time.Now().UTC().Truncate(time.Second), Reason: reason.Error(), Submissions: len(s.submissions),
		Slips: len(s.slips), Visits: len(s.visits), Audit: len(chain.rows), Missing: s.missing(),
		Unknown: len(chain.rows) == 0 || cutShortFile(filepath.Join(dir, filepath.Base(path)))}
	log.ErrorContext(ctx, "outbox was damaged", "kept", dir, "reason", r.Reason, "saved", r.Submissions,
		"missing", r.Missing, "others_unknown", r.Unknown, "alarm", true)
	if err := errors.Join(writeReport(dir, r), os.Remove(filepath.Join(dir, unfinished)), syncFolder(dir)); err != nil {
		return fmt.Errorf("cannot report on the damaged outbox: %w", err)
	}
	return nil
}

// cutShortFile reports whether a database file has lost its end: its header counts more
// pages than there are. A header that counts none is spoilt, and tells nothing.
func cutShortFile(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer func() { _ = f.Close() }() // nothing was written
	st, err := f.Stat()
	if err != nil {
		return true
	}
	var pages [4]byte // big-endian, at byte 28 of the header
	if _, err := f.ReadAt(pages[:], 28); err != nil {
		return true
	}
	n := int64(binary.BigEndian.Uint32(pages[:]))
	return n == 0 || n*wreck.PageSize > st.Size() || st.Size()%wreck.PageSize != 0
}

// folders are those of all damage that nobody has cleared away.
func folders(path string) ([]string, error) {
	names, err := filepath.Glob(escapeGlob(path) + ".damaged-*")
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return names, err
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// unfinishedRescue gives the folder with the mark, if there is one.
func unfinishedRescue(path string) (string, error) {
	dirs, err := folders(path)
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, unfinished)); err == nil {
			return dir, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", err
}

func newFolder(path string) (string, error) {
	for n := 1; ; n++ {
		dir := fmt.Sprintf("%s.damaged-%d", path, n)
		err := os.Mkdir(dir, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		mark := os.WriteFile(filepath.Join(dir, unfinished), nil, 0o600)
		return dir, errors.Join(mark, syncFolder(dir), syncFolder(filepath.Dir(path)))
	}
}

// moveAside may be called again after it was cut off. What stands in the folder
// already is not replaced: then the file in the old place is the new outbox.
func moveAside(path, dir string) error {
	for _, end := range []string{"-wal", "-shm", ""} {
		to := filepath.Join(dir, filepath.Base(path)+end)
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		if err := os.Rename(path+end, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return errors.Join(syncFolder(dir), syncFolder(filepath.Dir(path)))
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func writeReport(dir string, r rescueReport) (err error) {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(dir, reportName)
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return errors.Join(os.Rename(name+".new", name), syncFolder(dir))
}

// write makes a new outbox of what was saved.
func (s *salvage) write(ctx context.Context, path string, files fs.FS, chain savedChain) (err error) {
	for _, end := range []string{"", "-wal", "-shm"} { // of a rescue that was cut off
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	d, err := sqlitedb.Open(ctx, path, files)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Write(ctx, func(tx *sql.Tx) error {
		for _, x := range slices.SortedFunc(maps.Values(s.visits), func(a, b savedVisit) int {
			return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.id, b.id))
		}) {
			run, _, _ := strings.Cut(x.id, "/")
			if _, err := tx.ExecContext(ctx, "INSERT INTO visits (id, run, ended) VALUES (?, ?, ?)", x.id, run, x.ended); err != nil {
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
	})
}

// writeLog says where the audit log goes on. It gets a name of its own at the first
// start: the hub may have more of the old one than could be read.
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
