package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// maxForward is the furthest that one step moves the sandbox's clock.
const maxForward = 400 * 24 * time.Hour

// Row is a submission in JSON.
type Row struct {
	ID       string      `json:"id"`
	Number   string      `json:"number"`
	Kind     wire.Kind   `json:"kind"`
	Kiosk    string      `json:"kiosk"`
	StoredAt time.Time   `json:"stored_at"`
	SignedAt time.Time   `json:"signed_at,omitzero"`
	Verdict  Verdict     `json:"verdict"`
	Summary  hub.Summary `json:"summary"`
	Checks   []hub.Check `json:"checks"`
}

// Verdict is a submission's, without the MyKey ID: that is between the hub and the shopper.
type Verdict struct {
	Accepted    bool       `json:"accepted"`
	Code        fault.Code `json:"code,omitempty"` // why not accepted
	MyKeyIssued bool       `json:"mykey_issued,omitempty"`
	CompleteBy  time.Time  `json:"complete_by,omitzero"`
}

func rowOf(s hub.Stored) Row {
	v := s.Verdict
	return Row{
		ID: s.ID, Number: wire.NumberOf(s.ID), Kind: s.Kind, Kiosk: s.Kiosk, StoredAt: s.StoredAt, SignedAt: s.SignedAt,
		Verdict: Verdict{Accepted: v.Accepted, Code: v.Code, MyKeyIssued: v.MyKeyID != "", CompleteBy: v.CompleteBy},
		Summary: s.Summary, Checks: s.Checks,
	}
}

func (c *Console) apiSubmissions(w http.ResponseWriter, r *http.Request) {
	f, _ := filter(r.URL.Query(), sizeOf(r.URL.Query()))
	list, total, err := c.Store.Submissions(r.Context(), f)
	if err != nil {
		c.apiFailed(w, r, err)
		return
	}
	rows := make([]Row, 0, len(list))
	for _, s := range list {
		rows = append(rows, rowOf(s))
	}
	writeJSON(w, http.StatusOK, map[string]any{"total": total, "submissions": rows})
}

func (c *Console) apiSubmission(w http.ResponseWriter, r *http.Request) {
	s, err := c.Store.Submission(r.Context(), r.PathValue("id"))
	if err != nil {
		c.apiFailed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, rowOf(s))
}

func (c *Console) apiKiosks(w http.ResponseWriter, r *http.Request) {
	list, err := c.Store.Kiosks(r.Context())
	if err != nil {
		c.apiFailed(w, r, err)
		return
	}
	links, err := c.Store.Links(r.Context(), hub.LinkFilter{})
	if err != nil {
		c.apiFailed(w, r, err)
		return
	}
	open := map[string]int{}
	for _, l := range links {
		open[l.Kiosk]++
	}
	type row struct {
		ID         string      `json:"id"`
		Name       string      `json:"name"`
		Links      int         `json:"links"`
		State      string      `json:"state"`
		Cause      string      `json:"cause"`
		ReportedAt time.Time   `json:"reported_at,omitzero"`
		Report     wire.Report `json:"report"`
	}
	rows := make([]row, 0, len(list))
	for _, k := range list {
		s := stateOf(k, c.Now())
		rows = append(rows, row{k.ID, k.Name, open[k.ID], s.Level, s.Cause, k.ReportedAt, k.Report})
	}
	writeJSON(w, http.StatusOK, map[string]any{"kiosks": rows})
}

func (c *Console) apiAlarms(w http.ResponseWriter, r *http.Request) {
	list, err := c.Store.Alarms(r.Context(), 100)
	if err != nil {
		c.apiFailed(w, r, err)
		return
	}
	type row struct {
		Kind    hub.AlarmKind `json:"kind"`
		Kiosk   string        `json:"kiosk"`
		Subject string        `json:"subject"`
		Text    string        `json:"text"`
		First   time.Time     `json:"first"`
		Last    time.Time     `json:"last"`
		Times   int           `json:"times"`
	}
	rows := make([]row, 0, len(list))
	for _, a := range list {
		rows = append(rows, row{a.Kind, a.Kiosk, a.Subject, a.Text, a.First, a.Last, a.Times})
	}
	writeJSON(w, http.StatusOK, map[string]any{"alarms": rows})
}

func (c *Console) apiSMS(w http.ResponseWriter, r *http.Request) {
	list, err := c.Sandbox.Messages(r.Context(), r.URL.Query().Get("phone"), messagesSeen)
	if err != nil {
		c.apiFailed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"messages": list})
}

func (c *Console) apiClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ForwardSec int64 `json:"forward_sec"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || in.ForwardSec < 0 || in.ForwardSec > int64(maxForward/time.Second) {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "cannot move clock: forward_sec is not a number from 0 on"})
		return
	}
	all, err := c.forward(r, time.Duration(in.ForwardSec)*time.Second)
	if err != nil {
		c.apiFailed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"offset_sec": int64(all / time.Second), "now": c.Sandbox.Now()})
}

// forward and reset note what an operator does before it is done: what cannot be noted
// is not done.
func (c *Console) forward(r *http.Request, by time.Duration) (time.Duration, error) {
	if by > 0 {
		err := c.Store.Note(r.Context(), hub.NoteSandboxClock, "", strconv.FormatInt(int64(by/time.Second), 10), c.Now())
		if err != nil {
			return 0, err
		}
	}
	return c.Sandbox.Forward(by), nil
}

func (c *Console) reset(r *http.Request) error {
	if err := c.Store.Note(r.Context(), hub.NoteSandboxReset, "", "", c.Now()); err != nil {
		return err
	}
	return c.Sandbox.Reset(r.Context())
}

func (c *Console) apiReset(w http.ResponseWriter, r *http.Request) {
	if err := c.reset(r); err != nil {
		c.apiFailed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "reset"})
}

func (c *Console) formClock(w http.ResponseWriter, r *http.Request) {
	hours, err := strconv.Atoi(r.PostFormValue("hours"))
	if err != nil || hours < 1 || time.Duration(hours)*time.Hour > maxForward {
		c.message(w, r, http.StatusBadRequest, "The clock was not moved", "The number of hours is not one.")
		return
	}
	if _, err := c.forward(r, time.Duration(hours)*time.Hour); err != nil {
		c.failed(w, r, err)
		return
	}
	http.Redirect(w, r, "/tests", http.StatusSeeOther)
}

func (c *Console) formReset(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("sure") != "yes" {
		c.message(w, r, http.StatusBadRequest, "Nothing was reset", "Tick the box first.")
		return
	}
	if err := c.reset(r); err != nil {
		c.failed(w, r, err)
		return
	}
	http.Redirect(w, r, "/tests", http.StatusSeeOther)
}

func (c *Console) apiFailed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, hub.ErrNotFound) {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "cannot find it"})
		return
	}
	c.Log.Error("Console cannot read", "path", r.URL.Path, "error", err)
	writeJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "cannot read the store"})
}
