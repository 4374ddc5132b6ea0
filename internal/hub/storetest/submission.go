package storetest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

func submissionComesBack(t *testing.T, b *bench) {
	full := submission("full")
	full.DocumentHash = document("full")
	bare := hub.Stored{ // what nobody could read
		ID: wire.NewSubmissionID(), Kiosk: "demo", KeyID: "k1", Sealed: []byte{0}, Hash: document("bare"),
		StoredAt: epoch(), Ack: []byte{0, 255},
	}
	for name, in := range map[string]hub.Stored{"full": full, "bare": bare} {
		out, err := b.Put(t.Context(), in, nil, nil)
		must(t, err)
		if d := cmp.Diff(in, out); d != "" {
			t.Errorf("%s: Put gave another row:\n%s", name, d)
		}
		want := in
		want.StoredAt = kept(in.StoredAt)
		if !in.SignedAt.IsZero() {
			want.SignedAt = kept(in.SignedAt)
		}
		for _, s := range b.all {
			got, err := s.Submission(t.Context(), in.ID)
			must(t, err)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: came back as\n%s", name, d)
			}
			if got.StoredAt.Location() != time.UTC {
				t.Errorf("%s: time is in %v", name, got.StoredAt.Location())
			}
		}
	}
	_, err := b.Submission(t.Context(), wire.NewSubmissionID())
	mustBe(t, err, hub.ErrNotFound)
	must(t, b.Check(t.Context()))
}

func putIsIdempotent(t *testing.T, b *bench) {
	first := submission("one")
	_, err := b.Put(t.Context(), first, quarantined(first), alarmed(first))
	must(t, err)
	again := first
	again.Ack, again.Verdict, again.StoredAt = []byte("a later one"), wire.Verdict{}, epoch().Add(time.Hour)
	for range 3 {
		got, err := b.Put(t.Context(), again, quarantined(again), alarmed(again))
		must(t, err)
		if !bytes.Equal(got.Ack, first.Ack) || got.Verdict != first.Verdict || !got.StoredAt.Equal(kept(first.StoredAt)) {
			t.Fatalf("the second Put gave %+v", got)
		}
	}
	other := submission("two")
	other.ID = first.ID
	_, err = b.Put(t.Context(), other, quarantined(other), alarmed(other))
	mustBe(t, err, hub.ErrOtherContent)
	foreign := first
	foreign.Kiosk = "other"
	_, err = b.Put(t.Context(), foreign, quarantined(foreign), alarmed(foreign))
	mustBe(t, err, hub.ErrOtherContent)
	got, err := b.Submission(t.Context(), first.ID)
	must(t, err)
	if !bytes.Equal(got.Ack, first.Ack) || !bytes.Equal(got.Sealed, first.Sealed) {
		t.Error("the stored row changed")
	}
	list, err := b.Alarms(t.Context(), 10)
	must(t, err)
	if n := b.place.Quarantined(t); n != 1 || len(list) != 1 || list[0].Times != 1 {
		t.Errorf("%d in quarantine, alarms %+v: only what was stored may count", n, list)
	}
}

func putByACrowd(t *testing.T, b *bench) {
	in := submission("one")
	in.DocumentHash = document("one")
	acks, errs := make([][]byte, crowd), make([]error, crowd)
	b.together(func(s Store, i int) {
		mine := in
		mine.Ack = []byte(name(i))
		out, err := s.Put(t.Context(), mine, quarantined(mine), alarmed(mine))
		acks[i], errs[i] = out.Ack, err
	})
	row, err := b.Submission(t.Context(), in.ID)
	must(t, err)
	for i := range crowd {
		if errs[i] != nil || !bytes.Equal(acks[i], row.Ack) {
			t.Errorf("%d got %q (%v), not %q", i, acks[i], errs[i], row.Ack)
		}
	}
	list, err := b.Alarms(t.Context(), 10)
	must(t, err)
	if b.total() != 1 || b.place.Quarantined(t) != 1 || len(list) != 1 || list[0].Times != 1 {
		t.Errorf("%d rows, %d in quarantine, alarms %+v", b.total(), b.place.Quarantined(t), list)
	}
}

func putOfTwoContentsByACrowd(t *testing.T, b *bench) {
	for range 5 {
		left, right := submission("left"), submission("right")
		right.ID = left.ID
		before := b.total()
		outs, errs := make([]hub.Stored, crowd), make([]error, crowd)
		b.together(func(s Store, i int) {
			in := left
			if i%4 >= 2 { // both over every store
				in = right
			}
			outs[i], errs[i] = s.Put(t.Context(), in, nil, nil)
		})
		row, err := b.Submission(t.Context(), left.ID)
		must(t, err)
		for i := range crowd {
			won := bytes.Equal(row.Hash, left.Hash) == (i%4 < 2)
			switch {
			case won && (errs[i] != nil || !bytes.Equal(outs[i].Ack, row.Ack)):
				t.Errorf("%d, of the content that is stored, got %q (%v)", i, outs[i].Ack, errs[i])
			case !won && !errors.Is(errs[i], hub.ErrOtherContent):
				t.Errorf("%d, of the other content, got %v", i, errs[i])
			}
		}
		if n := b.total() - before; n != 1 {
			t.Errorf("%d rows", n)
		}
	}
}

func documentCountsOnce(t *testing.T, b *bench) {
	first, second := submission("first"), submission("second")
	first.DocumentHash, second.DocumentHash = document("d"), document("d")
	put(t, b, first)
	_, err := b.Put(t.Context(), second, quarantined(second), alarmed(second))
	mustBe(t, err, hub.ErrDocumentUsed)
	_, err = b.Submission(t.Context(), second.ID)
	mustBe(t, err, hub.ErrNotFound)
	put(t, b, first) // its own document is no hindrance
	for hash, want := range map[string]string{"d": first.ID, "e": ""} {
		if stored, got, err := b.Known(t.Context(), second.ID, document(hash)); err != nil || got != want || stored {
			t.Errorf("document %s: in %q (%v), not in %q; the id is stored: %v", hash, got, err, want, stored)
		}
		if stored, got, err := b.Known(t.Context(), first.ID, document(hash)); err != nil || got != "" || !stored {
			t.Errorf("document %s beside its own: in %q (%v); the id is stored: %v", hash, got, err, stored)
		}
	}
	// The id is looked at before the document.
	mixed := second
	mixed.ID = first.ID
	_, err = b.Put(t.Context(), mixed, nil, nil)
	mustBe(t, err, hub.ErrOtherContent)
	// Without a document there may be many.
	for range 2 {
		put(t, b, submission("none"))
	}
	if list, err := b.Alarms(t.Context(), 10); err != nil || len(list) != 0 || b.place.Quarantined(t) != 0 {
		t.Errorf("%d in quarantine, alarms %+v (%v)", b.place.Quarantined(t), list, err)
	}
}

func documentByACrowd(t *testing.T, b *bench) {
	ids, errs := make([]string, crowd), make([]error, crowd)
	b.together(func(s Store, i int) {
		in := submission(name(i))
		in.DocumentHash, ids[i] = document("d"), in.ID
		_, errs[i] = s.Put(t.Context(), in, quarantined(in), alarmed(in))
	})
	_, winner, err := b.Known(t.Context(), "", document("d"))
	must(t, err)
	for i := range crowd {
		if (ids[i] == winner) != (errs[i] == nil) || errs[i] != nil && !errors.Is(errs[i], hub.ErrDocumentUsed) {
			t.Errorf("%d of %d: %v, and %s is stored", i, crowd, errs[i], winner)
		}
	}
	if b.total() != 1 || b.place.Quarantined(t) != 1 {
		t.Errorf("%d rows, %d in quarantine", b.total(), b.place.Quarantined(t))
	}
}
