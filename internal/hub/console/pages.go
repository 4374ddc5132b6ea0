package console

import (
	"errors"
	"net/http"
	"net/url"

	"kioskd/internal/hub"
	"kioskd/internal/hub/sandbox"
	"kioskd/internal/wire"
)

const (
	pageSize     = 25
	alarmsShown  = 20
	messagesSeen = 50
)

type kioskRow struct {
	hub.Kiosk
	State state
	Links []hub.Link
}

type overview struct {
	Kiosks []kioskRow
	Counts []hub.Count
	Alarms []hub.Alarm
	Recent []hub.Stored
	InUse  int
}

func (c *Console) overview(w http.ResponseWriter, r *http.Request) {
	var o overview
	kiosks, err1 := c.Store.Kiosks(r.Context())
	counts, err2 := c.Store.Counts(r.Context())
	alarms, err3 := c.Store.Alarms(r.Context(), alarmsShown)
	recent, _, err4 := c.Store.Submissions(r.Context(), hub.Filter{Limit: 8})
	links, err5 := c.Store.Links(r.Context(), hub.LinkFilter{})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		c.failed(w, r, err)
		return
	}
	o.Alarms, o.Recent, o.Counts = alarms, recent, allKinds(counts)
	of := map[string][]hub.Link{}
	for _, l := range links {
		of[l.Kiosk] = append(of[l.Kiosk], l)
	}
	for _, k := range kiosks {
		row := kioskRow{k, stateOf(k, c.Now()), of[k.ID]}
		if row.State.Level == "ok" || row.State.Level == "warn" {
			o.InUse++
		}
		o.Kiosks = append(o.Kiosks, row)
	}
	c.show(w, r, http.StatusOK, "overview", page{Title: "Overview", Tab: "overview", Refresh: 10, Data: o})
}

// allKinds lists the three kinds also when there is none of one yet.
func allKinds(have []hub.Count) []hub.Count {
	out := []hub.Count{{Kind: wire.KindApplication}, {Kind: wire.KindReservation}, {Kind: wire.KindIssuance}}
	for _, h := range have {
		found := false
		for i := range out {
			if out[i].Kind == h.Kind {
				out[i], found = h, true
			}
		}
		if !found {
			out = append(out, h)
		}
	}
	return out
}

type submissions struct {
	pager

	Rows    []hub.Stored
	Kind    string
	Verdict string
	Kiosk   string
}

func (c *Console) submissions(w http.ResponseWriter, r *http.Request) {
	f, at := filter(r.URL.Query(), pageSize)
	rows, total, err := c.Store.Submissions(r.Context(), f)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	s := submissions{
		pager: pagerOf(f.Offset, len(rows), total, func(by int) string { return linkTo("/submissions", r.URL.Query(), at+by, "kind", "verdict", "kiosk") }),
		Rows:  rows, Kind: string(f.Kind), Kiosk: f.Kiosk, Verdict: r.URL.Query().Get("verdict"),
	}
	c.show(w, r, http.StatusOK, "submissions", page{Title: "Submissions", Tab: "submissions", Data: s})
}

// filter reads what to list, in pages of that size; what does not parse is left out.
func filter(q url.Values, size int) (f hub.Filter, at int) {
	at = pageOf(q)
	f = hub.Filter{Kiosk: q.Get("kiosk"), Kind: wire.Kind(q.Get("kind")), Limit: size, Offset: (at - 1) * size}
	if v := q.Get("verdict"); v == "accepted" || v == "refused" {
		yes := v == "accepted"
		f.Accepted = &yes
	}
	return f, at
}

func (c *Console) submission(w http.ResponseWriter, r *http.Request) {
	s, err := c.Store.Submission(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, hub.ErrNotFound):
		c.message(w, r, http.StatusNotFound, "There is no such submission", "Search the list by kiosk and kind.")
	case err != nil:
		c.failed(w, r, err)
	default:
		c.show(w, r, http.StatusOK, "submission", page{Title: wire.NumberOf(s.ID), Tab: "submissions", Data: s})
	}
}

func (c *Console) sms(w http.ResponseWriter, r *http.Request) {
	// All phones on one page: a number in the address would stay in the browser's history.
	list, err := c.Sandbox.Messages(r.Context(), "", messagesSeen)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	c.show(w, r, http.StatusOK, "sms", page{Title: "SMS outbox", Tab: "sms", Refresh: 5, Data: list})
}

type testTables struct {
	Cards, Phones []sandbox.Special
	SandboxNow    any
}

func (c *Console) tests(w http.ResponseWriter, r *http.Request) {
	c.show(w, r, http.StatusOK, "tests", page{Title: "Test cards and phones", Tab: "tests", Data: testTables{
		Cards: sandbox.TestCards(), Phones: sandbox.TestPhones(), SandboxNow: c.Sandbox.Now(),
	}})
}
