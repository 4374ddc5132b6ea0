// Package storetest says what every hub.Store must do, as one suite of tests that
// runs over each implementation. The text of the interface is the promise; what
// is here is how it is kept to.
package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

// Store is a store that can be closed.
type Store interface {
	hub.Store
	Close() error
}

// sealing is a store with a vault before it, as the hub has it.
type sealing struct {
	*hub.Sealing

	close func() error
}

// Close closes the store.
func (s sealing) Close() error { return s.close() }

// Sealing puts v before s.
func Sealing(s Store, v *vault.Vault) Store { return sealing{hub.Seal(s, v), s.Close} }

// Place is where rows are kept while no store is open.
type Place struct {
	// Open opens a store there, again and again.
	Open func(ctx context.Context) (Store, error)
	// Quarantined counts what is in quarantine: no method of a store does.
	Quarantined func(t testing.TB) int
	// Try runs one statement behind the store's back.
	Try func(t testing.TB, statement string) error
	// Dump gives every value of every column of every table, one after the other.
	Dump func(t testing.TB) []byte
	// Change runs SQL behind the store's back: with force as one who has taken the
	// database's own guards of the audit log away.
	Change func(t testing.TB, statements string, force bool) error
	// Age makes all budgets older, as time does.
	Age func(t testing.TB, by time.Duration)
	// Shared says that several stores may be open there at once, as the hubs of a
	// fleet have them.
	Shared bool
}

// stores is how many are open at once in a shared place.
const stores = 2

// crowd is how many do the same thing at the same time.
const crowd = 50

// Run runs the suite. Each test gets an empty place of its own.
func Run(t *testing.T, place func(t *testing.T) Place) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b *bench)
	}{
		{"SubmissionComesBack", submissionComesBack},
		{"PutIsIdempotent", putIsIdempotent},
		{"PutByACrowd", putByACrowd},
		{"PutOfTwoContentsByACrowd", putOfTwoContentsByACrowd},
		{"DocumentCountsOnce", documentCountsOnce},
		{"DocumentByACrowd", documentByACrowd},
		{"Quarantine", quarantine},
		{"AlarmsCountUp", alarmsCountUp},
		{"AlarmsByACrowd", alarmsByACrowd},
		{"AlarmsNewestFirst", alarmsNewestFirst},
		{"AnswersExpire", answersExpire},
		{"AnswersByACrowd", answersByACrowd},
		{"Issuances", issuances},
		{"IssuancesByACrowd", issuancesByACrowd},
		{"IssuancesAreFinal", issuancesAreFinal},
		{"Kiosks", kiosks},
		{"InvitationsWorkOnce", invitationsWorkOnce},
		{"InvitationsExpire", invitationsExpire},
		{"EnrolByACrowd", enrolByACrowd},
		{"EnrolAgainByACrowd", enrolAgainByACrowd},
		{"Revocation", revocation},
		{"RevokeByACrowd", revokeByACrowd},
		{"IdentityIsNoted", identityIsNoted},
		{"EnrolledAnew", enrolledAnew},
		{"Certificates", certificates},
		{"IdentityAfterTheEnd", identityAfterTheEnd},
		{"LinksComeAndGo", linksComeAndGo},
		{"DeadHubs", deadHubs},
		{"LinksByACrowd", linksByACrowd},
		{"HintsReachEveryHub", hintsReachEveryHub},
		{"Pages", pages},
		{"PagesWhileRowsAreAdded", pagesWhileRowsAreAdded},
		{"AuditGoesOn", auditGoesOn},
		{"AuditRefuses", auditRefuses},
		{"AuditLogsJoin", auditLogsJoin},
		{"AuditIsBounded", auditIsBounded},
		{"AuditByACrowd", auditByACrowd},
		{"AuditNotes", notes},
		{"AuditTampering", auditTampering},
		{"AuditTellsOfSubmissions", auditTellsOfSubmissions},
		{"OddTexts", oddTexts},
		{"EndedContexts", endedContexts},
		{"ContextsThatEndMidway", contextsThatEndMidway},
		{"ReopeningKeepsEverything", reopeningKeepsEverything},
		{"ClosedStoreSaysSo", closedStoreSaysSo},
		{"LeasesAndBudgets", leasesAndBudgets},
		{"ClearingKeepsTheRow", clearingKeepsTheRow},
		{"Forgetting", forgetting},
		{"ClearTextIsRefused", clearTextIsRefused},
		{"Resealing", resealing},
		{"OtherVaults", otherVaults},
		{"StoredRowsAreFinal", storedRowsAreFinal},
		{"NothingPersonalInClear", nothingPersonalInClear},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &bench{t: t, place: place(t)}
			b.open()
			defer b.close()
			test.run(t, b)
		})
	}
}

// bench is a place with open stores.
type bench struct {
	Store // the first

	t     *testing.T
	place Place
	all   []Store // with a vault
	bare  []Store // the same without
}

func (b *bench) open() {
	b.t.Helper()
	n := 1
	if b.place.Shared {
		n = stores
	}
	for range n {
		s, err := b.place.Open(b.t.Context())
		must(b.t, err)
		b.bare = append(b.bare, s)
		b.all = append(b.all, Sealing(s, newVault(b.t)))
	}
	b.Store = b.all[0]
}

func (b *bench) close() {
	b.t.Helper()
	for _, s := range b.all {
		must(b.t, s.Close())
	}
	b.all, b.bare = nil, nil
}

// together runs f for everybody of a crowd at once, over all stores that are open.
func (b *bench) together(f func(s Store, i int)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range crowd {
		wg.Go(func() {
			<-begin
			f(b.all[i%len(b.all)], i)
		})
	}
	close(begin)
	wg.Wait()
}

func (b *bench) total() int {
	b.t.Helper()
	_, n, err := b.Submissions(b.t.Context(), hub.Filter{Limit: 1})
	must(b.t, err)
	return n
}

// epoch is when everything here happens: to the microsecond, which no store keeps.
func epoch() time.Time {
	return time.Date(2026, 11, 25, 9, 30, 15, 123_456_789, time.FixedZone("JST", 9*3600))
}

// kept is a time as stores keep it.
func kept(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// submission makes a row; the content decides the hash.
func submission(content string) hub.Stored {
	sealed := []byte("sealed " + content)
	hash := sha256.Sum256(sealed)
	return hub.Stored{
		ID: wire.NewSubmissionID(), Kiosk: "demo", Schema: wire.Schema, KeyID: "k1", Sealed: sealed, Hash: hash[:],
		Kind: wire.KindReservation, SignedAt: epoch().Add(-time.Hour), StoredAt: epoch(),
		Verdict: wire.Verdict{Accepted: true, MyKeyID: "ABCD"},
		Checks:  []hub.Check{{Name: hub.CheckSeal, OK: true}, {Name: hub.CheckVerdict, OK: true, Detail: "電子マネー <&>"}},
		Summary: hub.Summary{Service: "waon", ServiceID: "••••1234", Person: "0a1b2c3d", Guardian: true},
		Ack:     []byte(`{"ack": "of ` + content + `"}`),
	}
}

func document(content string) []byte {
	h := sha256.Sum256([]byte(content))
	return h[:]
}

func quarantined(s hub.Stored) *hub.Quarantine {
	return &hub.Quarantine{Submission: s.ID, Kiosk: s.Kiosk, Hash: s.Hash, Sealed: s.Sealed, Reason: "seal: closed", At: epoch()}
}

func alarmed(s hub.Stored) *hub.Alarm {
	return &hub.Alarm{Kind: hub.AlarmUnreadable, Kiosk: s.Kiosk, Subject: s.ID, Text: "seal: closed", Last: epoch()}
}

func put(t testing.TB, s Store, in hub.Stored) {
	t.Helper()
	_, err := s.Put(t.Context(), in, nil, nil)
	must(t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustBe(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, not %v", err, want)
	}
}

func name(i int) string { return fmt.Sprintf("k%03d", i) }
