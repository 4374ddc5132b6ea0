package sync

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	stdsync "sync"
	"sync/atomic"
	"time"

	"kioskd/internal/sqlitedb"
	"kioskd/internal/wire"
)

// Outbox holds what waits for the hub, sealed. It cannot read what it holds.
type Outbox struct {
	db    *db
	space *space
	enrol func() (*wire.Enrolment, bool)
	log   *slog.Logger
	run   string        // names this start; visits of other runs are over
	fresh chan struct{} // something new was committed

	writes  atomic.Int64 // so many since the start
	unsound atomic.Bool  // the last look through the file found damage
	// disputed: the hub has not taken the audit log when it was last offered.
	disputed atomic.Bool

	mu  stdsync.Mutex
	key wire.SealPublicKey // the parsed key of the last enrolment seen
}

// Entry is one thing to commit.
type Entry struct {
	// ID makes the commit repeatable: whoever does not know what became of one
	// commits again under the same ID. "" gives the entry an ID of its own.
	ID      string
	Visit   string       // names the visit within this run of the daemon
	Payload wire.Payload // personal: sealed before it is stored
	Slip    string       // kind of the slip that belongs to it, "" for none
	Lang    string       // in which language its shopper reads, "" for not known
}

// Committed says under which names an entry is known from now on.
type Committed struct {
	ID     string
	Number string // 受付番号
}

// OpenOutbox opens or creates the file at path. enrol gives the current
// enrolment, or false while there is none; entries cannot be committed then.
// A damaged file is moved aside and replaced by a new one that holds what could be
// read of it: see [Outbox.Troubles]. Errors are ErrInUse or of the file system.
func OpenOutbox(ctx context.Context, path string, enrol func() (*wire.Enrolment, bool), log *slog.Logger) (*Outbox, error) {
	return openOutboxWithin(ctx, path, enrol, log, usualLimits())
}

func openOutboxWithin(
	ctx context.Context, path string, enrol func() (*wire.Enrolment, bool), log *slog.Logger, limits spaceLimits,
) (*Outbox, error) {
	o := newOutboxOf(path, enrol, log, limits)
	d, err := openOrRescue(ctx, path, log, func(d *db) error {
		o.db = d
		return o.settle(ctx)
	})
	if err != nil {
		return nil, err
	}
	o.db = d
	o.space.look()
	return o, nil
}

func newOutboxOf(path string, enrol func() (*wire.Enrolment, bool), log *slog.Logger, limits spaceLimits) *Outbox {
	return &Outbox{space: newSpace(path, limits, log), enrol: enrol, log: log, run: wire.NewSubmissionID(), fresh: make(chan struct{}, 1)}
}

// ExamineOutbox opens the outbox of a daemon that is stopped, for staff. It must
// be there; nothing is noted, and nothing can be committed. While the daemon runs
// the error is ErrInUse; of a damaged file it is ErrDamaged.
func ExamineOutbox(ctx context.Context, path string, log *slog.Logger) (*Outbox, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	d, err := openDB(ctx, path)
	if err != nil {
		return nil, err
	}
	none := func() (*wire.Enrolment, bool) { return nil, false }
	o := newOutboxOf(path, none, log, usualLimits())
	o.db = d
	return o, nil
}

// settle notes the start. Of slips that were on their way nobody knows whether
// they came out of the printer, and those that waited have had their time: none is
// printed any more, so a printer that is filled in the morning prints nothing of
// yesterday.
func (o *Outbox) settle(ctx context.Context) error {
	return o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE slips SET state = CASE state WHEN 'queued' THEN 'expired' ELSE 'unknown' END
			WHERE state IN ('queued', 'sending')`); err != nil {
			return err
		}
		var rescued bool // and not noted yet, however many starts that has taken
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM audit_log WHERE log = '')").Scan(&rescued); err != nil {
			return err
		}
		if rescued {
			if err := appendAudit(ctx, tx, auditRescued, "", ""); err != nil {
				return err
			}
		}
		if err := settleLog(ctx, tx); err != nil {
			return err
		}
		return appendAudit(ctx, tx, auditStarted, o.run, "")
	})
}

// Close ends the use of the file. No other method may run or be called.
func (o *Outbox) Close() error { return o.db.close() }

// Commit seals the payload and stores submission, slip job and audit entry in
// one transaction. When it returns nil they are on disk; when it returns an
// error other than storage_slow this call has stored none of them. The same ID with the same visit and
// content gives the same answer again, also after the submission has left the
// outbox; with others it is an error. Errors are *fault.Error with storage_failed,
// storage_full or storage_damaged; with storage_slow nobody knows whether they are stored.
func (o *Outbox) Commit(ctx context.Context, e Entry) (Committed, error) {
	if e.Visit == "" || (e.ID != "" && !wire.ValidID(e.ID)) {
		return Committed{}, storageFailed("commit submission", errors.New("an entry belongs to a visit and has an ID in the form of one"))
	}
	if e.ID == "" {
		e.ID = wire.NewSubmissionID()
	}
	digest, err := digestOf(e.Payload)
	if err != nil {
		return Committed{}, storageFailed("commit submission", err)
	}
	c := Committed{ID: e.ID, Number: wire.NumberOf(e.ID)}
	// Sealing is the most of the work: nobody else waits for it. That it fails is of
	// no account when the entry was committed before.
	s, sealing := o.seal(e)
	have := false
	if err := o.db.stands(); err != nil {
		return Committed{}, storageFailed("commit submission", err)
	}
	err = o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) (err error) {
		if have, err = o.known(ctx, tx, e, digest); err != nil || have {
			return err
		}
		if sealing != nil {
			return sealing
		}
		return o.insert(ctx, tx, e, s, c.Number, digest)
	})
	if err != nil {
		return Committed{}, storageFailed("commit submission", err)
	}
	if have {
		o.log.InfoContext(ctx, "submission was committed before", "submission", c.ID)
		return c, nil
	}
	o.log.InfoContext(ctx, "submission committed", "submission", c.ID, "kind", string(e.Payload.Kind))
	select {
	case o.fresh <- struct{}{}:
	default:
	}
	return c, nil
}

// write changes the file. Writers that come together share a transaction. Who meets a
// full disk gets the reserve.
func (o *Outbox) write(ctx context.Context, f func(context.Context, *sqlitedb.Tx) error) error {
	released := o.space.released()
	o.writes.Add(1)
	err := o.db.WriteTogether(ctx, f)
	if err != nil && sqlitedb.Full(err) && o.space.release(released) {
		return o.db.WriteTogether(ctx, f)
	}
	return err
}

// digestOf names a content without telling it: what cards sign holds a nonce. It is
// hashed as it is encoded, so that no copy of it is left lying about.
func digestOf(p wire.Payload) ([]byte, error) {
	h := sha256.New()
	h.Write([]byte("kioskd payload v1\x00"))
	if err := json.NewEncoder(h).Encode(p); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// known reports whether the entry was committed before. The row of its slip
// tells, because it stays when the submission goes.
func (o *Outbox) known(ctx context.Context, tx *sqlitedb.Tx, e Entry, digest []byte) (bool, error) {
	var visit string
	var have []byte
	err := tx.QueryRowContext(ctx, "SELECT visit, payload FROM slips WHERE submission = ?", e.ID).Scan(&visit, &have)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case visit != o.visitID(e.Visit) || !bytes.Equal(have, digest):
		return false, errors.New("this ID stands for another submission")
	}
	return true, nil
}

func (o *Outbox) seal(e Entry) (wire.Submission, error) {
	en, ok := o.enrol()
	if !ok {
		return wire.Submission{}, errors.New("this kiosk is not enrolled")
	}
	key, err := o.sealKey(en)
	if err != nil {
		return wire.Submission{}, err
	}
	return wire.Seal(key, en.Kiosk, e.ID, e.Payload)
}

func (o *Outbox) sealKey(en *wire.Enrolment) (wire.SealPublicKey, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.key.ID() != en.SealKeyID {
		k, err := wire.ParseSealPublicKey(en.SealKey)
		if err != nil {
			return wire.SealPublicKey{}, err
		}
		o.key = k
	}
	return o.key, nil
}

func (o *Outbox) insert(ctx context.Context, tx *sqlitedb.Tx, e Entry, s wire.Submission, number string, digest []byte) error {
	visit := o.visitID(e.Visit)
	if _, err := tx.ExecContext(ctx, "INSERT INTO visits (id, run, lang) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET lang = excluded.lang", visit, o.run, e.Lang); err != nil {
		return err
	}
	var seq int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) + 1 FROM slips WHERE visit = ?", visit).Scan(&seq); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx,
		`INSERT INTO submissions (id, visit, seq, kind, number, kiosk, schema, key_id, sealed, hash, created)
		 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.ID, visit, seq, string(e.Payload.Kind), number, s.Kiosk, s.Schema, s.KeyID, s.Sealed, s.Hash(), time.Now().Unix()); err != nil {
		return err
	}
	state := SlipQueued
	if e.Slip == "" {
		state = slipNone
	}
	if _, err := tx.ExecContext(ctx,
		"INSERT INTO slips (submission, visit, seq, kind, number, slip, state, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		s.ID, visit, seq, string(e.Payload.Kind), number, e.Slip, string(state), digest); err != nil {
		return err
	}
	return appendAudit(ctx, tx, auditCommitted, s.ID, fmt.Sprintf("%x", s.Hash()))
}

// visitID makes the kiosk's count of visits unique across its starts.
func (o *Outbox) visitID(visit string) string { return o.run + "/" + visit }
