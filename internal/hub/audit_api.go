package hub

import (
	"encoding/json"
	"net/http"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

const (
	// auditPatience is how long what a kiosk says of its log may differ from what the hub
	// has of it, and how long the hub trusts its memory of which log is the newest.
	auditPatience = time.Hour
	// auditReports is how many signs of life must differ: the first after a night without
	// a line is made before the log has come.
	auditReports = 4
	// auditOlder and auditOlderReports are the same where a kiosk tells of fewer entries
	// of its newest log than have come before. That is no matter of waiting: a sign of
	// life that was made since then tells of as many. They bear with some that come late.
	auditOlder        = 2 * time.Minute
	auditOlderReports = 3
)

// audit takes a piece of a kiosk's audit log. Whatever is wrong with it as a log is
// said in the answer: a refusal would tell a kiosk nothing that it can act on.
func (a *API) audit(w http.ResponseWriter, r *http.Request, kiosk string) {
	b, p := body(w, r)
	if p != nil {
		replyProblem(w, p)
		return
	}
	batch, err := wire.DecodeAuditBatch(b)
	if err != nil {
		a.garbage(r.Context(), kiosk, r.URL.Path)
		replyProblem(w, refuse(http.StatusBadRequest, fault.BadMessage, err.Error()))
		return
	}
	if wait := a.mayHoard(r.Context(), kiosk, budgetAudit, a.Audit.or(auditDaily, auditMost), len(batch.Entries)); wait > 0 {
		replyProblem(w, tooMuch(wait))
		return
	}
	answer, err := a.Store.TakeAudit(r.Context(), kiosk, batch, a.Now())
	if err != nil {
		a.broken(w, "audit log not stored", err)
		return
	}
	if answer.Verdict != wire.AuditTaken {
		a.Log.Error("Audit log not taken", "kiosk", kiosk, "log", batch.Log, "verdict", answer.Verdict,
			"from", batch.Entries[0].N, "have", answer.N, "alarm", true)
	}
	out, err := json.Marshal(answer)
	if err != nil {
		a.broken(w, "answer not made", err)
		return
	}
	reply(w, http.StatusOK, out)
}
