package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kioskd/internal/hub"
)

// Lease takes or renews a lease.
func (s *Store) Lease(ctx context.Context, name, holder string, now time.Time, life time.Duration) (mine bool, err error) {
	err = s.do(ctx, "take lease", func() error {
		tag, err := s.pool.Exec(ctx, `INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
			WHERE lease.until <= $4 OR lease.holder = excluded.holder`, name, holder, now.Add(life), now)
		mine = err == nil && tag.RowsAffected() == 1
		return err
	})
	return mine, err
}

// LeaseEnd is when a lease ends or has ended.
func (s *Store) LeaseEnd(ctx context.Context, name string) (until time.Time, err error) {
	err = s.do(ctx, "read lease", func() error {
		err := s.pool.QueryRow(ctx, `SELECT until FROM lease WHERE name = $1`, name).Scan(&until)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return until.UTC(), err
}

// Forget clears away what is older than before. Rows that another hub is at are
// skipped: nobody waits.
func (s *Store) Forget(ctx context.Context, what hub.Kept, before time.Time, limit int) (n int, err error) {
	statements, ok := map[hub.Kept][]string{
		hub.KeptSealed: {`UPDATE submission SET sealed = '' WHERE n = ANY (ARRAY(SELECT n FROM submission
			WHERE stored_at < $1 AND octet_length(sealed) > 0 ORDER BY stored_at LIMIT $2 FOR UPDATE SKIP LOCKED))`},
		hub.KeptQuarantine: {`DELETE FROM quarantine WHERE n = ANY (ARRAY(SELECT n FROM quarantine
			WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))`},
		hub.KeptAlarms: {`DELETE FROM alarm WHERE ctid = ANY (ARRAY(SELECT ctid FROM alarm
			WHERE last < $1 ORDER BY last LIMIT $2 FOR UPDATE SKIP LOCKED))`},
		hub.KeptAnswers: {`DELETE FROM answer WHERE ctid = ANY (ARRAY(SELECT ctid FROM answer
			WHERE expires < $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED))`},
		// Both were written by the server's clock, so they end by it.
		hub.KeptTraces: {`DELETE FROM budget WHERE ctid = ANY (ARRAY(SELECT ctid FROM budget
			WHERE full_at < clock_timestamp() ORDER BY full_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
			`DELETE FROM call WHERE ctid = ANY (ARRAY(SELECT ctid FROM call
			WHERE until < clock_timestamp() ORDER BY until LIMIT $1 FOR UPDATE SKIP LOCKED))`},
	}[what]
	if !ok {
		return 0, fmt.Errorf("cannot forget %q: no such class", what)
	}
	args := []any{ms(before), limit}
	if what == hub.KeptTraces {
		args = args[1:]
	}
	for _, statement := range statements {
		err := s.do(ctx, "forget "+string(what), func() error {
			tag, err := s.pool.Exec(ctx, statement, args...)
			n += int(tag.RowsAffected())
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Parts lists rows whose private part is sealed with this key.
func (s *Store) Parts(ctx context.Context, t hub.Table, key string, limit int) ([]hub.Part, error) {
	query, ok := map[hub.Table]string{
		hub.TableSubmission: `SELECT n, id, '', '', hash, private, '' FROM submission`,
		hub.TableQuarantine: `SELECT n, '', '', '', hash, private, coalesce(reason, '') FROM quarantine`,
		hub.TableAlarm:      `SELECT 0, kind, kiosk, subject, NULL::bytea, private, coalesce(text, '') FROM alarm`,
		hub.TableAnswer:     `SELECT 0, kiosk, scope, request_id, NULL::bytea, sealed, '' FROM answer`,
		hub.TableIssuance:   `SELECT n, tag, '', '', NULL::bytea, private, '' FROM issuance`,
	}[t]
	if !ok {
		return nil, fmt.Errorf("cannot list table %q", t)
	}
	args := []any{limit}
	if key == "" {
		query += ` WHERE vault_key IS NULL LIMIT $1`
	} else {
		query, args = query+` WHERE vault_key = $2 LIMIT $1`, append(args, key)
	}
	return list(ctx, s, "list private parts", func(r pgx.CollectableRow) (p hub.Part, err error) {
		err = r.Scan(&p.N, &p.Key[0], &p.Key[1], &p.Key[2], &p.Hash, &p.Old, &p.Clear)
		return p, err
	}, query, args...)
}

// Reseal puts New in the place of Old.
func (s *Store) Reseal(ctx context.Context, t hub.Table, parts []hub.Part) (n int, err error) {
	// What was in clear must be as it was read: an alarm may have another text by now.
	statement, ok := map[hub.Table]string{
		hub.TableSubmission: `UPDATE submission SET private = $1, vault_key = $2, verdict = NULL, checks = NULL, summary = NULL, ack = NULL
			WHERE n = $3 AND private IS NOT DISTINCT FROM $4`,
		hub.TableQuarantine: `UPDATE quarantine SET private = $1, vault_key = $2, reason = NULL WHERE n = $3 AND private IS NOT DISTINCT FROM $4`,
		hub.TableAlarm: `UPDATE alarm SET private = $1, vault_key = $2, text = NULL
			WHERE kind = $3 AND kiosk = $4 AND subject = $5 AND private IS NOT DISTINCT FROM $6 AND coalesce(text, '') = $7`,
		hub.TableAnswer: `UPDATE answer SET sealed = $1, vault_key = $2
			WHERE kiosk = $3 AND scope = $4 AND request_id = $5 AND sealed = $6`,
		hub.TableIssuance: `UPDATE issuance SET private = $1, vault_key = $2 WHERE n = $3 AND private = $4`,
	}[t]
	if !ok {
		return 0, fmt.Errorf("cannot seal anew table %q", t)
	}
	err = s.write(ctx, "seal anew", func(tx pgx.Tx) error {
		n = 0
		batch := &pgx.Batch{}
		for _, p := range parts {
			key, err := hub.KeyOf(p.New)
			if err != nil {
				return err
			}
			args := []any{p.New, key}
			switch t {
			case hub.TableSubmission, hub.TableQuarantine, hub.TableIssuance:
				args = append(args, p.N, p.Old)
			case hub.TableAlarm:
				args = append(args, p.Key[0], p.Key[1], p.Key[2], p.Old, p.Clear)
			case hub.TableAnswer:
				args = append(args, p.Key[0], p.Key[1], p.Key[2], p.Old)
			}
			batch.Queue(statement, args...)
		}
		all := tx.SendBatch(ctx, batch)
		for range parts {
			tag, err := all.Exec()
			if err != nil {
				return errors.Join(err, all.Close())
			}
			n += int(tag.RowsAffected())
		}
		return all.Close()
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Proofs are by what the keys of the vault are known again.
func (s *Store) Proofs(ctx context.Context) (map[string][]byte, error) {
	type proof struct {
		id    string
		bytes []byte
	}
	all, err := list(ctx, s, "read proofs", func(r pgx.CollectableRow) (p proof, err error) {
		err = r.Scan(&p.id, &p.bytes)
		return p, err
	}, `SELECT id, proof FROM vault_key`)
	proofs := map[string][]byte{}
	for _, p := range all {
		proofs[p.id] = p.bytes
	}
	return proofs, err
}

// Prove keeps the proof of a key, unless there is one.
func (s *Store) Prove(ctx context.Context, key string, proof []byte) error {
	return s.exec(ctx, "store proof", `INSERT INTO vault_key (id, proof) VALUES ($1, $2) ON CONFLICT DO NOTHING`, key, proof)
}

// Disprove forgets the proof of a key.
func (s *Store) Disprove(ctx context.Context, key string) error {
	return s.exec(ctx, "forget proof", `DELETE FROM vault_key WHERE id = $1`, key)
}

// Spend takes from a kiosk's budget, by the server's clock: those of the hubs may
// differ. When the answer of the server was lost it may take twice.
func (s *Store) Spend(ctx context.Context, kiosk, what string, cost, most time.Duration, _ time.Time) (wait time.Duration, err error) {
	most = max(most, cost)
	// However late full_at says: a clock that was ahead must not lock a kiosk out.
	const have = `least(greatest(budget.full_at, clock_timestamp()), clock_timestamp() + $3::interval)`
	err = s.do(ctx, "spend from budget", func() error {
		wait = 0
		tag, err := s.pool.Exec(ctx, `INSERT INTO budget (kiosk, what, full_at) VALUES ($1, $2, clock_timestamp() + $4::interval)
			ON CONFLICT (kiosk, what) DO UPDATE SET full_at = `+have+` + $4::interval
			WHERE `+have+` + $4::interval <= clock_timestamp() + $3::interval`, clean(kiosk), what, most, cost)
		if err != nil || tag.RowsAffected() == 1 {
			return err
		}
		var left time.Duration
		err = s.pool.QueryRow(ctx, `SELECT `+have+` - clock_timestamp() FROM budget WHERE kiosk = $1 AND what = $2`,
			clean(kiosk), what, most).Scan(&left)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		// At least a moment, also when there is room again by now.
		wait = max(left+cost-most, time.Millisecond).Round(time.Microsecond)
		return nil
	})
	return wait, err
}
