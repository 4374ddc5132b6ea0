package sandbox

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"slices"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/secret"
	"kioskd/internal/wire"
)

// Reserve gives a person's MyKey ID; a person has one for good.
func (s *Sandbox) Reserve(ctx context.Context, r hub.ReserveOrder) (wire.Private, error) {
	id := wire.Private(random(clearLetters, mykeyLength))
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		var sealed []byte
		err := tx.QueryRowContext(ctx, `INSERT INTO person (person, mykey_tag, mykey, guardian, reserved_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (person) DO UPDATE SET person = excluded.person RETURNING mykey`,
			string(r.Person), s.vault.Tag("mykey", []byte(id)), s.vault.Seal("mykey "+string(r.Person), []byte(id)), r.Guardian,
			s.Now().UnixMilli()).Scan(&sealed)
		if err != nil {
			return err
		}
		id, err = s.mykey(r.Person, sealed)
		return err
	})
	if err != nil {
		return "", wrap("reserve", err)
	}
	return id, nil
}

func (s *Sandbox) mykey(p hub.Person, sealed []byte) (wire.Private, error) {
	b, err := s.vault.Open("mykey "+string(p), sealed)
	defer clear(b)
	return wire.Private(secret.Apart(b)), err
}

// Apply links a person to a service, once and for good. The same submission
// again gives the same answer again.
func (s *Sandbox) Apply(ctx context.Context, a hub.ApplyOrder) (time.Time, error) {
	now := s.Now().Truncate(time.Second)
	var by time.Time
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		var submission string
		var complete int64
		err := tx.QueryRowContext(ctx, `SELECT submission, complete_by FROM application WHERE person = ?`, string(a.Person)).
			Scan(&submission, &complete)
		switch {
		case err == nil && submission == a.Submission:
			by = time.UnixMilli(complete).UTC()
			return nil
		case err == nil:
			return &hub.Refusal{Code: fault.AlreadyApplied}
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		var reserved bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM person WHERE person = ?)`, string(a.Person)).Scan(&reserved); err != nil {
			return err
		}
		if !reserved {
			return &hub.Refusal{Code: fault.NotReserved}
		}
		idTag := s.tag("service id", a.Content.ServiceID)
		if err := s.checkID(ctx, tx, a.Content, idTag); err != nil {
			return err
		}
		by = now.Add(s.complete)
		_, err = tx.ExecContext(ctx, `INSERT INTO application (person, submission, service, id_tag, applied_at, complete_by)
			VALUES (?, ?, ?, ?, ?, ?)`, string(a.Person), a.Submission, a.Content.Service, idTag, now.UnixMilli(), by.UnixMilli())
		return err
	})
	if err != nil {
		return time.Time{}, wrap("apply", err)
	}
	return by, nil
}

// checkID holds ID, codes and phone digits against what was issued here, or
// against the catalogue's format when the ID is somebody else's.
func (s *Sandbox) checkID(ctx context.Context, tx *sql.Tx, a wire.Application, idTag string) error {
	wrong := func(field string) error { return &hub.Refusal{Code: fault.ServiceIDWrong, Field: field} }
	svc, ok := s.cat.Find(a.Service)
	if !ok {
		return wrong("service")
	}
	var used bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM application WHERE service = ? AND id_tag = ?)`, a.Service, idTag).Scan(&used); err != nil {
		return err
	}
	if used { // one ID belongs to one person, whoever issued it
		return wrong("service_id")
	}
	var ref, service, last4 string
	var sealed []byte
	err := tx.QueryRowContext(ctx, `SELECT issue_ref, service, last4_tag, content FROM account WHERE id_tag = ?`, idTag).
		Scan(&ref, &service, &last4, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		switch {
		case svc.Issue != nil: // IDs of this service come from here, and this one did not
			return wrong("service_id")
		case svc.IDField.Problem(a.ServiceID) != "":
			return wrong("service_id")
		case len(a.Codes) != len(svc.CodeFields):
			return wrong("codes")
		case svc.PhoneLast4 && a.PhoneLast4 == "":
			return wrong("phone_last4")
		}
		for i, f := range svc.CodeFields {
			if f.Problem(string(a.Codes[i])) != "" {
				return wrong("codes")
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	c, err := s.open(ref, sealed)
	if err != nil {
		return err
	}
	right := slices.EqualFunc(c.Codes, a.Codes, func(x, y wire.Private) bool {
		return subtle.ConstantTimeCompare([]byte(x), []byte(y)) == 1
	})
	switch {
	case service != a.Service:
		return wrong("service")
	case !right:
		return wrong("codes")
	case s.last4Tag(ref, string(a.PhoneLast4)) != last4:
		return wrong("phone_last4")
	}
	return nil
}

// Standing says where a person stands.
func (s *Sandbox) Standing(ctx context.Context, p hub.Person) (wire.Standing, error) {
	var st wire.Standing
	var service sql.NullString
	var sealed []byte
	err := s.db.Read().QueryRowContext(ctx, `SELECT mykey, service FROM person LEFT JOIN application USING (person)
		WHERE person = ?`, string(p)).Scan(&sealed, &service)
	if errors.Is(err, sql.ErrNoRows) {
		return wire.Standing{}, nil
	}
	if err != nil {
		return wire.Standing{}, wrap("read standing", err)
	}
	if st.MyKeyID, err = s.mykey(p, sealed); err != nil {
		return wire.Standing{}, wrap("read standing", err)
	}
	st.Reserved, st.Applied, st.Service = true, service.Valid, service.String
	return st, nil
}
