package sync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/fault"
	"kioskd/internal/sqlitedb/wreck"
	"kioskd/internal/underrace"
	"kioskd/internal/wire"
)

// patient is an outbox to be damaged: the bytes of its files, and what is in it.
type patient struct {
	main, wal []byte
	index     []byte            // of the WAL
	sealed    map[string][]byte // by ID
	acked     map[string]bool
	where     map[string][][]wreck.Span // of each submission, each of its versions that is enough
}

// newPatient makes one. Only with a WAL it has one and its index, as after a kill.
func newPatient(t *testing.T, k *keys, withWAL bool) *patient {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "outbox.db")
	p := &patient{sealed: map[string][]byte{}, acked: map[string]bool{}, where: map[string][][]wreck.Span{}}
	fill := func(o *Outbox, visits int) {
		for v := range visits {
			name := fmt.Sprint(o.run[:4], v)
			for i, kind := range []wire.Kind{wire.KindIssuance, wire.KindReservation, wire.KindApplication} {
				id := commit(t, o, name, kind)
				s, err := o.take(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				p.sealed[id] = s.Sealed
				if (v+i)%3 == 0 {
					acknowledge(t, o, k, id)
					p.acked[id] = true
				}
				if err := o.SlipEnded(t.Context(), id, SlipPrinted); err != nil {
					t.Fatal(err)
				}
			}
			if v%2 == 0 {
				if err := o.EndVisit(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
			if v == 2 {
				for id := range p.sealed {
					if !p.acked[id] {
						if err := o.quarantine(t.Context(), id, fault.HubRefused); err != nil {
							t.Fatal(err)
						}
						break
					}
				}
			}
		}
	}
	o := openOutbox(t, path, k)
	fill(o, 4)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = openOutbox(t, path, k)
	if withWAL {
		fill(o, 3)
	}
	copied := filepath.Join(t.TempDir(), "outbox.db")
	for end, into := range map[string]*[]byte{"": &p.main, "-wal": &p.wal, "-shm": &p.index} {
		b, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if end == "" || withWAL {
			*into = b
		}
	}
	p.lay(t, copied, p.main, p.wal)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if !withWAL {
		var err error
		if p.main, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		p.lay(t, copied, p.main, nil)
	}
	w, err := wreck.Open(copied)
	if err != nil {
		t.Fatal(err)
	}
	for row := range w.Rows() {
		if len(row.Values) != 15 {
			continue
		}
		if x, ok := submissionOf(row); ok {
			p.where[x.id] = append(p.where[x.id], row.Where)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for id := range p.sealed {
		if !p.acked[id] && len(p.where[id]) == 0 {
			t.Fatalf("%s is not read even from a sound file", id)
		}
	}
	return p
}

func (p *patient) lay(t *testing.T, path string, main, wal []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".lock", []byte(begun), 0o600); err != nil {
		t.Fatal(err)
	}
	for end, b := range map[string][]byte{"": main, "-wal": wal, "-shm": p.index} {
		if b == nil || end == "-shm" && wal == nil {
			continue
		}
		if err := os.WriteFile(path+end, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// wound is what is done to the files.
type wound struct {
	name      string
	main, wal func([]byte) []byte
}

// readable are the submissions that wait and of which one version is untouched.
func (p *patient) readable(main, wal []byte) (ids []string) {
	untouched := func(s wreck.Span) bool {
		before, after := p.main, main
		if strings.HasSuffix(s.File, "-wal") {
			before, after = p.wal, wal
		}
		return s.To <= int64(len(after)) && bytes.Equal(before[s.From:s.To], after[s.From:s.To])
	}
	for id, versions := range p.where {
		if !p.acked[id] && slices.ContainsFunc(versions, func(spans []wreck.Span) bool {
			return !slices.ContainsFunc(spans, func(s wreck.Span) bool { return !untouched(s) })
		}) {
			ids = append(ids, id)
		}
	}
	return ids
}

// suffer damages a copy, starts the outbox, and holds it to its promises.
func (p *patient) suffer(t *testing.T, k *keys, w wound) (rescued bool) {
	t.Helper()
	main, wal := bytes.Clone(p.main), bytes.Clone(p.wal)
	if w.main != nil {
		main = w.main(main)
	}
	if w.wal != nil {
		wal = w.wal(wal)
	}
	dir := t.TempDir()
	defer func() { _ = os.RemoveAll(dir) }() // there are hundreds
	path := filepath.Join(dir, "outbox.db")
	p.lay(t, path, main, wal)
	o, err := OpenOutbox(t.Context(), path, k.enrolment, quiet())
	if err != nil {
		if newer := strings.Contains(err.Error(), "is newer than"); newer && !bytes.Equal(main[60:64], p.main[60:64]) {
			return false // refused and left alone: nothing is lost
		}
		t.Fatalf("%s: the outbox does not start: %v", w.name, err)
	}
	defer func() { _ = o.Close() }()
	rescued = slices.Contains(o.Troubles(t.Context()), fault.StorageDamaged)
	held := map[string]bool{}
	for _, id := range column(t, o, "SELECT id FROM submissions") {
		held[id] = true
		s, err := o.take(t.Context(), id)
		if err == nil && !bytes.Equal(s.Sealed, p.sealed[id]) {
			t.Errorf("%s: %s would be sent with other content", w.name, id)
		}
	}
	for _, id := range p.readable(main, wal) {
		if !held[id] {
			t.Errorf("%s (rescued: %v): a readable submission is lost: %s", w.name, rescued, id)
		} else if _, err := o.take(t.Context(), id); err != nil {
			t.Errorf("%s: a readable submission cannot be sent: %v", w.name, err)
		}
	}
	for _, id := range column(t, o, "SELECT subject FROM audit WHERE event = 'acknowledged'") {
		if !p.acked[id] && p.sealed[id] != nil && rescued {
			t.Errorf("%s: a false acknowledgement of %s", w.name, id)
		}
	}
	if rescued {
		if _, _, err := o.VerifyAudit(t.Context()); err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
		p.kept(t, w, path, main, wal)
	}
	commit(t, o, "afterwards", wire.KindReservation)
	return rescued
}

// kept: the damaged files are there, byte for byte.
func (p *patient) kept(t *testing.T, w wound, path string, main, wal []byte) {
	t.Helper()
	dirs, err := folders(path)
	if err != nil || len(dirs) != 1 {
		t.Fatalf("%s: folders %v, %v", w.name, dirs, err)
	}
	for end, before := range map[string][]byte{"": main, "-wal": wal} {
		b, err := os.ReadFile(filepath.Join(dirs[0], "outbox.db"+end))
		if !bytes.Equal(b, before) || err != nil && len(before) > 0 {
			t.Errorf("%s: the damaged file outbox.db%s is not kept as it was: %v", w.name, end, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dirs[0], reportName))
	var r rescueReport
	if err := json.Unmarshal(b, &r); err != nil || r.Reason == "" {
		t.Errorf("%s: report %+v: %v", w.name, r, err)
	}
	short := len(main) < wreck.PageSize || r.Audit == 0 ||
		len(main) < len(p.main) && bytes.Equal(main[28:32], p.main[28:32]) // the header counts its pages
	if r.Missing == nil || short && !r.Unknown {
		t.Errorf("%s: it looks as if nothing else were lost: %+v", w.name, r)
	}
	if err != nil {
		t.Error(err)
	}
}

func zero(from, to int) func([]byte) []byte {
	return func(b []byte) []byte { clear(b[min(from, len(b)):min(to, len(b))]); return b }
}

func cutAt(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:min(n, len(b))] } }

func TestDamageOfEveryKind(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	const page = wreck.PageSize
	for _, withWAL := range []bool{false, true} {
		p := newPatient(t, k, withWAL)
		wounds := []wound{
			{name: "empty", main: cutAt(0)}, {name: "one byte", main: cutAt(1)}, {name: "half a header", main: cutAt(50)},
			{name: "half a page", main: cutAt(page / 2)}, {name: "half a page, no header", main: func(b []byte) []byte { return zero(0, 100)(cutAt(page / 2)(b)) }},
			{name: "header zeroed", main: zero(0, 100)}, {name: "first page zeroed", main: zero(0, page)},
			{name: "magic", main: zero(0, 4)}, {name: "page size", main: zero(16, 18)}, {name: "version", main: zero(60, 64)},
			{name: "half", main: cutAt(len(p.main) / 2)}, {name: "half a page short", main: cutAt(len(p.main) - page/2)},
			{name: "all zero", main: zero(0, len(p.main))},
			{name: "other file", main: func([]byte) []byte { return bytes.Repeat([]byte("no database "), 5000) }},
		}
		for n := 1; n < len(p.main)/page; n += 2 {
			wounds = append(wounds,
				wound{name: fmt.Sprintf("page %d zeroed", n+1), main: zero(n*page, (n+1)*page)},
				wound{name: fmt.Sprintf("header of page %d zeroed", n+1), main: zero(n*page, n*page+8)},
				wound{name: fmt.Sprintf("cut before page %d", n+1), main: cutAt(n * page)})
		}
		if withWAL {
			wounds = append(wounds, wound{name: "WAL header zeroed", wal: zero(0, 32)}, wound{name: "WAL magic", wal: zero(0, 4)},
				wound{name: "WAL salt", wal: zero(16, 24)}, wound{name: "WAL all zero", wal: zero(0, len(p.wal))},
				wound{name: "WAL cut to its header", wal: cutAt(32)}, wound{name: "WAL empty", wal: cutAt(0)},
				wound{name: "both headers", main: zero(0, 100), wal: zero(0, 32)}, wound{name: "file empty, WAL there", main: cutAt(0)})
			for at := 32; at < len(p.wal); at += 8 * (page + 24) {
				wounds = append(wounds,
					wound{name: fmt.Sprintf("WAL frame header at %d", at), wal: zero(at, at+24)},
					wound{name: fmt.Sprintf("WAL page at %d", at), wal: zero(at+24, at+24+page)},
					wound{name: fmt.Sprintf("WAL byte at %d", at), wal: func(b []byte) []byte { b[at+2000] ^= 0x55; return b }},
					wound{name: fmt.Sprintf("WAL cut at %d", at+100), wal: cutAt(at + 100)})
			}
		}
		rescued, suffered := 0, 0
		for i := 0; i < len(wounds); i += underrace.Stride(16) {
			suffered++
			if p.suffer(t, k, wounds[i]) {
				rescued++
			}
		}
		t.Logf("WAL %v: %d wounds, %d rescues", withWAL, suffered, rescued)
		if rescued < suffered/2 {
			t.Errorf("only %d rescues: the wounds are too light", rescued)
		}
	}
}

func TestDamageAnywhere(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 3))
	rounds := 80 / underrace.Stride(16)
	if n, err := strconv.Atoi(os.Getenv("KIOSKD_DAMAGE_ROUNDS")); err == nil {
		rounds = n // for a soak
	}
	k := newKeys(t)
	patients := []*patient{newPatient(t, k, false), newPatient(t, k, true)}
	hurt := func(b []byte) []byte {
		if len(b) == 0 {
			return b
		}
		for range 1 + rnd.IntN(4) {
			at := rnd.IntN(len(b))
			length := min(1+rnd.IntN([]int{1, 8, 200, 9000}[rnd.IntN(4)]), len(b)-at)
			switch rnd.IntN(4) {
			case 0:
				b[at] ^= 1 << rnd.IntN(8)
			case 1:
				clear(b[at : at+length])
			case 2:
				for i := range length {
					b[at+i] = byte(rnd.Uint32())
				}
			case 3:
				copy(b[at:at+length], b[rnd.IntN(len(b)):]) // what belongs elsewhere
			}
		}
		if rnd.IntN(5) == 0 {
			b = b[:rnd.IntN(len(b))]
		}
		return b
	}
	rescued := 0
	for round := range rounds {
		w := wound{name: fmt.Sprintf("seed %d, round %d", seed, round)}
		p := patients[rnd.IntN(2)]
		if where := rnd.IntN(3); where != 1 || p.wal == nil {
			w.main = hurt
			if where == 2 && p.wal != nil {
				w.wal = hurt
			}
		} else {
			w.wal = hurt
		}
		if p.suffer(t, k, w) {
			rescued++
		}
	}
	t.Logf("%d rounds, %d rescues", rounds, rescued)
}

// What is saved from a file in which nothing is wrong is all of it.
func TestNothingIsLostByTheRescueItself(t *testing.T) {
	k := newKeys(t)
	p := newPatient(t, k, true)
	dir := t.TempDir()
	sound, hurt := filepath.Join(dir, "sound", "outbox.db"), filepath.Join(dir, "hurt", "outbox.db")
	p.lay(t, sound, p.main, p.wal)
	p.lay(t, hurt, zero(0, 100)(bytes.Clone(p.main)), p.wal)
	a, b := openOutbox(t, sound, k), openOutbox(t, hurt, k)
	defer func() { _ = a.Close(); _ = b.Close() }()
	for _, q := range []string{
		"SELECT n || id || visit || seq || kind || number || kiosk || schema || key_id || hex(sealed) || hex(hash) || state || reason || attempts || created FROM submissions ORDER BY n",
		"SELECT submission || visit || seq || kind || number || slip || state || reprints || hex(payload) FROM slips ORDER BY rowid",
		"SELECT id || run || ended || lang FROM visits ORDER BY rowid",
		"SELECT n || at || event || subject || detail || hex(hash) FROM audit WHERE n < (SELECT n FROM audit WHERE event = 'started' ORDER BY n DESC LIMIT 1) AND event NOT IN ('rescued', 'log_begun') ORDER BY n",
	} {
		if diff := cmp.Diff(column(t, a, q), column(t, b, q)); diff != "" {
			t.Errorf("%s: %s", q, diff)
		}
	}
}

// What is in use is never replaced by what was once saved, whatever people do to the
// folder.
func TestAClearedFolderDoesNoHarm(t *testing.T) {
	k := newKeys(t)
	p := newPatient(t, k, false)
	path := filepath.Join(t.TempDir(), "outbox.db")
	p.lay(t, path, zero(0, 100)(bytes.Clone(p.main)), nil)
	o := openOutbox(t, path, k)
	id := commit(t, o, "new", wire.KindReservation)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	dirs, err := folders(path)
	if err != nil || len(dirs) != 1 {
		t.Fatal(dirs, err)
	}
	for _, cleared := range []string{reportName, "outbox.db", "", "."} {
		var err error
		if cleared == "." { // and an empty folder of the same name
			err = os.Mkdir(dirs[0], 0o700)
		} else {
			err = os.RemoveAll(filepath.Join(dirs[0], cleared))
		}
		if err != nil {
			t.Fatal(err)
		}
		o := openOutbox(t, path, k)
		if _, err := o.take(t.Context(), id); err != nil {
			t.Errorf("%q cleared: %v", cleared, err)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A rescue that was cut off at any point is taken up again.
func TestARescueCutOff(t *testing.T) {
	k := newKeys(t)
	p := newPatient(t, k, true)
	hurt := zero(0, 100)(bytes.Clone(p.main))
	for name, cut := range map[string]func(path, dir string) error{
		"before anything was moved": func(string, string) error { return nil },
		"WAL moved":                 func(path, dir string) error { return os.Rename(path+"-wal", filepath.Join(dir, "outbox.db-wal")) },
		"both moved":                moveAside,
		"half written": func(path, dir string) error {
			if err := moveAside(path, dir); err != nil {
				return err
			}
			return os.WriteFile(path+".salvaged", []byte("half"), 0o600)
		},
		"all but the mark": func(path, dir string) error {
			o := openOutbox(t, path, k) // finds the folder, and does all of it
			if err := o.Close(); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, unfinished), nil, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "outbox.db")
			p.lay(t, path, hurt, p.wal)
			dir, err := newFolder(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := cut(path, dir); err != nil {
				t.Fatal(err)
			}
			o := openOutbox(t, path, k)
			defer func() { _ = o.Close() }()
			if n, want := pending(t, o), len(p.sealed)-len(p.acked); n != want {
				t.Errorf("%d pending, want %d", n, want)
			}
			if got := o.Troubles(t.Context()); !slices.Contains(got, fault.StorageDamaged) {
				t.Errorf("troubles %v", got)
			}
		})
	}
}

// That something may be lost is an alarm, wherever the log goes, and says where to look.
func TestARescueRaisesTheAlarm(t *testing.T) {
	k := newKeys(t)
	p := newPatient(t, k, false)
	path := filepath.Join(t.TempDir(), "outbox.db")
	p.lay(t, path, zero(0, 100)(bytes.Clone(p.main)), nil)
	var log bytes.Buffer
	o, err := OpenOutbox(t.Context(), path, k.enrolment, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	told := 0
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, `msg="outbox was damaged"`) {
			told++
			for _, part := range []string{"level=ERROR", "alarm=true", "kept=" + path + ".damaged-1", fmt.Sprint("saved=", len(p.sealed)-len(p.acked))} {
				if !strings.Contains(line, part) {
					t.Errorf("%q lacks %s", line, part)
				}
			}
		}
	}
	if told != 1 {
		t.Errorf("told %d times:\n%s", told, &log)
	}
}

// Somebody packs the folder, as evidence, and leaves it beside the outbox.
func TestAPackedFolderHoldsUpNothing(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	if err := os.WriteFile(path+".damaged-1.tar.gz", []byte("packed"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := openOutbox(t, path, k)
	if got := o.Troubles(t.Context()); slices.Contains(got, fault.StorageDamaged) {
		t.Errorf("a file counts as damage: %v", got)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}
