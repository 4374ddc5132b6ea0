package hub

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

// Sealing is a [Store] before which a vault stands: what is personal or tells who
// came back goes through it sealed. It also reads rows of the first version, which
// hold it in clear, until [Sealing.ResealAll] has gone over them.
type Sealing struct {
	Store
	vault *vault.Vault
}

var (
	_ Store      = (*Sealing)(nil)
	_ CallLocker = (*Sealing)(nil)
)

// Seal puts v before s. [Sealing.Admit] must come before the first use.
func Seal(s Store, v *vault.Vault) *Sealing { return &Sealing{Store: s, vault: v} }

// ErrWrongVault says that the database is sealed with a key which the vault does
// not hold, or holds another one for.
var ErrWrongVault = errors.New("cannot use this database: its personal data is sealed with another vault key")

// proofPurpose seals a proof. The proof holds a keyed hash, so the key of those is
// known again as well.
const proofPurpose = "proof of the vault"

// Admit makes sure that the vault's keys are the database's, and that the present
// one will be known again. It is called before the first use and whenever the keys
// have changed: a wrong key must be told at once, not when a row does not open.
func Admit(ctx context.Context, s Store, v *vault.Vault) error {
	proofs, err := s.Proofs(ctx)
	if err != nil {
		return fmt.Errorf("cannot read proofs of the vault: %w", err)
	}
	for _, id := range slices.Sorted(maps.Keys(proofs)) {
		tag, err := v.Open(proofPurpose, proofs[id])
		switch {
		case err != nil:
			return fmt.Errorf("%w: %s: restore keys/vault.key, or name its file with --vault-key", ErrWrongVault, id)
		case string(tag) != v.Tag(proofPurpose, []byte(id)):
			return fmt.Errorf("%w: the key of keyed hashes is not the one of %s", ErrWrongVault, id)
		}
	}
	present := v.Present()
	if proofs[present] != nil {
		return nil
	}
	if err := s.Prove(ctx, present, v.Seal(proofPurpose, []byte(v.Tag(proofPurpose, []byte(present))))); err != nil {
		return fmt.Errorf("cannot store proof of the vault: %w", err)
	}
	return nil
}

// LockCall passes on to a store that several hubs share; one hub needs no lock.
func (s *Sealing) LockCall(ctx context.Context, key AnswerKey) (unlock func(), err error) {
	if shared, ok := s.Store.(CallLocker); ok {
		return shared.LockCall(ctx, key)
	}
	return func() {}, nil
}

// Submission gives a stored submission.
func (s *Sealing) Submission(ctx context.Context, id string) (Stored, error) {
	r, err := s.Store.Submission(ctx, id)
	if err != nil {
		return Stored{}, err
	}
	return s.open(r)
}

// Submissions lists a page.
func (s *Sealing) Submissions(ctx context.Context, f Filter) ([]Stored, int, error) {
	list, total, err := s.Store.Submissions(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	for i := range list {
		if list[i], err = s.open(list[i]); err != nil {
			return nil, 0, err
		}
	}
	return list, total, nil
}

// Put stores a submission.
func (s *Sealing) Put(ctx context.Context, in Stored, q *Quarantine, a *Alarm) (Stored, error) {
	row, err := s.seal(in)
	if err != nil {
		return Stored{}, err
	}
	if q != nil {
		sealed := s.sealQuarantine(*q)
		q = &sealed
	}
	if a != nil {
		sealed := s.sealAlarm(*a)
		a = &sealed
	}
	out, err := s.Store.Put(ctx, row, q, a)
	switch {
	case err != nil:
		return Stored{}, err
	case slices.Equal(out.Private, row.Private): // fresh: no two seals are equal
		return in, nil
	}
	return s.open(out)
}

// Quarantine keeps a conflicting submission and raises its alarm.
func (s *Sealing) Quarantine(ctx context.Context, q Quarantine, a Alarm) error {
	return s.Store.Quarantine(ctx, s.sealQuarantine(q), s.sealAlarm(a))
}

// Raise raises an alarm.
func (s *Sealing) Raise(ctx context.Context, a Alarm) error {
	return s.Store.Raise(ctx, s.sealAlarm(a))
}

// Alarms lists alarms. One whose text does not open is shown all the same.
func (s *Sealing) Alarms(ctx context.Context, limit int) ([]Alarm, error) {
	list, err := s.Store.Alarms(ctx, limit)
	s.openAlarms(list)
	return list, err
}

// AlarmsOf lists the alarms of one kiosk, as Alarms does.
func (s *Sealing) AlarmsOf(ctx context.Context, kiosk string, limit int) ([]Alarm, error) {
	list, err := s.Store.AlarmsOf(ctx, kiosk, limit)
	s.openAlarms(list)
	return list, err
}

func (s *Sealing) openAlarms(list []Alarm) {
	for i := range list {
		a := &list[i]
		if a.Private == nil {
			continue // of the first version, or about an audit log
		}
		text, err := s.vault.Open(alarmPurpose(a.Kind), a.Private)
		if err != nil {
			text = []byte("(its text cannot be read: " + err.Error() + ")")
		}
		a.Text, a.Private = string(text), nil
	}
}

// private is what Stored.Private holds.
type private struct {
	Verdict wire.Verdict `json:"verdict"`
	Checks  []Check      `json:"checks"`
	Summary Summary      `json:"summary"`
	Ack     []byte       `json:"ack"`
}

func (s *Sealing) seal(in Stored) (Stored, error) {
	b, err := json.Marshal(private{Verdict: in.Verdict, Checks: in.Checks, Summary: in.Summary, Ack: in.Ack})
	if err != nil {
		return Stored{}, fmt.Errorf("cannot encode submission: %w", err)
	}
	out := in
	out.Private = s.vault.Seal(submissionPurpose(in.ID, in.Hash), b)
	if in.Kind == wire.KindIssuance && in.Verdict.Accepted && in.Summary.IssueRef != "" {
		out.IssueTag = s.issueTag(in.Summary.IssueRef)
	}
	out.Checks, out.Summary, out.Ack = nil, Summary{}, nil
	out.Verdict = wire.Verdict{Accepted: in.Verdict.Accepted} // a column of its own: pages are filtered by it
	return out, nil
}

func (s *Sealing) open(r Stored) (Stored, error) {
	if r.Private == nil {
		return r, nil // of the first version
	}
	b, err := s.vault.Open(submissionPurpose(r.ID, r.Hash), r.Private)
	if err != nil {
		return Stored{}, fmt.Errorf("cannot read submission %s: %w", r.ID, err)
	}
	var p private
	if err := json.Unmarshal(b, &p); err != nil {
		return Stored{}, fmt.Errorf("cannot read submission %s: %w", r.ID, err)
	}
	r.Verdict, r.Checks, r.Summary, r.Ack, r.Private = p.Verdict, p.Checks, p.Summary, p.Ack, nil
	return r, nil
}

func (s *Sealing) sealQuarantine(q Quarantine) Quarantine {
	q.Private, q.Reason = s.vault.Seal(quarantinePurpose(q.Hash), []byte(q.Reason)), ""
	return q
}

func (s *Sealing) sealAlarm(a Alarm) Alarm {
	a.Private, a.Text = s.vault.Seal(alarmPurpose(a.Kind), []byte(a.Text)), ""
	return a
}

// The purposes tie a private part to its row, so that parts cannot be exchanged.
// Names that a kiosk may choose are left out: stores change odd bytes in them.
func submissionPurpose(id string, hash []byte) string {
	return "submission " + id + " " + hex.EncodeToString(hash)
}

func quarantinePurpose(hash []byte) string { return "quarantine " + hex.EncodeToString(hash) }

func alarmPurpose(k AlarmKind) string { return "alarm " + string(k) }

func answerPurpose(scope, requestID string) string { return "answer " + scope + " " + requestID }
