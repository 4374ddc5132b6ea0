package sync

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// ofVersion makes the database that an earlier program left behind.
func ofVersion(t *testing.T, version int) (path string) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("testdata/version-%03d.sql", version))
	if err != nil {
		t.Fatalf("%v: each version of the schema has such a database, also the newest", err)
	}
	path = filepath.Join(t.TempDir(), "outbox.db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), string(text)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func newestVersion(t *testing.T) int {
	t.Helper()
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// What stands in the databases of testdata, by the kind and number that people know.
func TestUpgradeFromEveryVersion(t *testing.T) {
	for version := 1; version <= newestVersion(t); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			path := ofVersion(t, version)
			k := newKeys(t)
			o, err := ExamineOutbox(t.Context(), path, quiet())
			if err != nil {
				t.Fatal(err)
			}
			holds(t, o, version, "sending", "queued")
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
			o = openOutbox(t, path, k)
			defer func() { _ = o.Close() }()
			holds(t, o, version, "unknown", "expired") // nobody knows, too late
			found, err := o.Unended(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			last := ""
			if version >= 7 {
				last = "en"
			}
			if len(found) != 3 || found[0].Lang != "" || found[2].Lang != last {
				t.Errorf("found %v", found)
			}
			if err := o.Told(t.Context(), found); err != nil {
				t.Fatal(err)
			}
			commit(t, o, "1", wire.KindReservation)
			rows := int64(16) // twelve, the log's name, start, what was found, the commit
			if version >= 4 {
				rows-- // it had a name
			}
			if n, _, err := o.VerifyAudit(t.Context()); n != rows || err != nil {
				t.Errorf("the audit log has %d rows, %v", n, err)
			}
			list := column(t, o, "SELECT n FROM submissions ORDER BY n")
			if diff := cmp.Diff([]string{"2", "3", "5", "7", "8"}, list); diff != "" {
				t.Error(diff)
			}
			if _, err := o.db.Exec(t.Context(), "DELETE FROM submissions WHERE n = 2"); err == nil {
				t.Error("the database lets an unacknowledged row go")
			}
		})
	}
}

func holds(t *testing.T, o *Outbox, version int, sending, queued string) {
	t.Helper()
	list, err := o.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range list {
		got = append(got, fmt.Sprint(w.Kind, w.Quarantined, w.Reason, w.Attempts, w.Since.Unix()))
	}
	want := []string{
		fmt.Sprint("reservation", true, fault.HubRefused, 3, 1790000002), fmt.Sprint("application", false, "", 0, 1790000003),
		fmt.Sprint("reservation", false, "", 17, 1790000005), fmt.Sprint("issuance", false, "", 0, 1790000007),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	third := "failed"
	if version >= 3 {
		third = "expired"
	}
	slips := column(t, o, "SELECT kind || ' ' || state || ' ' || reprints || ' ' || length(payload) FROM slips ORDER BY rowid")
	payload := func(n int) int {
		if version == 1 {
			return 0
		}
		return n
	}
	want = []string{
		"issuance printed 1 0", "reservation unconfirmed 0 0", fmt.Sprintf("application %s 0 %d", third, payload(32)),
		fmt.Sprintf("reservation %s 0 %d", sending, payload(32)), fmt.Sprintf("issuance %s 0 %d", queued, payload(32)),
		fmt.Sprintf("reservation unknown 0 %d", payload(32)),
	}
	if diff := cmp.Diff(want, slips); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1", "0", "0"}, column(t, o, "SELECT ended FROM visits ORDER BY rowid")); diff != "" {
		t.Error(diff)
	}
	for _, id := range column(t, o, "SELECT id FROM submissions") {
		s, err := o.take(t.Context(), id)
		if err != nil || len(s.Sealed) != 192 {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, _, err := o.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

// A kiosk that was put back to an earlier program must not spoil what the newer one
// has written.
func TestANewerDatabaseIsLeftAlone(t *testing.T) {
	path := ofVersion(t, newestVersion(t))
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA journal_mode = WAL; ALTER TABLE slips ADD COLUMN colour TEXT; PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = OpenOutbox(context.Background(), path, newKeys(t).enrolment, quiet())
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("its schema 99 is newer than this program's %d", newestVersion(t))) {
			t.Fatalf("err = %v", err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Error("the file was touched", err)
	}
}
