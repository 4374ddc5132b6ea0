package hub

import (
	"context"
	"errors"
	"fmt"

	"kioskd/internal/hub/vault"
)

// resealBatch is how many rows one transaction of resealing changes: few enough
// that nobody waits for it, many enough to share the flush of a disk.
const resealBatch = 200

// ResealAll seals what is in clear, or sealed with another key of the vault than
// the present one, with the present one. It can be cut short and begun again at any
// time, and by several at once. step is called between batches, and ends it by an error.
// Rows that do not open are left as they are, and are an error at the end.
func (s *Sealing) ResealAll(ctx context.Context, others []string, step func(rows int) error) (n int, err error) {
	var left []error
	for _, t := range Tables() {
		for _, key := range append([]string{""}, others...) {
			if key == s.vault.Present() {
				continue
			}
			for {
				found, changed, closed, err := s.resealSome(ctx, t, key)
				n += changed
				if err == nil && found > 0 {
					err = step(n)
				}
				if err != nil {
					return n, errors.Join(append(left, err)...)
				}
				// Rows that others changed meanwhile come up again; when nothing moved,
				// the same would come for ever.
				if found < resealBatch || changed == 0 {
					if closed != nil {
						left = append(left, closed)
					}
					break
				}
			}
		}
	}
	return n, errors.Join(left...)
}

// resealSome does one batch. closed tells of the rows that do not open; they come up
// again in the next batch.
func (s *Sealing) resealSome(ctx context.Context, t Table, key string) (found, changed int, closed, err error) {
	parts, err := s.Parts(ctx, t, key, resealBatch)
	if err != nil || len(parts) == 0 {
		return 0, 0, nil, err
	}
	bad := 0
	var fit []Part
	for _, p := range parts {
		if p.New, err = s.reseal(ctx, t, p); err != nil {
			switch {
			case ctx.Err() != nil:
				return 0, 0, nil, err
			case !errors.Is(err, ErrNotFound): // else forgotten meanwhile
				bad++
				closed = fmt.Errorf("cannot seal anew %d rows of table %s: %w", bad, t, err)
			}
			continue
		}
		fit = append(fit, p)
	}
	if len(fit) == 0 {
		return len(parts), 0, closed, nil
	}
	changed, err = s.Reseal(ctx, t, fit)
	return len(parts), changed, closed, err
}

// reseal gives the private part under the present key.
func (s *Sealing) reseal(ctx context.Context, t Table, p Part) ([]byte, error) {
	if t == TableSubmission && p.Old == nil {
		was, err := s.Store.Submission(ctx, p.Key[0])
		if err != nil {
			return nil, err
		}
		row, err := s.seal(was)
		return row.Private, err
	}
	purpose := map[Table]string{
		TableSubmission: submissionPurpose(p.Key[0], p.Hash), TableQuarantine: quarantinePurpose(p.Hash),
		TableAlarm: alarmPurpose(AlarmKind(p.Key[0])), TableAnswer: answerPurpose(p.Key[1], p.Key[2]),
		TableIssuance: issuancePurpose(p.Key[0]),
	}[t]
	plain := []byte(p.Clear)
	if p.Old != nil {
		var err error
		if plain, err = s.vault.Open(purpose, p.Old); err != nil {
			return nil, err
		}
	}
	return s.vault.Seal(purpose, plain), nil
}

// Uses says whether anything is sealed with this key of the vault, or may be.
func (s *Sealing) Uses(ctx context.Context, key string) (bool, error) {
	for _, t := range Tables() {
		for _, k := range []string{key, ""} { // the first version's rows have no key's name
			parts, err := s.Parts(ctx, t, k, 1)
			if err != nil || len(parts) > 0 {
				return true, err
			}
		}
	}
	return false, nil
}

// KeyOf is what a store notes beside a private part: the ID of its key. It gives
// ErrNotSealed for what names none.
func KeyOf(private []byte) (string, error) {
	id := vault.SealedWith(private)
	if id == "" {
		return "", ErrNotSealed
	}
	return id, nil
}
