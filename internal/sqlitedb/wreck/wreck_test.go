package wreck_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/mattn/go-sqlite3"

	"kioskd/internal/sqlitedb/wreck"
)

// write makes a file with rows of every type and size. With keep its WAL stays.
func write(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", path+"?_journal_mode=WAL&_secure_delete=on")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	rnd := rand.New(rand.NewPCG(1, 2))
	exec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c, d)")
	for i := range 300 {
		size := []int{0, 1, 100, 4000, 4060, 4061, 4062, 4100, 9331, 50000}[i%10]
		blob := make([]byte, size)
		for j := range blob {
			blob[j] = byte(rnd.Uint32())
		}
		exec(t, db, "INSERT INTO t VALUES (?, ?, ?, ?, ?)", rowID(i), number(i), blob, []any{nil, 1.5, math.Inf(-1)}[i%3], fmt.Sprint("文字", i))
	}
	return db
}

func rowID(i int) int64 { return []int64{int64(i), int64(i) << 20, -int64(i), int64(i) << 55}[i%4] }

func number(i int) int64 {
	return []int64{0, 1, -1, 127, -128, 32767, 1 << 22, -1 << 22, 1 << 31, 1 << 46, math.MaxInt64, math.MinInt64, 2}[i%13]
}

func exec(t testing.TB, db *sql.DB, q string, args ...any) {
	t.Helper()
	if _, err := db.Exec(q, args...); err != nil {
		t.Fatal(err)
	}
}

// bySQLite are the rows as SQLite gives them.
func bySQLite(t testing.TB, db *sql.DB) map[int64]string {
	t.Helper()
	rows, err := db.Query("SELECT id, a, b, c, d FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	all := map[int64]string{}
	for rows.Next() {
		var id int64
		var a, b, c, d any
		if err := rows.Scan(&id, &a, &b, &c, &d); err != nil {
			t.Fatal(err)
		}
		if s, ok := d.([]byte); ok {
			d = string(s)
		}
		all[id] = fmt.Sprintf("%T%v %x %v %v", a, a, b, c, d)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// byUs are the newest versions of the rows.
func byUs(t testing.TB, path string) map[int64]string {
	t.Helper()
	w, err := wreck.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	all := map[int64]string{}
	for row := range w.Rows() {
		if len(row.Values) == 5 && row.Values[0] == nil {
			if _, text := row.Values[4].(string); text && strings.HasPrefix(row.Values[4].(string), "文字") {
				all[row.ID] = fmt.Sprintf("%T%v %x %v %v", row.Values[1], row.Values[1], row.Values[2], row.Values[3], row.Values[4])
			}
		}
	}
	return all
}

func TestRowsAreTheSameAsSQLiteGives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := write(t, path)
	want := bySQLite(t, db)
	if len(want) < 200 {
		t.Fatal(len(want))
	}
	if diff := cmp.Diff(want, byUs(t, path)); diff != "" { // from the WAL
		t.Error(diff)
	}
	exec(t, db, "UPDATE t SET d = d || '!' WHERE a > 0")
	want = bySQLite(t, db)
	if diff := cmp.Diff(want, byUs(t, path)); diff != "" {
		t.Error(diff)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Fatal("there is still a WAL")
	}
	if diff := cmp.Diff(want, byUs(t, path)); diff != "" { // from the file
		t.Error(diff)
	}
	if err := wreck.Look(path); err != nil {
		t.Error(err)
	}
}

// A WAL that was cut off in the middle of a transaction, or holds any other part of its
// last one, is what a power cut leaves: nothing is wrong with it. One that is spoilt in
// front of other transactions is broken, and any of which its index knows more.
func TestLookTellsTheEndFromDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	db := write(t, path)
	exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	for i := range 20 { // many small transactions, over the frames of which
		exec(t, db, "UPDATE t SET a = ? WHERE id = 0", i)
	}
	exec(t, db, "PRAGMA wal_checkpoint(RESTART)")
	for i := range 3 { // a new generation is written
		exec(t, db, "UPDATE t SET a = ? WHERE id = 0", 100+i)
	}
	main, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const frame = wreck.PageSize + 24
	frames := (len(wal) - 32) / frame
	if frames < 15 {
		t.Fatalf("%d frames", frames)
	}
	index, err := os.ReadFile(path + "-shm")
	if err != nil {
		t.Fatal(err)
	}
	lookWith := func(wal, index []byte) error {
		copied := filepath.Join(t.TempDir(), "x.db")
		if err := errors.Join(os.WriteFile(copied, main, 0o600), os.WriteFile(copied+"-wal", wal, 0o600)); err != nil {
			t.Fatal(err)
		}
		if index != nil {
			if err := os.WriteFile(copied+"-shm", index, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return wreck.Look(copied)
	}
	look := func(wal []byte) error { return lookWith(wal, nil) }
	if err := look(wal); err != nil {
		t.Fatalf("old frames behind the new ones: %v", err)
	}
	for cut := 0; cut <= len(wal); cut += frame / 3 {
		if err := look(wal[:cut]); err != nil {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	if err := lookWith(wal, index); err != nil {
		t.Errorf("with its index: %v", err)
	}
	for at := range 3 { // frames of this generation: each is a transaction
		for _, where := range []int{4, 24 + 1000} {
			spoilt := slices.Clone(wal)
			spoilt[32+at*frame+where] ^= 1
			if err := look(spoilt); errors.Is(err, wreck.ErrBroken) != (at < 2) {
				t.Errorf("frame %d spoilt at %d: %v", at, where, err)
			}
			if err := lookWith(spoilt, index); !errors.Is(err, wreck.ErrBroken) {
				t.Errorf("frame %d spoilt at %d, and the index knows: %v", at, where, err)
			}
			for name, useless := range map[string][]byte{"cut": index[:50], "empty": {}, "torn": append(slices.Clone(index[:40]), index[48:]...)} {
				if err := lookWith(spoilt, useless); errors.Is(err, wreck.ErrBroken) != (at < 2) {
					t.Errorf("frame %d spoilt at %d, the index %s: %v", at, where, name, err)
				}
			}
		}
		if err := lookWith(wal[:32+at*frame], index); !errors.Is(err, wreck.ErrBroken) {
			t.Errorf("cut before frame %d, and the index knows: %v", at, err)
		}
	}
	spoilt := slices.Clone(wal)
	spoilt[32+5*frame+24+1000] ^= 1 // of the old generation
	if err := look(spoilt); err != nil {
		t.Errorf("an old frame spoilt: %v", err)
	}
	spoilt = slices.Clone(wal)
	spoilt[20] ^= 1
	if err := look(spoilt); !errors.Is(err, wreck.ErrBroken) {
		t.Errorf("header spoilt: %v", err)
	}
}

// Whatever is done to the files, reading them ends, and without a panic. The input is
// a list of edits: three bytes say where, one says what.
func FuzzRows(f *testing.F) {
	path := filepath.Join(f.TempDir(), "x.db")
	db := write(f, path)
	exec(f, db, "DELETE FROM t WHERE length(b) > 10000 OR id > 40")
	exec(f, db, "VACUUM")
	exec(f, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	exec(f, db, "UPDATE t SET a = 1 WHERE id < 5")
	exec(f, db, "UPDATE t SET a = 2 WHERE id < 3")
	main, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add([]byte{0, 0x10, 0, 0x0d, 0, 0x10, 3, 0xff, 0, 0x10, 8, 0x01})
	f.Add([]byte{byte(len(main) >> 16), byte(len(main) >> 8), byte(len(main) + 16), 0x55})
	f.Fuzz(func(t *testing.T, edits []byte) {
		both := append(slices.Clone(main), wal...)
		for ; len(edits) >= 4; edits = edits[4:] {
			both[(int(edits[0])<<16|int(edits[1])<<8|int(edits[2]))%len(both)] = edits[3]
		}
		path := filepath.Join(t.TempDir(), "x.db")
		if err := errors.Join(os.WriteFile(path, both[:len(main)], 0o600), os.WriteFile(path+"-wal", both[len(main):], 0o600)); err != nil {
			t.Fatal(err)
		}
		if err := wreck.Look(path); err != nil && !errors.Is(err, wreck.ErrBroken) {
			t.Fatal(err)
		}
		w, err := wreck.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range w.Rows() {
			n++
		}
		if n > len(both) {
			t.Errorf("%d rows in %d bytes", n, len(both))
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
