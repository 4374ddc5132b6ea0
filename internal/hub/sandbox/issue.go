package sandbox

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/secret"
	"kioskd/internal/wire"
)

// The rules of one-time passwords.
const (
	codeLife    = 5 * time.Minute
	codeTries   = 3
	resendAfter = 30 * time.Second
	maxResends  = 3
	sessionLife = 30 * time.Minute
)

// errAway plays an issuer that does not answer.
var errAway = errors.New("cannot reach issuer: the sandbox plays it away")

var errSession = &hub.Refusal{Code: fault.SessionLost, Field: "session", Detail: "no such session, or it is over"}

type session struct {
	id, kiosk, lastRequest, service, cardTag string
	phone, code                              string
	expires, resendAt                        time.Time
	tries, resends                           int
	verified                                 bool
}

// Start opens an issuance and sends the first code.
func (s *Sandbox) Start(ctx context.Context, kiosk string, r wire.IssueStart) (wire.IssueStarted, error) {
	now := s.Now()
	if err := s.checkStart(r, now); err != nil {
		return wire.IssueStarted{}, err
	}
	if err := s.playPhone(ctx, string(r.Phone)); err != nil {
		return wire.IssueStarted{}, err
	}
	switch actOf(TestCards(), r.CardNumber) {
	case actDecline:
		return wire.IssueStarted{}, &hub.Refusal{Code: fault.CardDeclined, Field: "card_number"}
	case actRegistered:
		return wire.IssueStarted{}, &hub.Refusal{Code: fault.AlreadyRegistered, Field: "card_number"}
	case actDown:
		return wire.IssueStarted{}, errAway
	case actSucceed, actNeverArrives, actCannotSend, actSlow, actVerySlow, actWrongCode:
	}
	se := session{
		id: newToken(), kiosk: kiosk, lastRequest: r.RequestID, service: r.Service,
		cardTag: s.tag("card", r.CardNumber), phone: string(r.Phone),
		resends: maxResends, resendAt: now.Add(resendAfter),
	}
	se.renew(now)
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM session WHERE ends <= ?`, now.UnixMilli()); err != nil {
			return err
		}
		var id string
		err := tx.QueryRowContext(ctx, `SELECT id FROM session WHERE kiosk = ? AND request_id = ?`, kiosk, r.RequestID).Scan(&id)
		if err == nil { // the same request again: the code is on its way already
			se, err = s.load(ctx, tx, kiosk, id, now)
			return err
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var taken bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM account WHERE card_tag = ?)`, se.cardTag).Scan(&taken); err != nil {
			return err
		}
		if taken {
			return &hub.Refusal{Code: fault.AlreadyRegistered, Field: "card_number"}
		}
		if err := s.mayMessage(ctx, tx, se, now); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO session (id, kiosk, request_id, last_request, service, card_tag, phone, code,
			code_expires, tries_left, resends_left, resend_at, ends) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			se.id, kiosk, r.RequestID, se.lastRequest, se.service, se.cardTag, s.seal("phone", se.phone),
			s.seal("otp", se.code), se.expires.UnixMilli(), se.tries, se.resends, se.resendAt.UnixMilli(),
			now.Add(sessionLife).UnixMilli())
		if err != nil {
			return err
		}
		return s.send(ctx, tx, se, now)
	})
	if err != nil {
		return wire.IssueStarted{}, wrap("start issuance", err)
	}
	return se.started(now), nil
}

// Resend sends another code; the earlier one is void.
func (s *Sandbox) Resend(ctx context.Context, kiosk string, r wire.IssueResend) (wire.IssueStarted, error) {
	now := s.Now()
	var se session
	err := s.db.Write(ctx, func(tx *sql.Tx) (err error) {
		if se, err = s.load(ctx, tx, kiosk, r.Session, now); err != nil {
			return err
		}
		switch {
		case se.lastRequest == r.RequestID:
			return nil // the same request again
		case se.verified:
			return errSession
		case se.resends == 0:
			return &hub.Refusal{Code: fault.OTPNoResend, Detail: "no message left"}
		case now.Before(se.resendAt):
			return &hub.Refusal{Code: fault.OTPNoResend, RetryAfter: se.resendAt.Sub(now), Detail: "too early"}
		}
		if err := s.mayMessage(ctx, tx, se, now); err != nil {
			return err
		}
		se.lastRequest, se.resendAt = r.RequestID, now.Add(resendAfter)
		se.resends--
		se.renew(now)
		_, err = tx.ExecContext(ctx, `UPDATE session SET last_request = ?, code = ?, code_expires = ?, tries_left = ?,
			resends_left = ?, resend_at = ? WHERE id = ?`, se.lastRequest, s.seal("otp", se.code),
			se.expires.UnixMilli(), se.tries, se.resends, se.resendAt.UnixMilli(), se.id)
		if err != nil {
			return err
		}
		return s.send(ctx, tx, se, now)
	})
	if err != nil {
		return wire.IssueStarted{}, wrap("resend code", err)
	}
	return se.started(now), nil
}

// Verify compares the code. A wrong one costs a try, also when it is refused.
func (s *Sandbox) Verify(ctx context.Context, kiosk string, r wire.IssueVerify) (wire.IssueVerified, error) {
	now := s.Now()
	var verdict error
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		se, err := s.load(ctx, tx, kiosk, r.Session, now)
		if err != nil {
			return err
		}
		mayGuess, err := s.mayGuess(ctx, tx, se, now)
		if err != nil {
			return err
		}
		right := subtle.ConstantTimeCompare([]byte(se.code), []byte(r.Code)) == 1
		switch {
		case se.verified && right:
			return nil
		case se.tries == 0 || !mayGuess:
			return &hub.Refusal{Code: fault.OTPExhausted, Field: "code"}
		case !now.Before(se.expires):
			return &hub.Refusal{Code: fault.OTPExpired, Field: "code"}
		case right:
			_, err = tx.ExecContext(ctx, `UPDATE session SET verified = 1 WHERE id = ?`, se.id)
			return err
		}
		se.tries--
		verdict = &hub.Refusal{Code: fault.OTPWrong, Field: "code", TriesLeft: se.tries}
		if se.tries == 0 {
			verdict = &hub.Refusal{Code: fault.OTPExhausted, Field: "code"}
		}
		if _, err = tx.ExecContext(ctx, `UPDATE session SET tries_left = ? WHERE id = ?`, se.tries, se.id); err != nil {
			return err
		}
		return tally(ctx, tx, tallyWrong, now, s.tag("phone", se.phone))
	})
	if err := errors.Join(err, verdict); err != nil {
		return wire.IssueVerified{}, wrap("verify code", err)
	}
	return wire.IssueVerified{Session: r.Session}, nil
}

func (s *Sandbox) load(ctx context.Context, tx *sql.Tx, kiosk, id string, now time.Time) (session, error) {
	se := session{id: id, kiosk: kiosk}
	var phone, code []byte
	var expires, resendAt int64
	err := tx.QueryRowContext(ctx, `SELECT last_request, service, card_tag, phone, code, code_expires, tries_left, resends_left,
		resend_at, verified FROM session WHERE id = ? AND kiosk = ? AND ends > ?`, id, kiosk, now.UnixMilli()).
		Scan(&se.lastRequest, &se.service, &se.cardTag, &phone, &code, &expires, &se.tries, &se.resends, &resendAt, &se.verified)
	if errors.Is(err, sql.ErrNoRows) {
		return session{}, errSession
	}
	if err != nil {
		return session{}, err
	}
	if phone, err = s.vault.Open("phone", phone); err != nil {
		return session{}, err
	}
	if code, err = s.vault.Open("otp", code); err != nil {
		return session{}, err
	}
	se.phone, se.code = secret.Apart(phone), secret.Apart(code)
	clear(phone)
	clear(code)
	se.expires, se.resendAt = time.UnixMilli(expires).UTC(), time.UnixMilli(resendAt).UTC()
	return se, nil
}

func (se *session) renew(now time.Time) {
	se.code, se.expires, se.tries = random(digits, codeLength), now.Add(codeLife), codeTries
}

func (se *session) started(now time.Time) wire.IssueStarted {
	return wire.IssueStarted{
		Session: se.id, ExpiresInSec: seconds(se.expires.Sub(now)), ResendInSec: seconds(se.resendAt.Sub(now)),
		ResendsLeft: se.resends, TriesLeft: se.tries,
	}
}

func seconds(d time.Duration) int { return int(max(d, 0).Round(time.Second) / time.Second) }

// playPhone does what the special phone numbers say.
func (s *Sandbox) playPhone(ctx context.Context, phone string) error {
	switch actOf(TestPhones(), phone) {
	case actCannotSend:
		return &hub.Refusal{Code: fault.SMSNotSent, Field: "phone"}
	case actDown:
		return errAway
	case actSlow:
		return s.wait(ctx, slow)
	case actVerySlow:
		return s.wait(ctx, verySlow)
	case actSucceed, actDecline, actRegistered, actNeverArrives, actWrongCode:
	}
	return nil
}

// wrap names the operation, but leaves refusals as they are.
func wrap(op string, err error) error {
	if r, ok := errors.AsType[*hub.Refusal](err); ok {
		return r
	}
	return fmt.Errorf("cannot %s: %w", op, err)
}
