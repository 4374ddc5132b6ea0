package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kioskd/internal/wire"
)

// The alarms about audit logs.
const (
	AlarmAuditGap    AlarmKind = "audit_gap"    // entries are missing, or a log begins that continues none
	AlarmAuditFork   AlarmKind = "audit_fork"   // two histories under one log's ID
	AlarmAuditBroken AlarmKind = "audit_broken" // a hash is not that of its entry
	AlarmAuditSilent AlarmKind = "audit_silent" // a kiosk reports entries that it does not send
)

// OwnLog is the hubs' own log, of no kiosk: what operators did.
const OwnLog = "hub"

// NoteEvent is something that an operator or a hub did.
type NoteEvent string

// What is noted in [OwnLog]. Subject is a kiosk's ID, a submission's ID, or "".
const (
	NoteHubStarted        NoteEvent = "hub_started"
	NoteHubStopped        NoteEvent = "hub_stopped"
	NoteKioskInvited      NoteEvent = "kiosk_invited"
	NoteKioskEnrolled     NoteEvent = "kiosk_enrolled"
	NoteKioskRenewed      NoteEvent = "kiosk_renewed" // its certificate; detail "again": not by the newest one
	NoteKioskRevoked      NoteEvent = "kiosk_revoked"
	NoteKioskRestored     NoteEvent = "kiosk_restored"
	NoteKeysBegun         NoteEvent = "keys_begun"       // before it is done; detail: what to which keys
	NoteKeysFailed        NoteEvent = "keys_failed"      // what was begun was refused, or not wholly done
	NoteEvidenceSettled   NoteEvent = "evidence_settled" // what was kept as evidence until then is explained
	NoteSubmissionsPurged NoteEvent = "submissions_purged"
	NoteSandboxReset      NoteEvent = "sandbox_reset"
	NoteSandboxClock      NoteEvent = "sandbox_clock" // moved on; detail: by so many seconds
)

// AuditStore keeps audit logs. What is in them is never changed and never goes.
type AuditStore interface {
	// TakeAudit appends what is new in a batch of kiosk, as [TakeAudit] says, in one
	// transaction that no other for this log overlaps.
	TakeAudit(ctx context.Context, kiosk string, b wire.AuditBatch, now time.Time) (wire.AuditAnswer, error)
	// Note appends to [OwnLog]. Where the answer of the database is lost it may be
	// noted twice, never not at all.
	Note(ctx context.Context, event NoteEvent, subject, detail string, now time.Time) error
	// AuditLog gives one log, or ErrNotFound. It is asked for at every sign of life, so
	// it reads one row; a log without a head is found by AuditLogs alone.
	AuditLog(ctx context.Context, kiosk, log string) (AuditLog, error)
	// AuditLogs lists every log: of one kiosk, or with "" of all and the hubs' own. It
	// costs as much as there are logs, not entries.
	AuditLogs(ctx context.Context, kiosk string) ([]AuditLog, error)
	// AuditEntries gives up to limit entries after number n.
	AuditEntries(ctx context.Context, kiosk, log string, n int64, limit int) ([]AuditEntry, error)
	// AuditEvidence lists what was not taken, oldest first: of one kiosk, or of all.
	AuditEvidence(ctx context.Context, kiosk string) ([]AuditEvidence, error)
	// SubmissionMarks gives up to limit submissions of a kiosk in the order in which
	// they were stored, those after place n.
	SubmissionMarks(ctx context.Context, kiosk string, n int64, limit int) ([]SubmissionMark, error)
	// SubmittingKiosks lists all that have submissions.
	SubmittingKiosks(ctx context.Context) ([]string, error)
}

// AuditLog is how far the hub has one log. Rows without a head, or a head without
// rows, are no log any more: verifying tells.
type AuditLog struct {
	Kiosk string // "" for OwnLog
	Log   string
	// Headless: there are entries, and nothing that says how many.
	Headless bool
	Prior    string // the log that it goes on from, "" for none
	Base     int64  // number of the entry that its first one follows
	BaseHash []byte
	N        int64 // newest entry
	Hash     []byte
	At       time.Time // when that came
	// Whole is when the hub last had all that the kiosk had.
	Whole time.Time
}

// AuditEntry is one entry and when it came.
type AuditEntry struct {
	wire.AuditEntry
	ReceivedAt time.Time
}

// AuditEvidence is a batch that was not taken, or not all of it.
type AuditEvidence struct {
	Kiosk, Log string
	Verdict    wire.AuditVerdict
	Batch      []byte // JSON of wire.AuditBatch, as it was understood
	At         time.Time
}

// SubmissionMark is what the audit log must know of a submission.
type SubmissionMark struct {
	N        int64
	ID       string
	Hash     []byte
	StoredAt time.Time
}

// What a kiosk can make the hub keep is bounded: it chooses the IDs of its logs.
const (
	mostEvidence    = 50  // batches of one log: more prove nothing more
	mostEvidenceAll = 200 // batches of one kiosk
	mostLogs        = 100 // of one kiosk; each needs a damaged disk or a new enrolment
)

// AuditTx is one transaction of a store on the logs of one kiosk.
type AuditTx interface {
	// Log gives a log of this kiosk, or ErrNotFound.
	Log(log string) (AuditLog, error)
	// Others counts the logs that this kiosk has beside this one.
	Others(log string) (int, error)
	// Hashes gives those of the entries from..to that there are of a log of this kiosk.
	Hashes(log string, from, to int64) (map[int64][]byte, error)
	// Anywhere says whether entry n of this log, whoever's it is, has this hash.
	Anywhere(log string, n int64, hash []byte) (bool, error)
	// Append stores entries and where the log stands now.
	Append(l AuditLog, entries []wire.AuditEntry, now time.Time) error
	// Keep keeps evidence, unless it is there or there are as many as this of the log,
	// or of the kiosk.
	Keep(e AuditEvidence, most, mostAll int) error
	// Raise raises an alarm, in clear: it holds nothing personal, and the vault is not
	// at hand within a transaction.
	Raise(a Alarm) error
}

// TakeAudit decides about a batch within tx; every store calls it.
//
// Entries go on from the newest that is stored. Those that are stored already may come
// again. Everything up to the first that is wrong is stored, nothing from there on: the
// batch is kept as evidence, an alarm is raised, and the answer says so.
//
// A log that the hub does not know begins with its entry 1, or goes on from an entry of
// another log that the hub has: so does the log of a file that was made of what could
// be saved of a damaged one, and that of a kiosk which was enrolled anew.
func TakeAudit(tx AuditTx, kiosk string, b wire.AuditBatch, now time.Time) (wire.AuditAnswer, error) {
	t := &taking{tx: tx, kiosk: kiosk, b: b, now: now}
	l, err := tx.Log(b.Log)
	switch {
	case errors.Is(err, ErrNotFound):
		return t.first()
	case err != nil:
		return wire.AuditAnswer{}, err
	}
	return t.next(l)
}

// taking is one batch being taken.
type taking struct {
	tx    AuditTx
	kiosk string
	b     wire.AuditBatch
	now   time.Time
}

// first takes the first batch of a log.
func (t *taking) first() (wire.AuditAnswer, error) {
	base := t.b.Entries[0].N - 1
	l := AuditLog{Kiosk: t.kiosk, Log: t.b.Log, Prior: t.b.Prior, Base: base, BaseHash: t.b.Prev, N: base, Hash: t.b.Prev}
	nothing := AuditLog{Log: t.b.Log, Hash: wire.AuditStart()}
	others, err := t.tx.Others(t.b.Log)
	switch {
	case err != nil:
		return wire.AuditAnswer{}, err
	case others >= mostLogs:
		return t.refuse(nothing, wire.AuditGap, fmt.Sprintf("begins a log, and it has %d already", others))
	}
	joined := false
	if t.b.Prior != "" && base > 0 {
		if joined, err = t.tx.Anywhere(t.b.Prior, base, t.b.Prev); err != nil {
			return wire.AuditAnswer{}, err
		}
	}
	switch {
	case base == 0 && !bytes.Equal(t.b.Prev, wire.AuditStart()):
		return t.refuse(nothing, wire.AuditBroken, "its first entry follows something")
	case base > 0 && !joined:
		return t.refuse(nothing, wire.AuditGap, fmt.Sprintf("begins with entry %d, which follows none that the hub has", base+1))
	case base == 0 && others > 0:
		// It is taken all the same: what the kiosk says from now on counts, too.
		if err := t.raise(AlarmAuditGap, t.b.Log, "a new log of this kiosk that continues none of the old ones"); err != nil {
			return wire.AuditAnswer{}, err
		}
	}
	return t.append(l, t.b.Prev, t.b.Entries)
}

// next takes a batch of a log that is there.
func (t *taking) next(l AuditLog) (wire.AuditAnswer, error) {
	from := t.b.Entries[0].N - 1 // what the batch goes on from
	if from > l.N {
		return t.refuse(l, wire.AuditGap, fmt.Sprintf("goes on with entry %d, and the hub has %d", from+1, l.N))
	}
	have, err := t.tx.Hashes(l.Log, from, from+int64(len(t.b.Entries)))
	if err != nil {
		return wire.AuditAnswer{}, err
	}
	have[l.Base] = l.BaseHash
	if mine := have[from]; mine != nil && !bytes.Equal(mine, t.b.Prev) {
		return t.refuse(l, wire.AuditFork, fmt.Sprintf("entry %d is another one than the hub has", from))
	}
	fresh := t.b.Entries
	for len(fresh) > 0 && fresh[0].N <= l.N {
		if mine := have[fresh[0].N]; mine != nil && !bytes.Equal(mine, fresh[0].Hash) {
			return t.refuse(l, wire.AuditFork, fmt.Sprintf("entry %d is another one than the hub has", fresh[0].N))
		}
		fresh = fresh[1:]
	}
	return t.append(l, l.Hash, fresh)
}

// append stores what is right of fresh, which must follow prev.
func (t *taking) append(l AuditLog, prev []byte, fresh []wire.AuditEntry) (wire.AuditAnswer, error) {
	good := 0
	for good < len(fresh) && bytes.Equal(fresh[good].Hash, fresh[good].Sum(prev)) {
		prev = fresh[good].Hash
		good++
	}
	whole := good == len(fresh) && t.b.Head == t.b.Entries[len(t.b.Entries)-1].N
	if good > 0 {
		l.N, l.Hash, l.At = fresh[good-1].N, fresh[good-1].Hash, t.now
	}
	if whole {
		l.Whole = t.now
	}
	if good > 0 || whole {
		if err := t.tx.Append(l, fresh[:good], t.now); err != nil {
			return wire.AuditAnswer{}, err
		}
	}
	if good < len(fresh) {
		return t.refuse(l, wire.AuditBroken, fmt.Sprintf("the hash of entry %d is not its own", fresh[good].N))
	}
	return wire.AuditAnswer{Verdict: wire.AuditTaken, N: l.N, Hash: l.Hash}, nil
}

// refuse keeps the batch, raises the alarm, and answers where the log stands.
func (t *taking) refuse(l AuditLog, v wire.AuditVerdict, text string) (wire.AuditAnswer, error) {
	raw, err := json.Marshal(t.b)
	if err != nil {
		return wire.AuditAnswer{}, fmt.Errorf("cannot keep evidence: %w", err)
	}
	if err := t.tx.Keep(AuditEvidence{Kiosk: t.kiosk, Log: t.b.Log, Verdict: v, Batch: raw, At: t.now}, mostEvidence, mostEvidenceAll); err != nil {
		return wire.AuditAnswer{}, err
	}
	kinds := map[wire.AuditVerdict]AlarmKind{wire.AuditGap: AlarmAuditGap, wire.AuditFork: AlarmAuditFork, wire.AuditBroken: AlarmAuditBroken}
	subject := l.Log
	if l.At.IsZero() { // nothing of it is here: its ID may be any of any number
		subject = ""
	}
	if err := t.raise(kinds[v], subject, text); err != nil {
		return wire.AuditAnswer{}, err
	}
	return wire.AuditAnswer{Verdict: v, N: l.N, Hash: l.Hash}, nil
}

func (t *taking) raise(kind AlarmKind, subject, text string) error {
	return t.tx.Raise(Alarm{Kind: kind, Kiosk: t.kiosk, Subject: subject, Text: text, Last: t.now})
}

// AppendNote appends to [OwnLog] within tx; every store calls it.
func AppendNote(tx AuditTx, event NoteEvent, subject, detail string, now time.Time) error {
	l, err := tx.Log(OwnLog)
	if errors.Is(err, ErrNotFound) {
		l, err = AuditLog{Log: OwnLog, BaseHash: wire.AuditStart()}, nil
	}
	if err != nil {
		return err
	}
	e, err := nextNote(l.N, l.Hash, event, subject, detail, now)
	if err != nil {
		return err
	}
	l.N, l.Hash, l.At, l.Whole = e.N, e.Hash, now, now
	return tx.Append(l, []wire.AuditEntry{e}, now)
}

// nextNote makes the entry after entry n with the hash prev.
func nextNote(n int64, prev []byte, event NoteEvent, subject, detail string, now time.Time) (wire.AuditEntry, error) {
	if n == 0 {
		prev = wire.AuditStart()
	}
	e := wire.AuditEntry{N: n + 1, At: now.Unix(), Event: string(event), Subject: subject, Detail: detail}
	e.Hash = e.Sum(prev)
	plain := e
	if AuditName(subject) { // operators name kiosks
		plain.Subject = ""
	}
	if err := plain.Validate(); err != nil {
		return wire.AuditEntry{}, fmt.Errorf("cannot note %s: %w", event, err)
	}
	return e, nil
}

// AuditName reports whether s can be the ID of a kiosk, for the hubs' own log.
func AuditName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.' {
			return false
		}
	}
	return true
}
