package sync

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"kioskd/internal/sqlitedb"
)

// Events of the audit log.
const (
	auditStarted      = "started"
	auditCommitted    = "committed"
	auditAcknowledged = "acknowledged" // the trigger on submissions reads this word
	auditQuarantined  = "quarantined"
	auditRequeued     = "requeued"
	auditSlip         = "slip"
	auditVisitEnded   = "visit_ended"
	auditFound        = "found"
	auditRescued      = "rescued" // the file was damaged: what follows stands in a new one
)

// ErrAudit says that the audit log was changed behind the program's back.
var ErrAudit = errors.New("the audit log does not hold together")

// appendAudit adds one row within tx, bound to the row before it.
func appendAudit(ctx context.Context, tx *sqlitedb.Tx, event, subject, detail string) error {
	var n int64
	prev := make([]byte, sha256.Size)
	err := tx.QueryRowContext(ctx, "SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1").Scan(&n, &prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("cannot read audit log: %w", err)
	}
	n++
	at := time.Now().Unix()
	hash := auditHash(prev, n, at, event, subject, detail)
	if _, err := tx.ExecContext(ctx,
		"INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (?, ?, ?, ?, ?, ?)",
		n, at, event, subject, detail, hash); err != nil {
		return fmt.Errorf("cannot write audit log: %w", err)
	}
	return nil
}

func auditHash(prev []byte, n, at int64, event, subject, detail string) []byte {
	h := sha256.New()
	b := append([]byte("kioskd audit v1\x00"), prev...)
	b = binary.BigEndian.AppendUint64(b, uint64(n))
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	for _, s := range []string{event, subject, detail} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	h.Write(b)
	return h.Sum(nil)
}

// VerifyAudit walks the whole log and returns its length and last hash. Changed,
// missing and reordered rows are found; rows cut off the end are found by
// comparing length and last hash with what was noted elsewhere before.
func (o *Outbox) VerifyAudit(ctx context.Context) (length int64, head []byte, err error) {
	rows, err := o.db.Read().QueryContext(ctx, "SELECT n, at, event, subject, detail, hash FROM audit ORDER BY n")
	if err != nil {
		return 0, nil, fmt.Errorf("cannot read audit log: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	head = make([]byte, sha256.Size)
	for rows.Next() {
		var n, at int64
		var event, subject, detail string
		var hash []byte
		if err := rows.Scan(&n, &at, &event, &subject, &detail, &hash); err != nil {
			return 0, nil, fmt.Errorf("cannot read audit log: %w", err)
		}
		length++
		want := auditHash(head, n, at, event, subject, detail)
		if n != length || subtle.ConstantTimeCompare(hash, want) != 1 {
			return 0, nil, fmt.Errorf("%w: at row %d", ErrAudit, length)
		}
		head = want
	}
	return length, head, rows.Err()
}
