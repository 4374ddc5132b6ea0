package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

const (
	entriesSeen = 50 // of each log
	logsSeen    = 5  // of a kiosk, the newest
)

// auditLog is a log with its newest entries, the newest first.
type auditLog struct {
	hub.AuditLog
	Entries []hub.AuditEntry
}

type auditPage struct {
	Kiosk  string
	Kiosks []hub.Kiosk
	Logs   []auditLog
	Alarms []hub.Alarm
}

// aboutAudit reports whether an alarm is about an audit log.
func aboutAudit(k hub.AlarmKind) bool {
	switch k {
	case hub.AlarmAuditGap, hub.AlarmAuditFork, hub.AlarmAuditBroken, hub.AlarmAuditSilent:
		return true
	default:
		return false
	}
}

func (c *Console) audit(w http.ResponseWriter, r *http.Request) {
	p := auditPage{Kiosk: r.URL.Query().Get("kiosk")}
	logs, err1 := c.auditLogs(r.Context(), p.Kiosk)
	kiosks, err2 := c.Store.Kiosks(r.Context())
	alarms, err3 := c.Store.Alarms(r.Context(), 1000)
	if err := errors.Join(err1, err2, err3); err != nil {
		c.failed(w, r, err)
		return
	}
	p.Logs, p.Kiosks = logs, kiosks
	for _, a := range alarms {
		if aboutAudit(a.Kind) && (p.Kiosk == "" || a.Kiosk == p.Kiosk) && len(p.Alarms) < alarmsShown {
			p.Alarms = append(p.Alarms, a)
		}
	}
	c.show(w, r, http.StatusOK, "audit", page{Title: "Audit log", Tab: "audit", Data: p})
}

// auditLogs gives the newest logs of a kiosk, or of the hubs, with their newest entries.
func (c *Console) auditLogs(ctx context.Context, kiosk string) (list []auditLog, err error) {
	if kiosk == "" {
		return nil, nil
	}
	ask := kiosk
	if kiosk == hub.OwnLog {
		ask = ""
	}
	all, err := c.Store.AuditLogs(ctx, ask)
	if err != nil {
		return nil, err
	}
	slices.Reverse(all)
	for _, l := range all {
		if l.Kiosk != ask || len(list) == logsSeen {
			continue
		}
		entries, err := c.Store.AuditEntries(ctx, l.Kiosk, l.Log, max(0, l.N-entriesSeen), entriesSeen)
		if err != nil {
			return nil, err
		}
		slices.Reverse(entries)
		list = append(list, auditLog{l, entries})
	}
	return list, nil
}

func (c *Console) apiAudit(w http.ResponseWriter, r *http.Request) {
	logs, err := c.auditLogs(r.Context(), r.URL.Query().Get("kiosk"))
	if err != nil {
		c.apiFailed(w, r, err)
		return
	}
	type row struct {
		Log     string            `json:"log"`
		Prior   string            `json:"prior,omitempty"`
		N       int64             `json:"n"`
		Hash    []byte            `json:"hash"`
		At      time.Time         `json:"at"`
		Whole   time.Time         `json:"whole,omitzero"`
		Entries []wire.AuditEntry `json:"entries"`
	}
	rows := make([]row, 0, len(logs))
	for _, l := range logs {
		out := row{Log: l.Log, Prior: l.Prior, N: l.N, Hash: l.Hash, At: l.At, Whole: l.Whole, Entries: []wire.AuditEntry{}}
		for _, e := range l.Entries {
			out.Entries = append(out.Entries, e.AuditEntry)
		}
		rows = append(rows, out)
	}
	writeJSON(w, http.StatusOK, map[string]any{"logs": rows})
}
