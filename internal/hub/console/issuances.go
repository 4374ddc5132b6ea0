package console

import (
	"net/http"
	"net/url"
	"time"

	"kioskd/internal/hub"
)

// IssuanceRow is an issuance in JSON.
type IssuanceRow struct {
	IssueRef string    `json:"issue_ref"`
	Service  string    `json:"service"`
	Kiosk    string    `json:"kiosk"`
	IssuedAt time.Time `json:"issued_at"`
	Record   string    `json:"record,omitempty"` // ID of the kiosk's submission
}

type issuances struct {
	pager

	Rows       []hub.Issuance
	Kiosk      string
	Unrecorded bool
}

// issuances lists what issuers gave, also what no kiosk has sent a record of.
func (c *Console) issuances(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f, at := issuanceFilter(q, pageSize)
	rows, total, err := c.Store.Issuances(r.Context(), f)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	s := issuances{
		pager: pagerOf(f.Offset, len(rows), total, func(by int) string { return linkTo("/issuances", q, at+by, "record", "kiosk") }),
		Rows:  rows, Kiosk: f.Kiosk, Unrecorded: f.Unrecorded,
	}
	c.show(w, r, http.StatusOK, "issuances", page{Title: "Issuances", Tab: "issuances", Data: s})
}

func (c *Console) apiIssuances(w http.ResponseWriter, r *http.Request) {
	f, _ := issuanceFilter(r.URL.Query(), sizeOf(r.URL.Query()))
	list, total, err := c.Store.Issuances(r.Context(), f)
	if err != nil {
		c.apiFailed(w, r, err)
		return
	}
	rows := make([]IssuanceRow, 0, len(list))
	for _, i := range list {
		rows = append(rows, IssuanceRow{i.IssueRef, i.Service, i.Kiosk, i.IssuedAt, i.Record})
	}
	writeJSON(w, http.StatusOK, map[string]any{"total": total, "issuances": rows})
}

// issuanceFilter reads what to list, in pages of that size.
func issuanceFilter(q url.Values, size int) (f hub.IssuanceFilter, at int) {
	at = pageOf(q)
	return hub.IssuanceFilter{Kiosk: q.Get("kiosk"), Unrecorded: q.Get("record") == "none", Limit: size, Offset: (at - 1) * size}, at
}
