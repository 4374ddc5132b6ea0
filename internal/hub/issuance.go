package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kioskd/internal/wire"
)

// Issuance is an ID that the issuer gave to a shopper at a kiosk. The hub notes it in the
// transaction of the answer, before the kiosk hears of it: whatever becomes of the kiosk,
// its disk and its line, an ID that a screen has shown has a row here.
//
// The kiosk sends a record of it through its outbox as well. That says more: that the
// kiosk has had the answer.
type Issuance struct {
	Kiosk    string
	IssueRef string // as the issuer gave it
	Service  string
	IssuedAt time.Time // by the issuer's clock
	Record   string    // ID of the submission that is the kiosk's record; "": none has come
	Tag      string    // keyed hash of IssueRef: it counts once
	Private  []byte    // IssueRef and Service as the database has them: sealed
}

// IssuanceFilter chooses a page of issuances.
type IssuanceFilter struct {
	Kiosk      string
	Unrecorded bool // only those without a record
	Offset     int
	Limit      int
}

// IssuanceStore is what a [Store] keeps of issuances. They come with [Store.PutAnswer];
// their records with [Store.Put].
type IssuanceStore interface {
	// Issuances lists a page, newest first, with the number of all that match.
	Issuances(ctx context.Context, f IssuanceFilter) ([]Issuance, int, error)
}

// issuedOf is what an answer that a kiosk is about to get hands out, or nil.
func issuedOf(kiosk string, answer any) *Issuance {
	if a, ok := answer.(wire.Issued); ok {
		return &Issuance{Kiosk: kiosk, IssueRef: a.IssueRef, Service: a.Service, IssuedAt: a.IssuedAt}
	}
	return nil
}

// privateIssuance is what Issuance.Private holds.
type privateIssuance struct {
	IssueRef string `json:"issue_ref"`
	Service  string `json:"service"`
}

func issuancePurpose(tag string) string { return "issuance " + tag }

// issueTag is by what an issuance and its record are known to be one.
func (s *Sealing) issueTag(ref string) string { return s.vault.Tag("issuance", []byte(ref)) }

// PutAnswer stores an answer, with what it hands out.
func (s *Sealing) PutAnswer(ctx context.Context, key AnswerKey, a Answer, now time.Time) error {
	if a.Issued != nil {
		sealed := *a.Issued
		b, err := json.Marshal(privateIssuance{sealed.IssueRef, sealed.Service})
		if err != nil {
			return fmt.Errorf("cannot encode issuance: %w", err)
		}
		sealed.Tag = s.issueTag(sealed.IssueRef)
		sealed.Private = s.vault.Seal(issuancePurpose(sealed.Tag), b)
		sealed.IssueRef, sealed.Service = "", ""
		a.Issued = &sealed
	}
	return s.Store.PutAnswer(ctx, key, a, now)
}

// Issuances lists a page.
func (s *Sealing) Issuances(ctx context.Context, f IssuanceFilter) ([]Issuance, int, error) {
	list, total, err := s.Store.Issuances(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	for i := range list {
		b, err := s.vault.Open(issuancePurpose(list[i].Tag), list[i].Private)
		if err != nil {
			return nil, 0, fmt.Errorf("cannot read issuance: %w", err)
		}
		var p privateIssuance
		if err := json.Unmarshal(b, &p); err != nil {
			return nil, 0, fmt.Errorf("cannot read issuance: %w", err)
		}
		list[i].IssueRef, list[i].Service, list[i].Private = p.IssueRef, p.Service, nil
	}
	return list, total, nil
}
