package sync

import (
	"context"
	"errors"

	"kioskd/internal/fault"
	"kioskd/internal/sqlitedb"
)

// storageFailed gives the failure of the file its code: what the operator does about
// a full disk is not what is done about a broken one.
func storageFailed(op string, err error) error {
	e := &fault.Error{Device: "outbox", Op: op, Code: fault.StorageFailed, Cause: err,
		Hint: "check free space and health of the disk, and that the kiosk is enrolled"}
	switch {
	case errors.Is(err, sqlitedb.ErrUnsure):
		e.Code, e.Hint = fault.StorageSlow, "check the health of the disk"
	case sqlitedb.Full(err):
		e.Code, e.Hint = fault.StorageFull, "free space on the disk"
	case errors.Is(sqlitedb.Damaged(err), ErrDamaged):
		e.Code, e.Hint = fault.StorageDamaged, "restart the daemon: it saves what can be read"
	}
	return e
}

// isStorage reports whether err is the outbox's own.
func isStorage(err error) bool {
	switch fault.CodeOf(err) {
	case fault.StorageFailed, fault.StorageSlow, fault.StorageFull, fault.StorageDamaged:
		return true
	default:
		return false
	}
}

// Troubles are what is wrong with the storage, for the sign of life: a person must
// look. audit_disputed stays until the hub takes the audit log again. storage_damaged stays until the folder with the damaged file was cleared away,
// and as long as there is a submission that was spoilt. Damage that the daily look through
// the file finds is told of until the next start, which saves what can be read.
func (o *Outbox) Troubles(ctx context.Context) []fault.Code {
	dirs, err := folders(o.db.path)
	spoilt, err2 := o.count(ctx, "SELECT count(*) FROM submissions WHERE reason = 'storage_damaged'")
	if err := errors.Join(err, err2); err != nil {
		return []fault.Code{fault.CodeOf(err)}
	}
	var codes []fault.Code
	if len(dirs) > 0 || spoilt > 0 || o.unsound.Load() {
		codes = append(codes, fault.StorageDamaged)
	}
	if o.disputed.Load() {
		codes = append(codes, fault.AuditDisputed)
	}
	return codes
}
