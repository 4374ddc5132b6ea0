package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"kioskd/internal/hub"
)

// Invite stores an invitation, and forgets those that ended long ago.
func (s *Store) Invite(ctx context.Context, i hub.Invitation) error {
	return s.write(ctx, "store invitation", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM invitation WHERE expires < $1`, ms(i.Made.Add(-hub.InvitationsKept))); err != nil {
			return err
		}
		done, err := tx.Exec(ctx, `INSERT INTO invitation (token_hash, name, made, expires) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			i.TokenHash, clean(i.Name), ms(i.Made), ms(i.Expires))
		if err != nil || done.RowsAffected() == 0 { // the answer was lost, and it is there
			return err
		}
		return note(ctx, tx, hub.NoteKioskInvited, "", "", i.Made)
	})
}

// Enrol uses an invitation. Of two hubs with one invitation the second waits for
// the lock of its row, and then sees what the first has done.
func (s *Store) Enrol(ctx context.Context, e hub.Enrolment) (k hub.Kiosk, err error) {
	err = s.write(ctx, "enrol kiosk", func(tx pgx.Tx) error {
		if err := enrol(ctx, tx, e); err != nil {
			return err
		}
		row := func() (hub.Kiosk, error) {
			return scanKiosk(tx.QueryRow(ctx, kioskColumns+` WHERE id = $1`, clean(e.Certificate.Kiosk)))
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
		if err := tell(ctx, tx, k.ID); err != nil {
			return err
		}
		return note(ctx, tx, hub.NoteKioskEnrolled, k.ID, "", e.Certificate.Issued)
	})
	if err != nil {
		return hub.Kiosk{}, err
	}
	return k, nil
}

func enrol(ctx context.Context, tx pgx.Tx, e hub.Enrolment) error {
	now, kiosk := ms(e.Certificate.Issued), clean(e.Certificate.Kiosk)
	var name string
	var expires time.Time
	var used *string
	err := tx.QueryRow(ctx, `SELECT name, expires, used_by FROM invitation WHERE token_hash = $1 FOR UPDATE`, e.TokenHash).Scan(&name, &expires, &used)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return hub.ErrInviteUnknown
	case err != nil:
		return err
	case used != nil && (*used != kiosk || !now.Before(expires)):
		return hub.ErrInviteUsed
	case used != nil:
		var revoked bool
		if err := tx.QueryRow(ctx, `SELECT revoked_at IS NOT NULL FROM kiosk WHERE id = $1 FOR UPDATE`, kiosk).Scan(&revoked); err != nil {
			return err
		}
		if revoked {
			return hub.ErrInviteUsed
		}
		return nil
	case !now.Before(expires):
		return hub.ErrInviteExpired
	}
	if _, err := tx.Exec(ctx, `UPDATE invitation SET used_at = $2, used_by = $3 WHERE token_hash = $1`, e.TokenHash, now, kiosk); err != nil {
		return err
	}
	// Whoever is just noting a certificate is waited for, and others find the row changed.
	if _, err := tx.Exec(ctx, `SELECT 1 FROM kiosk WHERE id = $1 FOR UPDATE`, kiosk); err != nil {
		return err
	}
	// A certificate from further ahead is of a clock that was wrong, and cannot be used.
	var newest *time.Time
	err = tx.QueryRow(ctx, `SELECT max(issued) FROM certificate WHERE kiosk = $1 AND issued <= $2`,
		kiosk, now.Add(hub.CertificateEarly)).Scan(&newest)
	if err != nil {
		return err
	}
	if newest != nil && now.Before(newest.Add(time.Second)) {
		now = newest.Add(time.Second)
	}
	_, err = tx.Exec(ctx, `INSERT INTO kiosk (id, name, key_hash, enrolled_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, key_hash = excluded.key_hash, enrolled_at = excluded.enrolled_at,
		revoked_at = NULL, revoked_for = ''`, kiosk, name, e.KeyHash, now)
	return err
}

// Certify notes a further certificate of a kiosk. Of two at the same time the second waits
// for the lock of the kiosk's row, and then sees the certificate of the first.
func (s *Store) Certify(ctx context.Context, c hub.Certificate, enrolled time.Time, by string) error {
	return s.write(ctx, "note certificate", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT 1 FROM kiosk WHERE id = $1 FOR UPDATE`, clean(c.Kiosk)); err != nil {
			return err
		}
		detail := ""
		var newest string
		switch err := tx.QueryRow(ctx, `SELECT serial FROM certificate WHERE kiosk = $1 ORDER BY issued DESC, serial LIMIT 1`,
			clean(c.Kiosk)).Scan(&newest); {
		case errors.Is(err, pgx.ErrNoRows):
		case err != nil:
			return err
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
func certify(ctx context.Context, tx pgx.Tx, c hub.Certificate, enrolled time.Time) (fresh bool, err error) {
	kiosk := clean(c.Kiosk)
	err = changed(tx.Exec(ctx, `UPDATE kiosk SET cert_until = $2 WHERE id = $1 AND enrolled_at = $3`, kiosk, ms(c.Expires), ms(enrolled)))
	if err != nil {
		return false, err
	}
	done, err := tx.Exec(ctx, `INSERT INTO certificate (serial, kiosk, issued, expires) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		clean(c.Serial), kiosk, ms(c.Issued), ms(c.Expires))
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM certificate WHERE kiosk = $1 AND serial NOT IN
		(SELECT serial FROM certificate WHERE kiosk = $1 ORDER BY issued DESC, serial LIMIT $2)`, kiosk, hub.CertificatesKept)
	return done.RowsAffected() == 1, err
}

// Certificates lists the certificates of a kiosk, newest first.
func (s *Store) Certificates(ctx context.Context, kiosk string) ([]hub.Certificate, error) {
	return list(ctx, s, "list certificates", func(r pgx.CollectableRow) (c hub.Certificate, err error) {
		err = r.Scan(&c.Serial, &c.Kiosk, &c.Issued, &c.Expires)
		c.Issued, c.Expires = c.Issued.UTC(), c.Expires.UTC()
		return c, err
	}, `SELECT serial, kiosk, issued, expires FROM certificate WHERE kiosk = $1 ORDER BY issued DESC, serial`, clean(kiosk))
}

// EnrolledSince lists the kiosks that were enrolled then or later.
func (s *Store) EnrolledSince(ctx context.Context, t time.Time) ([]hub.Kiosk, error) {
	return list(ctx, s, "list enrolled kiosks", func(r pgx.CollectableRow) (k hub.Kiosk, err error) {
		err = r.Scan(&k.ID, &k.KeyHash, &k.EnrolledAt)
		k.EnrolledAt = k.EnrolledAt.UTC()
		return k, err
	}, `SELECT id, key_hash, enrolled_at FROM kiosk WHERE enrolled_at >= $1 ORDER BY id`, ms(t))
}

// Revoke refuses a kiosk from now on. The hint goes out with the commit.
func (s *Store) Revoke(ctx context.Context, kiosk, reason string, at time.Time) error {
	return s.setRevoked(ctx, kiosk, hub.NoteKioskRevoked, at,
		`UPDATE kiosk SET revoked_for = $2, revoked_at = $3 WHERE id = $1 AND revoked_at IS NULL`, clean(kiosk), clean(reason), ms(at))
}

// Restore lifts a revocation.
func (s *Store) Restore(ctx context.Context, kiosk string, at time.Time) error {
	return s.setRevoked(ctx, kiosk, hub.NoteKioskRestored, at,
		`UPDATE kiosk SET revoked_at = NULL, revoked_for = '' WHERE id = $1 AND revoked_at IS NOT NULL`, clean(kiosk))
}

// setRevoked notes what the statement has changed: so it is noted once, also where the
// answer was lost and it runs again.
func (s *Store) setRevoked(ctx context.Context, kiosk string, event hub.NoteEvent, at time.Time, statement string, args ...any) error {
	return s.write(ctx, "change kiosk", func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, statement, args...)
		if err != nil {
			return err
		}
		if err := tell(ctx, tx, kiosk); err != nil {
			return err
		}
		if done.RowsAffected() > 0 {
			return note(ctx, tx, event, kiosk, "", at)
		}
		// It was so before, or there is no such kiosk.
		var one int
		return tx.QueryRow(ctx, `SELECT 1 FROM kiosk WHERE id = $1`, clean(kiosk)).Scan(&one)
	})
}

// Revoked lists the kiosks that are revoked.
func (s *Store) Revoked(ctx context.Context) ([]string, error) {
	return list(ctx, s, "list revoked kiosks", pgx.RowTo[string], `SELECT id FROM kiosk WHERE revoked_at IS NOT NULL ORDER BY id`)
}

// changed makes a missing row of an update that changed none.
func changed(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.RowsAffected() == 0 {
		err = pgx.ErrNoRows
	}
	return err
}
