package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"kioskd/internal/hub"
)

// Invite stores an invitation, and forgets those that ended long ago.
func (s *Store) Invite(ctx context.Context, i hub.Invitation) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM invitation WHERE expires < ?`, i.Made.Add(-hub.InvitationsKept).UnixMilli())
		if err != nil {
			return wrap("forget invitations", err)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO invitation (token_hash, name, made, expires) VALUES (?, ?, ?, ?)`,
			i.TokenHash, i.Name, i.Made.UnixMilli(), i.Expires.UnixMilli())
		if err != nil {
			return wrap("store invitation", err)
		}
		return note(ctx, tx, hub.NoteKioskInvited, "", "", i.Made)
	})
}

// Enrol uses an invitation.
func (s *Store) Enrol(ctx context.Context, e hub.Enrolment) (k hub.Kiosk, err error) {
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		if err := enrol(ctx, tx, e); err != nil {
			return err
		}
		row := func() (hub.Kiosk, error) {
			return scanKiosk(tx.QueryRowContext(ctx, kioskColumns+` WHERE id = ?`, e.Certificate.Kiosk))
		}
		if k, err = row(); err != nil {
			return err
		}
		if _, err := certify(ctx, tx, k.Own(e.Certificate), k.EnrolledAt); err != nil {
			return err
		}
		if k, err = row(); err != nil {
			return err
		}
		return note(ctx, tx, hub.NoteKioskEnrolled, k.ID, "", e.Certificate.Issued)
	})
	if err == nil {
		err = s.Tell(ctx, k.ID)
	}
	if err != nil {
		return hub.Kiosk{}, err
	}
	return k, nil
}

func enrol(ctx context.Context, tx *sql.Tx, e hub.Enrolment) error {
	now, kiosk := e.Certificate.Issued.UnixMilli(), e.Certificate.Kiosk
	var name string
	var expires int64
	var used sql.NullString
	err := tx.QueryRowContext(ctx, `SELECT name, expires, used_by FROM invitation WHERE token_hash = ?`, e.TokenHash).Scan(&name, &expires, &used)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return hub.ErrInviteUnknown
	case err != nil:
		return wrap("read invitation", err)
	case used.Valid && (used.String != kiosk || now >= expires):
		return hub.ErrInviteUsed
	case used.Valid:
		var revoked bool
		if err := tx.QueryRowContext(ctx, `SELECT revoked_at IS NOT NULL FROM kiosk WHERE id = ?`, kiosk).Scan(&revoked); err != nil {
			return wrap("read kiosk", err)
		}
		if revoked {
			return hub.ErrInviteUsed
		}
		return nil
	case now >= expires:
		return hub.ErrInviteExpired
	}
	if _, err := tx.ExecContext(ctx, `UPDATE invitation SET used_at = ?, used_by = ? WHERE token_hash = ?`, now, kiosk, e.TokenHash); err != nil {
		return wrap("use invitation", err)
	}
	// A certificate from further ahead is of a clock that was wrong, and cannot be used.
	var newest sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT max(issued) FROM certificate WHERE kiosk = ? AND issued <= ?`,
		kiosk, now+hub.CertificateEarly.Milliseconds()).Scan(&newest)
	if err != nil {
		return wrap("read certificates", err)
	}
	if newest.Valid {
		now = max(now, newest.Int64+time.Second.Milliseconds())
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO kiosk (id, name, key_hash, enrolled_at) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET name = excluded.name, key_hash = excluded.key_hash, enrolled_at = excluded.enrolled_at,
		revoked_at = NULL, revoked_for = ''`, kiosk, name, e.KeyHash, now)
	return wrap("enrol kiosk", err)
}

// Certify notes a further certificate of a kiosk.
func (s *Store) Certify(ctx context.Context, c hub.Certificate, enrolled time.Time, by string) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		detail := ""
		var newest string
		switch err := tx.QueryRowContext(ctx, `SELECT serial FROM certificate WHERE kiosk = ? ORDER BY issued DESC, serial LIMIT 1`,
			c.Kiosk).Scan(&newest); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return wrap("read certificates", err)
		case newest != by:
			detail = hub.RenewedAgain
		}
		fresh, err := certify(ctx, tx, c, enrolled)
		if err != nil || !fresh {
			return err
		}
		return note(ctx, tx, hub.NoteKioskRenewed, c.Kiosk, detail, c.Issued)
	})
}

// certify notes a certificate, unless it was noted before.
func certify(ctx context.Context, tx *sql.Tx, c hub.Certificate, enrolled time.Time) (fresh bool, err error) {
	r, err := tx.ExecContext(ctx, `UPDATE kiosk SET cert_until = ? WHERE id = ? AND enrolled_at = ?`,
		c.Expires.UnixMilli(), c.Kiosk, enrolled.UnixMilli())
	if err := changedOne(r, err); err != nil {
		return false, wrap("note certificate", err)
	}
	r, err = tx.ExecContext(ctx, `INSERT INTO certificate (serial, kiosk, issued, expires) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		c.Serial, c.Kiosk, c.Issued.UnixMilli(), c.Expires.UnixMilli())
	if err != nil {
		return false, wrap("note certificate", err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		return false, wrap("note certificate", err)
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM certificate WHERE kiosk = ?1 AND serial NOT IN
		(SELECT serial FROM certificate WHERE kiosk = ?1 ORDER BY issued DESC, serial LIMIT ?2)`, c.Kiosk, hub.CertificatesKept)
	return n == 1, wrap("forget certificates", err)
}

// Certificates lists the certificates of a kiosk, newest first.
func (s *Store) Certificates(ctx context.Context, kiosk string) (list []hub.Certificate, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT serial, kiosk, issued, expires FROM certificate
		WHERE kiosk = ? ORDER BY issued DESC, serial`, kiosk)
	if err != nil {
		return nil, wrap("list certificates", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c hub.Certificate
		var issued, expires int64
		if err := rows.Scan(&c.Serial, &c.Kiosk, &issued, &expires); err != nil {
			return nil, wrap("read certificate", err)
		}
		c.Issued, c.Expires = at(issued), at(expires)
		list = append(list, c)
	}
	return list, wrap("list certificates", rows.Err())
}

// EnrolledSince lists the kiosks that were enrolled then or later.
func (s *Store) EnrolledSince(ctx context.Context, t time.Time) (list []hub.Kiosk, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT id, key_hash, enrolled_at FROM kiosk WHERE enrolled_at >= ? ORDER BY id`, t.UnixMilli())
	if err != nil {
		return nil, wrap("list enrolled kiosks", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var k hub.Kiosk
		var enrolled int64
		if err := rows.Scan(&k.ID, &k.KeyHash, &enrolled); err != nil {
			return nil, wrap("read kiosk", err)
		}
		k.EnrolledAt = at(enrolled)
		list = append(list, k)
	}
	return list, wrap("list enrolled kiosks", rows.Err())
}

// Revoke refuses a kiosk from now on.
func (s *Store) Revoke(ctx context.Context, kiosk, reason string, when time.Time) error {
	return s.setRevoked(ctx, kiosk, hub.NoteKioskRevoked, when,
		`UPDATE kiosk SET revoked_for = ?, revoked_at = ? WHERE id = ? AND revoked_at IS NULL`, reason, when.UnixMilli(), kiosk)
}

// Restore lifts a revocation.
func (s *Store) Restore(ctx context.Context, kiosk string, when time.Time) error {
	return s.setRevoked(ctx, kiosk, hub.NoteKioskRestored, when,
		`UPDATE kiosk SET revoked_at = NULL, revoked_for = '' WHERE id = ? AND revoked_at IS NOT NULL`, kiosk)
}

// setRevoked notes what the statement has changed.
func (s *Store) setRevoked(ctx context.Context, kiosk string, event hub.NoteEvent, when time.Time, statement string, args ...any) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		done, err := changed(tx.ExecContext(ctx, statement, args...))
		switch {
		case err != nil:
			return wrap("change kiosk", err)
		case done:
			return note(ctx, tx, event, kiosk, "", when)
		}
		// It was so before, or there is no such kiosk.
		var one int
		return wrap("read kiosk", tx.QueryRowContext(ctx, `SELECT 1 FROM kiosk WHERE id = ?`, kiosk).Scan(&one))
	})
	if err != nil {
		return err
	}
	return s.Tell(ctx, kiosk)
}

// Revoked lists the kiosks that are revoked.
func (s *Store) Revoked(ctx context.Context) (ids []string, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT id FROM kiosk WHERE revoked_at IS NOT NULL ORDER BY id`)
	if err != nil {
		return nil, wrap("list revoked kiosks", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, wrap("read kiosk", err)
		}
		ids = append(ids, id)
	}
	return ids, wrap("list revoked kiosks", rows.Err())
}

// changedOne makes a missing row of an update that changed none.
func changedOne(r sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err == nil && n == 0 {
		err = sql.ErrNoRows
	}
	return err
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
