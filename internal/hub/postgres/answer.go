package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kioskd/internal/hub"
)

// forget is how many expired answers one call clears away. More come with the
// next call; no call pays for a long night.
const forget = 100

// Answer gives a stored answer that has not expired.
func (s *Store) Answer(ctx context.Context, k hub.AnswerKey, now time.Time) (a hub.Answer, err error) {
	err = s.do(ctx, "read answer", func() error {
		return s.pool.QueryRow(ctx, `SELECT request_tag, status, sealed, expires FROM answer
			WHERE kiosk = $1 AND scope = $2 AND request_id = $3 AND expires > $4`,
			clean(k.Kiosk), clean(k.Scope), clean(k.RequestID), ms(now)).Scan(&a.RequestTag, &a.Status, &a.Sealed, &a.Expires)
	})
	if err != nil {
		return hub.Answer{}, err
	}
	a.Expires = a.Expires.UTC()
	return a, nil
}

// PutAnswer stores an answer, with what it hands out, and forgets those that have
// expired. The first answer to a call stays until it expires.
func (s *Store) PutAnswer(ctx context.Context, k hub.AnswerKey, a hub.Answer, now time.Time) error {
	key, err := hub.KeyOf(a.Sealed)
	if err != nil {
		return err
	}
	return s.write(ctx, "store answer", func(tx pgx.Tx) error {
		// Rows that another hub is clearing away are skipped: nobody waits, and nobody
		// can wait for the other.
		_, err := tx.Exec(ctx, `DELETE FROM answer WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM answer WHERE expires <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`, ms(now), forget)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO answer (kiosk, scope, request_id, request_tag, status, sealed, expires, vault_key)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $9)
			ON CONFLICT (kiosk, scope, request_id) DO UPDATE
			SET request_tag = excluded.request_tag, status = excluded.status, sealed = excluded.sealed, expires = excluded.expires,
				vault_key = excluded.vault_key
			WHERE answer.expires <= $8`,
			clean(k.Kiosk), clean(k.Scope), clean(k.RequestID), a.RequestTag, a.Status, a.Sealed, ms(a.Expires), ms(now), key)
		if err != nil || a.Issued == nil {
			return err
		}
		return issue(ctx, tx, *a.Issued)
	})
}

const (
	// callLife ends what a dead hub has begun. It is longer than a hub takes for a
	// call and for keeping its answer.
	callLife = time.Minute
	// callPoll is how soon whoever waits for a call of another hub looks again.
	callPoll = 200 * time.Millisecond
	// unlockLimit is how long a hub tries to say that it is done.
	unlockLimit = 5 * time.Second
)

// LockCall waits until no hub is making this call. A row says who is, not a lock
// of the server: that would hold a connection for as long as an issuer thinks.
func (s *Store) LockCall(ctx context.Context, k hub.AnswerKey) (unlock func(), err error) {
	token := rand.Text()
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("cannot wait for another hub: %w", context.Cause(ctx))
		}
		mine, err := s.claim(ctx, k, token)
		if err != nil { // it may be ours all the same
			s.release(context.WithoutCancel(ctx), k, token)
			return nil, err
		}
		if mine {
			return func() { s.release(context.WithoutCancel(ctx), k, token) }, nil
		}
		t.Reset(callPoll)
	}
}

func (s *Store) claim(ctx context.Context, k hub.AnswerKey, token string) (mine bool, err error) {
	err = s.do(ctx, "begin call", func() error {
		// The token is let through as well: the first try's answer may have been lost.
		err := s.pool.QueryRow(ctx, `INSERT INTO call (kiosk, scope, request_id, token, until)
			VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))
			ON CONFLICT (kiosk, scope, request_id) DO UPDATE SET token = excluded.token, until = excluded.until
			WHERE call.until <= clock_timestamp() OR call.token = excluded.token
			RETURNING true`, clean(k.Kiosk), clean(k.Scope), clean(k.RequestID), token, callLife.Seconds()).Scan(&mine)
		if errors.Is(err, pgx.ErrNoRows) {
			mine = false
			return nil
		}
		return err
	})
	return mine, err
}

// release lets the next one in. When that cannot be said, callLife says it.
func (s *Store) release(ctx context.Context, k hub.AnswerKey, token string) {
	ctx, cancel := context.WithTimeout(ctx, unlockLimit)
	defer cancel()
	_ = s.exec(ctx, "end call", `DELETE FROM call WHERE kiosk = $1 AND scope = $2 AND request_id = $3 AND token = $4`,
		clean(k.Kiosk), clean(k.Scope), clean(k.RequestID), token)
}
