package sandbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// The rules of logging in, and what completion brings.
const (
	loginTries   = 5
	loginLock    = 15 * time.Minute
	grantPoints  = 5000
	phoneDigits4 = 4
)

// content is what is sealed in an account.
type content struct {
	ServiceID string         `json:"service_id"`
	Codes     []wire.Private `json:"codes"`
}

// Complete sets the password and issues ID and code. The same session again
// gives the same ID again, and the password that came last counts: the shopper
// whose answer was lost may have chosen another one. After the application the
// session is over.
func (s *Sandbox) Complete(ctx context.Context, kiosk string, r wire.IssueComplete) (wire.Issued, error) {
	if err := checkPassword(string(r.Password)); err != nil {
		return wire.Issued{}, err
	}
	now := s.Now()
	if err := s.mayComplete(ctx, kiosk, r.Session, now); err != nil {
		return wire.Issued{}, wrap("issue", err)
	}
	hash, err := s.hashPassword(ctx, string(r.Password))
	if err != nil {
		return wire.Issued{}, wrap("hash password", err)
	}
	var out wire.Issued
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		se, err := s.load(ctx, tx, kiosk, r.Session, now)
		if err != nil {
			return err
		}
		if !se.verified {
			return errSession
		}
		if err := overtake(ctx, tx, se, r.Try); err != nil {
			return err
		}
		out, err = s.issued(ctx, tx, r.Session)
		if err == nil {
			return s.changePassword(ctx, tx, r.Session, hash)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		out, err = s.issue(ctx, tx, se, hash, now)
		return err
	})
	if err != nil {
		return wire.Issued{}, wrap("issue", err)
	}
	return out, nil
}

// mayComplete looks whether the session was verified before a password is hashed for
// it: hashing is dear, and all kiosks share what there is of it. It decides nothing;
// the transaction looks again.
func (s *Sandbox) mayComplete(ctx context.Context, kiosk, sessionID string, now time.Time) error {
	var verified bool
	err := s.db.Read().QueryRowContext(ctx, `SELECT verified FROM session WHERE id = ? AND kiosk = ? AND ends > ?`,
		sessionID, kiosk, now.UnixMilli()).Scan(&verified)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !verified {
		return errSession
	}
	return err
}

// overtake refuses a request that came after one that was sent later.
func overtake(ctx context.Context, tx *sql.Tx, se session, try uint32) error {
	if try == 0 {
		return nil
	}
	res, err := tx.ExecContext(ctx, `UPDATE session SET try = ? WHERE id = ? AND try <= ?`, try, se.id, try)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errSession)
	}
	return nil
}

// changePassword of an account that nobody has applied with. Who holds its session
// has shown by the one-time password that the account is theirs.
func (s *Sandbox) changePassword(ctx context.Context, tx *sql.Tx, sessionID, hash string) error {
	res, err := tx.ExecContext(ctx, `UPDATE account SET password = ? WHERE session = ?
		AND NOT EXISTS (SELECT 1 FROM application WHERE application.id_tag = account.id_tag)`, hash, sessionID)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errSession)
	}
	return nil
}

func (s *Sandbox) issue(ctx context.Context, tx *sql.Tx, se session, hash string, now time.Time) (wire.Issued, error) {
	svc, ok := s.cat.Find(se.service)
	if !ok {
		return wire.Issued{}, bad("service", "no longer in the catalogue")
	}
	var taken bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM account WHERE card_tag = ?)`, se.cardTag).Scan(&taken); err != nil {
		return wire.Issued{}, err
	}
	if taken { // registered in another session meanwhile
		return wire.Issued{}, &hub.Refusal{Code: fault.AlreadyRegistered, Field: "session"}
	}
	c := content{ServiceID: newServiceID(), Codes: newCodes(svc)}
	b, err := json.Marshal(c)
	if err != nil {
		return wire.Issued{}, err
	}
	out := wire.Issued{
		IssueRef: "I-" + random(clearLetters, 10), Service: se.service, ServiceID: c.ServiceID, Codes: c.Codes,
		IssuedAt: now.Truncate(time.Second),
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO account (issue_ref, session, service, card_tag, phone_tag, last4_tag, id_tag, content,
		password, issued_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, out.IssueRef, se.id, se.service, se.cardTag,
		s.tag("phone", se.phone), s.last4Tag(out.IssueRef, se.phone[len(se.phone)-phoneDigits4:]),
		s.tag("service id", c.ServiceID), s.vault.Seal("account "+out.IssueRef, b), hash, out.IssuedAt.UnixMilli())
	return out, err
}

// newCodes gives one code for each of the service's code fields; a service
// whose catalogue entry names none gets the programme's six digits.
func newCodes(svc *catalogue.Service) []wire.Private {
	if len(svc.CodeFields) == 0 {
		return []wire.Private{wire.Private(random(digits, codeLength))}
	}
	codes := make([]wire.Private, len(svc.CodeFields))
	for i, f := range svc.CodeFields {
		alphabet := digits
		if f.Charset == catalogue.Letters {
			alphabet = clearLetters
		}
		codes[i] = wire.Private(random(alphabet, max(f.Min, 1)))
	}
	return codes
}

// last4Tag is salted by the account: four digits alone would be guessed.
func (s *Sandbox) last4Tag(issueRef, last4 string) string {
	return s.tag("last4 "+issueRef, last4)
}

func (s *Sandbox) issued(ctx context.Context, tx *sql.Tx, sessionID string) (wire.Issued, error) {
	var out wire.Issued
	var sealed []byte
	var at int64
	err := tx.QueryRowContext(ctx, `SELECT issue_ref, service, content, issued_at FROM account WHERE session = ?`, sessionID).
		Scan(&out.IssueRef, &out.Service, &sealed, &at)
	if err != nil {
		return wire.Issued{}, err
	}
	c, err := s.open(out.IssueRef, sealed)
	if err != nil {
		return wire.Issued{}, err
	}
	out.ServiceID, out.Codes, out.IssuedAt = c.ServiceID, c.Codes, time.UnixMilli(at).UTC()
	return out, nil
}

func (s *Sandbox) open(issueRef string, sealed []byte) (content, error) {
	b, err := s.vault.Open("account "+issueRef, sealed)
	if err != nil {
		return content{}, err
	}
	var c content
	return c, json.Unmarshal(b, &c)
}

type account struct {
	ref, service, password, idTag string
	content                       []byte
}

// Lookup logs in with phone and password. Of several accounts on one phone the
// newest whose password fits is shown.
func (s *Sandbox) Lookup(ctx context.Context, r wire.Lookup) (wire.Account, error) {
	now := s.Now()
	tag := s.tag("phone", string(r.Phone))
	if err := s.checkLock(ctx, tag, now); err != nil {
		return wire.Account{}, err
	}
	accounts, err := s.accounts(ctx, tag)
	if err != nil {
		return wire.Account{}, wrap("look account up", err)
	}
	if len(accounts) == 0 {
		accounts = []account{{}} // costs the time of one comparison
	}
	for _, a := range accounts {
		ok, err := s.passwordIs(ctx, a.password, string(r.Password))
		if err != nil {
			return wire.Account{}, wrap("compare password", err)
		}
		if !ok {
			continue
		}
		if err := s.db.Write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `DELETE FROM login WHERE phone_tag = ?`, tag)
			return err
		}); err != nil {
			return wire.Account{}, wrap("note log-in", err)
		}
		return s.view(ctx, a, now)
	}
	return wire.Account{}, s.wrongLogin(ctx, tag, now)
}

func (s *Sandbox) accounts(ctx context.Context, phoneTag string) (list []account, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT issue_ref, service, password, id_tag, content FROM account
		WHERE phone_tag = ? ORDER BY issued_at DESC, issue_ref LIMIT 5`, phoneTag)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a account
		if err := rows.Scan(&a.ref, &a.service, &a.password, &a.idTag, &a.content); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, rows.Err()
}

func (s *Sandbox) checkLock(ctx context.Context, tag string, now time.Time) error {
	var until int64
	err := s.db.Read().QueryRowContext(ctx, `SELECT locked_until FROM login WHERE phone_tag = ?`, tag).Scan(&until)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return wrap("read log-in lock", err)
	}
	if left := time.UnixMilli(until).Sub(now); left > 0 {
		return &hub.Refusal{Code: fault.LoginLocked, RetryAfter: left}
	}
	return nil
}

func (s *Sandbox) wrongLogin(ctx context.Context, tag string, now time.Time) error {
	refusal := &hub.Refusal{Code: fault.LoginWrong}
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		var wrong int
		err := tx.QueryRowContext(ctx, `INSERT INTO login (phone_tag, wrong, locked_until) VALUES (?, 1, 0)
			ON CONFLICT DO UPDATE SET wrong = wrong + 1 RETURNING wrong`, tag).Scan(&wrong)
		if err != nil {
			return err
		}
		if refusal.TriesLeft = loginTries - wrong; refusal.TriesLeft > 0 {
			return nil
		}
		refusal = &hub.Refusal{Code: fault.LoginLocked, RetryAfter: loginLock}
		_, err = tx.ExecContext(ctx, `UPDATE login SET wrong = 0, locked_until = ? WHERE phone_tag = ?`,
			now.Add(loginLock).UnixMilli(), tag)
		return err
	})
	if err != nil {
		return wrap("note log-in", err)
	}
	return refusal
}

func (s *Sandbox) view(ctx context.Context, a account, now time.Time) (wire.Account, error) {
	out := wire.Account{Service: a.service, Status: wire.StatusIssued, Points: []wire.Grant{}}
	var applied, complete int64
	err := s.db.Read().QueryRowContext(ctx, `SELECT applied_at, complete_by FROM application WHERE id_tag = ?
		ORDER BY applied_at LIMIT 1`, a.idTag).Scan(&applied, &complete)
	switch {
	case err == nil:
		out.Status = wire.StatusApplied
		out.AppliedAt, out.CompleteBy = time.UnixMilli(applied).UTC(), time.UnixMilli(complete).UTC()
		if !now.Before(out.CompleteBy) {
			out.Status = wire.StatusCompleted
			grant := wire.Grant{At: out.CompleteBy, Points: grantPoints, For: string(s.grants(a.service))}
			out.Points, out.PointsSum = append(out.Points, grant), grant.Points
			return out, nil
		}
	case !errors.Is(err, sql.ErrNoRows):
		return wire.Account{}, wrap("read application", err)
	}
	c, err := s.open(a.ref, a.content)
	if err != nil {
		return wire.Account{}, wrap("open account", err)
	}
	out.ServiceID, out.Codes = c.ServiceID, c.Codes
	return out, nil
}

func (s *Sandbox) grants(service string) catalogue.Grants {
	if svc, ok := s.cat.Find(service); ok {
		return svc.Grants
	}
	return catalogue.OnTopUp
}
