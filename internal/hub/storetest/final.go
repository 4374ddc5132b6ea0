package storetest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// A stored submission stays as it is, also for whoever goes round the store. What
// retention and a change of keys need is let through, and nothing that is near it.
func storedRowsAreFinal(t *testing.T, b *bench) {
	in := submission("one")
	in.DocumentHash = document("one")
	put(t, b, in)
	for _, set := range []string{
		"id = 'x'", "kiosk = 'other'", "schema = 2", "key_id = 'x'", "hash = document_hash", "kind = 'application'", "document_hash = NULL",
		"signed_at = stored_at", "signed_at = NULL", "stored_at = signed_at", "accepted = NOT accepted",
		"sealed = hash", "sealed = private", "private = NULL", "private = hash", "vault_key = 'x'", "vault_key = NULL", "private = NULL, vault_key = NULL",
		"private = hash, vault_key = ''", "private = hash, vault_key = NULL", "ack = hash", "verdict = '{}'", "checks = '[]'", "summary = '{}'",
		"private = hash, vault_key = 'x', ack = hash", "private = hash, vault_key = 'x', kiosk = 'other'", "private = hash, vault_key = 'x', sealed = hash",
	} {
		err := b.place.Try(t, "UPDATE submission SET "+set)
		if err == nil || !strings.Contains(err.Error(), "never changed") {
			t.Errorf("%s: %v", set, err)
		}
	}
	got, err := b.Submission(t.Context(), in.ID)
	must(t, err)
	if !bytes.Equal(got.Sealed, in.Sealed) || got.Verdict != in.Verdict {
		t.Errorf("changed to %+v", got)
	}
	must(t, b.place.Try(t, "UPDATE submission SET private = hash, vault_key = 'x'"))
	must(t, b.place.Try(t, "UPDATE submission SET sealed = "+empty(b)))
	if err := b.place.Try(t, "UPDATE submission SET sealed = hash"); err == nil {
		t.Error("what was cleared can be filled again")
	}
}

// empty is no bytes in the dialect of the place.
func empty(b *bench) string {
	if b.place.Shared {
		return "''::bytea"
	}
	return "x''"
}

// Markers are put wherever something personal can be, and every value in the
// database is searched for them.
func nothingPersonalInClear(t *testing.T, b *bench) {
	in := submission("one")
	in.Verdict = wire.Verdict{Accepted: true, MyKeyID: "ZEBRAMYKEY"}
	in.Checks = []hub.Check{{Name: hub.CheckPayload, Detail: "ZEBRADETAIL"}}
	in.Summary = hub.Summary{Service: "ZEBRASERVICE", ServiceID: "ZEBRAID", IssueRef: "ZEBRAREF", Person: "ZEBRAPERSON"}
	in.Ack = []byte(`{"body": "ZEBRAACK"}`)
	q, a := quarantined(in), alarmed(in)
	q.Reason, a.Text = "ZEBRAREASON", "ZEBRATEXT"
	_, err := b.Put(t.Context(), in, q, a)
	must(t, err)
	q.Hash, a.Subject = document("other"), "other"
	must(t, b.Quarantine(t.Context(), *q, *a))
	a.Subject = "third"
	must(t, b.Raise(t.Context(), *a))
	must(t, b.Raise(t.Context(), *a))
	must(t, b.PutAnswer(t.Context(), hub.AnswerKey{Kiosk: "demo", Scope: "/v1/x", RequestID: "aaaaaaaa"},
		hub.Answer{RequestTag: "t", Status: 200, Sealed: sealed([]byte("ZEBRAANSWER")...), Expires: epoch().Add(time.Hour),
			Issued: &hub.Issuance{Kiosk: "demo", IssueRef: "ZEBRAREF", Service: "ZEBRASERVICE", IssuedAt: epoch()}}, epoch()))
	must(t, hub.Admit(t.Context(), b.bare[0], newVault(t)))
	must(t, b.EnsureKiosk(t.Context(), "demo", epoch()))
	dump := b.place.Dump(t)
	if i := bytes.Index(dump, []byte("ZEBRA")); i >= 0 {
		t.Errorf("the database holds %.40q", dump[i:])
	}
	for _, there := range []string{in.ID, "demo", "/v1/x", string(in.Hash), string(in.Sealed), "third"} { // else the dump shows nothing at all
		if !bytes.Contains(dump, []byte(there)) {
			t.Errorf("the dump does not hold %q", there)
		}
	}
	got, err := b.Submission(t.Context(), in.ID)
	must(t, err)
	list, err := b.Alarms(t.Context(), 9)
	must(t, err)
	if got.Summary != in.Summary || got.Verdict != in.Verdict || len(list) != 3 || list[0].Text != "ZEBRATEXT" {
		t.Errorf("came back as %+v, alarms %+v", got, list)
	}
}

// Upgrade opens a place with what the first version kept in clear: submission ID
// with its quarantine row and alarm, whose texts and values begin with ZEBRA. It is
// read as it is, sealed, and read again.
func Upgrade(t *testing.T, place Place, id string) {
	b := &bench{t: t, place: place}
	if dump := place.Dump(t); bytes.Count(dump, []byte("ZEBRA")) < 5 {
		t.Fatalf("the old database holds nothing in clear: %.200q", dump)
	}
	b.open()
	check := func(when string) {
		t.Helper()
		row, err := b.Submission(t.Context(), id)
		must(t, err)
		if row.Verdict.MyKeyID != "ZEBRAMYKEY" || !row.Verdict.Accepted || row.Summary.Person != "ZEBRAPERSON" || string(row.Ack) != `{"ack": "ZEBRAACK"}` ||
			len(row.Checks) != 1 || row.Checks[0].Detail != "ZEBRADETAIL" || len(row.Sealed) == 0 {
			t.Errorf("%s: %+v", when, row)
		}
		again, err := b.Put(t.Context(), row, nil, nil)
		must(t, err)
		if !bytes.Equal(again.Ack, row.Ack) {
			t.Errorf("%s: another acknowledgement: %q", when, again.Ack)
		}
		if list, _, err := b.Submissions(t.Context(), hub.Filter{Limit: 9}); err != nil || len(list) != 1 || list[0].Verdict != row.Verdict {
			t.Errorf("%s: listed as %+v (%v)", when, list, err)
		}
		if list, err := b.Alarms(t.Context(), 9); err != nil || len(list) != 1 || list[0].Text != "ZEBRATEXT" || list[0].Times != 3 {
			t.Errorf("%s: alarms %+v (%v)", when, list, err)
		}
	}
	check("as it was")
	n, err := hub.Seal(b.bare[0], newVault(t)).ResealAll(t.Context(), nil, func(int) error { return nil })
	must(t, err)
	if n != 3 {
		t.Errorf("%d rows were sealed", n)
	}
	check("sealed")
	b.close()
	if dump := place.Dump(t); bytes.Contains(dump, []byte("ZEBRA")) {
		t.Error("something is in clear still")
	}
	b.open()
	check("opened again")
	b.close()
}
