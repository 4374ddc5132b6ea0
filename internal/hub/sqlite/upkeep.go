package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kioskd/internal/hub"
)

// Lease takes or renews a lease.
func (s *Store) Lease(ctx context.Context, name, holder string, now time.Time, life time.Duration) (mine bool, err error) {
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		mine, err = changed(tx.ExecContext(ctx, `INSERT INTO lease (name, holder, until) VALUES (?1, ?2, ?3)
			ON CONFLICT DO UPDATE SET holder = excluded.holder, until = excluded.until
			WHERE lease.until <= ?4 OR lease.holder = excluded.holder`,
			name, holder, now.Add(life).UnixMilli(), now.UnixMilli()))
		return wrap("take lease", err)
	})
	return mine, err
}

// LeaseEnd is when a lease ends or has ended.
func (s *Store) LeaseEnd(ctx context.Context, name string) (time.Time, error) {
	var until int64
	err := s.db.Read().QueryRowContext(ctx, `SELECT until FROM lease WHERE name = ?`, name).Scan(&until)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, wrap("read lease", err)
	}
	return time.UnixMilli(until).UTC(), nil
}

// Forget clears away what is older than before.
func (s *Store) Forget(ctx context.Context, what hub.Kept, before time.Time, limit int) (n int, err error) {
	statement, ok := map[hub.Kept]string{
		hub.KeptSealed: `UPDATE submission SET sealed = x'' WHERE n IN (SELECT n FROM submission
			WHERE stored_at < ? AND sealed <> x'' ORDER BY stored_at LIMIT ?)`,
		hub.KeptQuarantine: `DELETE FROM quarantine WHERE n IN (SELECT n FROM quarantine WHERE at < ? ORDER BY at LIMIT ?)`,
		hub.KeptAlarms: `DELETE FROM alarm WHERE (kind, kiosk, subject) IN (SELECT kind, kiosk, subject FROM alarm
			WHERE last < ? ORDER BY last LIMIT ?)`,
		hub.KeptAnswers: `DELETE FROM answer WHERE (kiosk, scope, request_id) IN (SELECT kiosk, scope, request_id FROM answer
			WHERE expires < ? ORDER BY expires LIMIT ?)`,
		hub.KeptTraces: `DELETE FROM budget WHERE (kiosk, what) IN (SELECT kiosk, what FROM budget
			WHERE full_at < ? * 1000 ORDER BY full_at LIMIT ?)`,
	}[what]
	if !ok {
		return 0, fmt.Errorf("cannot forget %q: no such class", what)
	}
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		n, err = rows(tx.ExecContext(ctx, statement, before.UnixMilli(), limit))
		return wrap("forget "+string(what), err)
	})
	return n, err
}

// Parts lists rows whose private part is sealed with this key.
func (s *Store) Parts(ctx context.Context, t hub.Table, key string, limit int) (list []hub.Part, err error) {
	query, ok := map[hub.Table]string{
		hub.TableSubmission: `SELECT n, id, '', '', hash, private, '' FROM submission`,
		hub.TableQuarantine: `SELECT n, '', '', '', hash, private, reason FROM quarantine`,
		hub.TableAlarm:      `SELECT 0, kind, kiosk, subject, NULL, private, text FROM alarm`,
		hub.TableAnswer:     `SELECT 0, kiosk, scope, request_id, NULL, sealed, '' FROM answer`,
		hub.TableIssuance:   `SELECT n, tag, '', '', NULL, private, '' FROM issuance`,
	}[t]
	if !ok {
		return nil, fmt.Errorf("cannot list table %q", t)
	}
	// An empty key stands for no key, so that the index serves both.
	all, err := s.db.Read().QueryContext(ctx, query+` WHERE vault_key IS ? LIMIT ?`,
		sql.NullString{String: key, Valid: key != ""}, limit)
	if err != nil {
		return nil, wrap("list private parts", err)
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	for all.Next() {
		var p hub.Part
		if err := all.Scan(&p.N, &p.Key[0], &p.Key[1], &p.Key[2], &p.Hash, &p.Old, &p.Clear); err != nil {
			return nil, wrap("read private part", err)
		}
		list = append(list, p)
	}
	return list, wrap("list private parts", all.Err())
}

// Reseal puts New in the place of Old.
func (s *Store) Reseal(ctx context.Context, t hub.Table, parts []hub.Part) (n int, err error) {
	// What was in clear must be as it was read: an alarm may have another text by now.
	statement, ok := map[hub.Table]string{
		hub.TableSubmission: `UPDATE submission SET private = ?1, vault_key = ?2, verdict = '', checks = '', summary = '', ack = x''
			WHERE n = ?3 AND private IS ?7`,
		hub.TableQuarantine: `UPDATE quarantine SET private = ?1, vault_key = ?2, reason = '' WHERE n = ?3 AND private IS ?7`,
		hub.TableAlarm: `UPDATE alarm SET private = ?1, vault_key = ?2, text = ''
			WHERE kind = ?4 AND kiosk = ?5 AND subject = ?6 AND private IS ?7 AND text = ?8`,
		hub.TableAnswer: `UPDATE answer SET sealed = ?1, vault_key = ?2
			WHERE kiosk = ?4 AND scope = ?5 AND request_id = ?6 AND sealed = ?7`,
		hub.TableIssuance: `UPDATE issuance SET private = ?1, vault_key = ?2 WHERE n = ?3 AND private = ?7`,
	}[t]
	if !ok {
		return 0, fmt.Errorf("cannot seal anew table %q", t)
	}
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		n = 0
		for _, p := range parts {
			key, err := hub.KeyOf(p.New)
			if err != nil {
				return err
			}
			one, err := rows(tx.ExecContext(ctx, statement, p.New, key, p.N, p.Key[0], p.Key[1], p.Key[2], p.Old, p.Clear))
			if err != nil {
				return wrap("seal anew", err)
			}
			n += one
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Proofs are by what the keys of the vault are known again.
func (s *Store) Proofs(ctx context.Context) (proofs map[string][]byte, err error) {
	all, err := s.db.Read().QueryContext(ctx, `SELECT id, proof FROM vault_key`)
	if err != nil {
		return nil, wrap("read proofs", err)
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	proofs = map[string][]byte{}
	for all.Next() {
		var id string
		var proof []byte
		if err := all.Scan(&id, &proof); err != nil {
			return nil, wrap("read proof", err)
		}
		proofs[id] = proof
	}
	return proofs, wrap("read proofs", all.Err())
}

// Prove keeps the proof of a key, unless there is one.
func (s *Store) Prove(ctx context.Context, key string, proof []byte) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO vault_key (id, proof) VALUES (?, ?) ON CONFLICT DO NOTHING`, key, proof)
		return wrap("store proof", err)
	})
}

// Disprove forgets the proof of a key.
func (s *Store) Disprove(ctx context.Context, key string) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM vault_key WHERE id = ?`, key)
		return wrap("forget proof", err)
	})
}

// Spend takes from a kiosk's budget.
func (s *Store) Spend(ctx context.Context, kiosk, what string, cost, most time.Duration, now time.Time) (wait time.Duration, err error) {
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		full := now.UnixMicro()
		var have int64
		err := tx.QueryRowContext(ctx, `SELECT full_at FROM budget WHERE kiosk = ? AND what = ?`, kiosk, what).Scan(&have)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return wrap("read budget", err)
		}
		// However late it says: a clock that was ahead must not lock a kiosk out.
		have = min(have, now.Add(max(most, cost)).UnixMicro())
		full = max(full, have) + cost.Microseconds()
		wait = max(time.UnixMicro(full).Sub(now)-max(most, cost), 0).Round(time.Microsecond)
		if wait > 0 {
			return nil
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO budget (kiosk, what, full_at) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET full_at = excluded.full_at`, kiosk, what, full)
		return wrap("store budget", err)
	})
	return wait, err
}

// rows counts what a statement changed.
func rows(r sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}

func changed(r sql.Result, err error) (bool, error) {
	n, err := rows(r, err)
	return n > 0, err
}
