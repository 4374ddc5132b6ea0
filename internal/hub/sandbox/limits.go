package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
)

// Limits over all sessions. Within one session a shopper meets the narrower ones
// of a session; these keep somebody at a touch screen from flooding a stranger's
// phone, and from guessing codes in ever new sessions.
const (
	tallyWindow = time.Hour
	hourly      = 10 // messages an hour to a phone or for a card
	quick       = 3  // of them in quick succession, as for a mistake in the name
	quickWindow = quick * resendAfter
	hourlyWrong = 12 // wrong codes an hour of one phone
)

// What is tallied.
const (
	tallyMessage = "message"
	tallyWrong   = "wrong"
)

// limit says how many of one kind a tag may have within a window.
type limit struct {
	what, tag string
	most      int
	window    time.Duration
}

// wait is how long until one more is allowed; 0 = now.
func (l limit) wait(ctx context.Context, tx *sql.Tx, now time.Time) (time.Duration, error) {
	var at int64 // of the one that must leave the window first
	err := tx.QueryRowContext(ctx, `SELECT at FROM tally WHERE what = ? AND tag = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?`,
		l.what, l.tag, now.Add(-l.window).UnixMilli(), l.most-1).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return time.UnixMilli(at).Add(l.window).Sub(now), err
}

// mayMessage refuses a message that the phone or the card must wait for.
func (s *Sandbox) mayMessage(ctx context.Context, tx *sql.Tx, se session, now time.Time) error {
	phone := s.tag("phone", se.phone)
	var longest time.Duration
	for _, l := range []limit{
		{tallyMessage, phone, quick, quickWindow},
		{tallyMessage, phone, hourly, tallyWindow},
		{tallyMessage, se.cardTag, quick, quickWindow},
		{tallyMessage, se.cardTag, hourly, tallyWindow},
		{tallyWrong, phone, hourlyWrong, tallyWindow}, // a code that cannot be entered helps nobody
	} {
		wait, err := l.wait(ctx, tx, now)
		if err != nil {
			return err
		}
		longest = max(longest, wait)
	}
	if longest > 0 {
		return &hub.Refusal{Code: fault.OTPNoResend, RetryAfter: longest, Detail: "too many messages over all sessions"}
	}
	return nil
}

// mayGuess reports whether the phone has wrong codes left in this hour.
func (s *Sandbox) mayGuess(ctx context.Context, tx *sql.Tx, se session, now time.Time) (bool, error) {
	wait, err := limit{tallyWrong, s.tag("phone", se.phone), hourlyWrong, tallyWindow}.wait(ctx, tx, now)
	return wait == 0, err
}

// tally counts one, and forgets what no window reaches.
func tally(ctx context.Context, tx *sql.Tx, what string, now time.Time, tags ...string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM tally WHERE at <= ?`, now.Add(-tallyWindow).UnixMilli()); err != nil {
		return err
	}
	for _, tag := range tags {
		if _, err := tx.ExecContext(ctx, `INSERT INTO tally (what, tag, at) VALUES (?, ?, ?)`, what, tag, now.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}
