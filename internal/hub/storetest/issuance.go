package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// issue stores the answer of a call that hands out an ID.
func issue(t testing.TB, s Store, request string, i hub.Issuance) {
	t.Helper()
	answer := newVault(t).Seal("answer "+wire.PathIssueComplete+" "+request, []byte("codes"))
	must(t, s.PutAnswer(t.Context(), hub.AnswerKey{Kiosk: i.Kiosk, Scope: wire.PathIssueComplete, RequestID: request},
		hub.Answer{RequestTag: "t", Status: 200, Sealed: answer, Expires: epoch().Add(time.Hour), Issued: &i}, epoch()))
}

func issuance(kiosk, ref string) hub.Issuance {
	return hub.Issuance{Kiosk: kiosk, IssueRef: ref, Service: "waon", IssuedAt: epoch()}
}

// recordOf is the record of an issuance by kiosk a.
func recordOf(ref string, accepted bool) hub.Stored {
	in := submission("record of " + ref + " " + wire.NewSubmissionID())
	in.Kiosk, in.Kind = "a", wire.KindIssuance
	in.Verdict = wire.Verdict{Accepted: accepted}
	in.Summary = hub.Summary{Service: "waon", IssueRef: ref}
	return in
}

// issued is a page, as reference and record.
func (b *bench) issued(f hub.IssuanceFilter) (page [][2]string, total int) {
	b.t.Helper()
	list, total, err := b.all[len(b.all)-1].Issuances(b.t.Context(), f)
	must(b.t, err)
	for _, i := range list {
		if i.Service != "waon" || !i.IssuedAt.Equal(kept(epoch())) || i.Private != nil {
			b.t.Errorf("came back as %+v", i)
		}
		page = append(page, [2]string{i.Kiosk + " " + i.IssueRef, i.Record})
	}
	return page, total
}

// Each issuance counts once, whichever call handed it out, and has the first record that
// its own kiosk sent and the hub accepted.
func issuances(t *testing.T, b *bench) {
	for i, one := range []hub.Issuance{issuance("a", "I-1"), issuance("a", "I-2"), issuance("b", "I-3"), issuance("a", "I-1"), issuance("a", "I-4")} {
		issue(t, b, "request-"+name(i), one)
	}
	refused, foreign, first, second := recordOf("I-2", false), recordOf("I-2", true), recordOf("I-1", true), recordOf("I-1", true)
	foreign.Kiosk = "b"
	unknown, other := recordOf("I-9", true), submission("a reservation")
	other.Kiosk, other.Summary.IssueRef = "a", "I-4"
	for _, in := range []hub.Stored{refused, foreign, first, second, unknown, other, first} {
		put(t, b, in)
	}
	for _, c := range []struct {
		name  string
		f     hub.IssuanceFilter
		want  [][2]string
		total int
	}{
		{"all", hub.IssuanceFilter{Limit: 9}, [][2]string{{"a I-4", ""}, {"b I-3", ""}, {"a I-2", ""}, {"a I-1", first.ID}}, 4},
		{"no limit", hub.IssuanceFilter{Limit: -1}, [][2]string{{"a I-4", ""}, {"b I-3", ""}, {"a I-2", ""}, {"a I-1", first.ID}}, 4},
		{"a page", hub.IssuanceFilter{Limit: 2, Offset: 1}, [][2]string{{"b I-3", ""}, {"a I-2", ""}}, 4},
		{"beyond", hub.IssuanceFilter{Limit: 2, Offset: 9}, nil, 4},
		{"one kiosk's", hub.IssuanceFilter{Kiosk: "a", Limit: 9}, [][2]string{{"a I-4", ""}, {"a I-2", ""}, {"a I-1", first.ID}}, 3},
		{"without record", hub.IssuanceFilter{Unrecorded: true, Limit: 1}, [][2]string{{"a I-4", ""}}, 3},
		{"one kiosk's without record", hub.IssuanceFilter{Kiosk: "a", Unrecorded: true, Limit: 9}, [][2]string{{"a I-4", ""}, {"a I-2", ""}}, 2},
		{"nobody's", hub.IssuanceFilter{Kiosk: "c", Limit: 9}, nil, 0},
	} {
		page, total := b.issued(c.f)
		if d := cmp.Diff(c.want, page); d != "" || total != c.total {
			t.Errorf("%s: %d in all, not %d; page\n%s", c.name, total, c.total, d)
		}
	}
}

// The same shopper's call comes to several hubs at once, and so does the record.
func issuancesByACrowd(t *testing.T, b *bench) {
	errs := make([]error, crowd)
	b.together(func(s Store, i int) {
		one := issuance("a", "I-1")
		errs[i] = s.PutAnswer(t.Context(), hub.AnswerKey{Kiosk: "a", Scope: wire.PathIssueComplete, RequestID: "request-" + name(i%5)},
			hub.Answer{RequestTag: "t", Status: 200, Sealed: sealed(1), Expires: epoch().Add(time.Hour), Issued: &one}, epoch())
	})
	for _, err := range errs {
		must(t, err)
	}
	in := recordOf("I-1", true)
	b.together(func(s Store, i int) { _, errs[i] = s.Put(t.Context(), in, nil, nil) })
	for _, err := range errs {
		must(t, err)
	}
	if page, total := b.issued(hub.IssuanceFilter{Limit: 9}); total != 1 || len(page) != 1 || page[0][1] != in.ID {
		t.Errorf("%d issuances: %v", total, page)
	}
}

// An issuance stays as it is, also for whoever goes round the store.
func issuancesAreFinal(t *testing.T, b *bench) {
	issue(t, b, "request-1", issuance("a", "I-1"))
	put(t, b, recordOf("I-1", true))
	issue(t, b, "request-2", issuance("a", "I-2"))
	blob := "CAST(tag AS BLOB)"
	if b.place.Shared {
		blob = "tag::bytea"
	}
	for _, set := range []string{
		"tag = kiosk || n", "kiosk = 'other'", "record = NULL WHERE record IS NOT NULL", "record = 'x' WHERE record IS NOT NULL",
		"private = " + empty(b), "vault_key = 'x'", "private = " + empty(b) + ", vault_key = 'x'", "private = " + blob + ", vault_key = ''", "private = " + blob,
		"private = " + blob + ", vault_key = 'x', record = 'x' WHERE record IS NULL",
	} {
		err := b.place.Try(t, "UPDATE issuance SET "+set)
		if err == nil || !strings.Contains(err.Error(), "never changed") {
			t.Errorf("%s: %v", set, err)
		}
	}
	if err := b.place.Try(t, "DELETE FROM issuance"); err == nil || !strings.Contains(err.Error(), "never changed") {
		t.Errorf("deleted: %v", err)
	}
	if _, total := b.issued(hub.IssuanceFilter{Limit: 9}); total != 2 {
		t.Errorf("%d issuances", total)
	}
	must(t, b.place.Try(t, "UPDATE issuance SET private = "+blob+", vault_key = 'x'")) // a change of keys
}
