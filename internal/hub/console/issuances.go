package console

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
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
	Rows       []hub.Issuance
	Total      int
	From, To   int
	Prev, Next string // links; "" = none
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
	s := issuances{Rows: rows, Total: total, From: f.Offset + 1, To: f.Offset + len(rows), Kiosk: f.Kiosk, Unrecorded: f.Unrecorded}
	if at > 1 {
		s.Prev = issuanceLink(q, at-1)
	}
	if s.To < total {
		s.Next = issuanceLink(q, at+1)
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

// pageOf reads which page is asked for; what does not parse is the first.
func pageOf(q url.Values) int {
	at, err := strconv.Atoi(q.Get("page"))
	if err != nil || at < 1 || at > math.MaxInt32 {
		return 1
	}
	return at
}

// sizeOf reads how many rows somebody wants as JSON.
func sizeOf(q url.Values) int {
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 && n <= 1000 {
		return n
	}
	return pageSize
}

func issuanceLink(q url.Values, at int) string { return linkTo("/issuances", q, at, "record", "kiosk") }
