package sync

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
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
// not at its end: the next start takes it up again. The mark goes when all that was saved
// stands durably in the new outbox, and the report is written; and before the new outbox
// is used for the first time, so that nothing new is ever replaced by what was saved.

// Files in the folder.
const (
	reportName = "report.json" // what was saved
	unfinished = "unfinished"  // the mark
)

// besides are the ends of the names of what SQLite keeps beside a database. A journal is
// there only of before its first WAL; SQLite would roll back by it whatever file stands
// there.
func besides() []string { return []string{"-wal", "-shm", "-journal"} }

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
	if err := errors.Join(os.Rename(path+".salvaged", path), flush(filepath.Dir(path))); err != nil {
		return fmt.Errorf("cannot write what was saved of the outbox: %w", err)
	}
	r := rescueReport{At: time.Now().UTC().Truncate(time.Second), Reason: reason.Error(), Submissions: len(s.submissions),
		Slips: len(s.slips), Visits: len(s.visits), Audit: len(chain.rows), Missing: s.missing(),
		Unknown: len(chain.rows) == 0 || cutShortFile(filepath.Join(dir, filepath.Base(path)))}
	log.ErrorContext(ctx, "outbox was damaged", "kept", dir, "reason", r.Reason, "saved", r.Submissions,
		"missing", r.Missing, "others_unknown", r.Unknown, "alarm", true)
	if err := writeReport(dir, r); err != nil {
		return fmt.Errorf("cannot report on the damaged outbox: %w", err)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, unfinished)), flush(dir)); err != nil {
		return fmt.Errorf("cannot end the rescue of the damaged outbox: %w", err)
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
	names = slices.DeleteFunc(names, func(name string) bool { // somebody may have packed one
		st, err := os.Stat(name)
		return err == nil && !st.IsDir()
	})
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return names, err
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// unfinishedRescue gives the folder with the mark, if there is one. A mark that is gone
// must not come back with a power cut, when there are new things in the new outbox: the
// program may have been killed before that was sure.
func unfinishedRescue(path string) (string, error) {
	dirs, err := folders(path)
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, unfinished)); err == nil {
			return dir, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err := flush(dir); err != nil {
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
		if err := os.WriteFile(filepath.Join(dir, unfinished), nil, 0o600); err != nil {
			return "", errors.Join(err, os.Remove(dir)) // each try would leave one behind
		}
		return dir, errors.Join(flush(dir), flush(filepath.Dir(path)))
	}
}

// moveAside may be called again after it was cut off. What stands in the folder
// already is not replaced: then the file in the old place is the new outbox.
func moveAside(path, dir string) error {
	for _, end := range append(besides(), "") {
		to := filepath.Join(dir, filepath.Base(path)+end)
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		if err := os.Rename(path+end, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return errors.Join(flush(dir), flush(filepath.Dir(path)))
}

// flush makes a file durable, or the names in a folder.
func flush(name string) error {
	f, err := os.Open(name)
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
	return errors.Join(os.Rename(name+".new", name), flush(dir))
}
