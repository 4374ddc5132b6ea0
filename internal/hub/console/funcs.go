package console

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// silence is when a kiosk that says nothing counts as away.
const silence = 3 * time.Minute

func (c *Console) funcs() template.FuncMap {
	return template.FuncMap{
		"ago":        func(t time.Time) string { return ago(c.Now().Sub(t)) },
		"exact":      func(t time.Time) string { return t.In(jst()).Format("2006-01-02 15:04:05 JST") },
		"zoned":      zoned,
		"stamp":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"number":     wire.NumberOf,
		"kind":       kindName,
		"phone":      groupPhone,
		"group4":     group4,
		"check":      checkName,
		"alarm":      alarmName,
		"submission": submissionOf,
		"audit":      aboutAudit,
		"clock":      func(s int64) time.Time { return time.Unix(s, 0) },
		"join":       strings.Join,
		"short":      short,
		"hex":        func(b []byte) string { return fmt.Sprintf("%x", b) },
	}
}

// zoned shows the times within a text in the zone of all others: alarms are told in UTC,
// for whoever reads them elsewhere.
func zoned(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		bare := strings.TrimRight(word, ",;:)")
		if at, err := time.Parse(time.RFC3339, bare); err == nil {
			words[i] = at.In(jst()).Format("2006-01-02 15:04:05 JST") + word[len(bare):]
		}
	}
	return strings.Join(words, " ")
}

func jst() *time.Location { return time.FixedZone("JST", 9*60*60) }

func ago(d time.Duration) string {
	switch {
	case d < 0:
		return "in the future"
	case d < 10*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

func kindName(k wire.Kind) string {
	switch k {
	case wire.KindIssuance:
		return "Issuance"
	case wire.KindReservation:
		return "Reservation"
	case wire.KindApplication:
		return "Application"
	case wire.KindInquiry:
		return "Inquiry"
	}
	return "Unreadable"
}

func checkName(n hub.CheckName) string {
	names := map[hub.CheckName]string{
		hub.CheckSeal: "Seal opened", hub.CheckPayload: "Content parses", hub.CheckCanonical: "Document is canonical",
		hub.CheckKiosk: "Names this kiosk", hub.CheckTime: "Time of signing is plausible",
		hub.CheckChain: "Issued under a pinned root", hub.CheckValidity: "Certificate valid when signed",
		hub.CheckUsage: "Key may sign", hub.CheckSignature: "Card's signature verifies",
		hub.CheckReplay: "Document is new", hub.CheckVerdict: "Points platform agrees",
	}
	if s, ok := names[n]; ok {
		return s
	}
	return string(n)
}

func alarmName(k hub.AlarmKind) string {
	names := map[hub.AlarmKind]string{
		hub.AlarmConflict: "Same id, other content", hub.AlarmUnreadable: "Submission cannot be read",
		hub.AlarmForged: "Signed document not genuine", hub.AlarmReplayed: "One document sent twice",
		hub.AlarmForeign: "Kiosk acts for another", hub.AlarmGarbage: "Kiosk sends rubbish",
		hub.AlarmClock: "Kiosk's clock is wrong", hub.AlarmKey: "Sealed to an unknown key",
		hub.AlarmCloned: "Two machines with one identity", hub.AlarmEnrol: "Wrong pairing codes are tried",
		hub.AlarmAuditGap: "Audit log has a gap", hub.AlarmAuditFork: "Audit log forks",
		hub.AlarmAuditBroken: "Audit log is broken", hub.AlarmAuditSilent: "Audit log is kept back",
		hub.AlarmMessages: "Kiosk wants too many messages", hub.AlarmWorthless: "Too much that is not genuine",
		hub.AlarmHoard:    "Kiosk has too much stored",
		hub.AlarmHubClock: "A hub's clock seems to have jumped",
		hub.AlarmUnknown:  "Kiosks that the database does not know",
	}
	if s, ok := names[k]; ok {
		return s
	}
	return string(k)
}

// submissionOf is the ID of the submission that an alarm is about, of several the last
// one: its text begins with it.
func submissionOf(a hub.Alarm) string {
	id, _, _ := strings.Cut(a.Text, ":")
	if a.Subject != "" {
		id = a.Subject
	}
	if !wire.ValidID(id) {
		return ""
	}
	return id
}

func groupPhone(p string) string {
	if len(p) != 11 {
		return p
	}
	return p[:3] + "-" + p[3:7] + "-" + p[7:]
}

func group4(s string) string {
	var b strings.Builder
	for i, r := range []rune(s) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// short cuts a random name to what tells it from others.
func short(s string) string {
	const n = 8
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

// state is a kiosk's status first, then its cause.
type state struct{ Level, Word, Cause string }

func stateOf(k hub.Kiosk, now time.Time) state {
	switch {
	case k.Revoked():
		cause := "refused since " + k.RevokedAt.In(jst()).Format("2006-01-02 15:04 JST")
		if k.RevokedFor != "" {
			cause += ": " + k.RevokedFor
		}
		return state{"bad", "Revoked", cause}
	case k.ReportedAt.IsZero():
		return state{"off", "Never seen", "enrolled, but has not reported yet"}
	case now.Sub(k.ReportedAt) > silence:
		return state{"bad", "Silent", "no report for more than 3 minutes"}
	case len(k.Report.Faults) > 0:
		names := make([]string, len(k.Report.Faults))
		for i, f := range k.Report.Faults {
			names[i] = string(f)
		}
		return state{"warn", "Fault", strings.Join(names, ", ")}
	}
	return state{"ok", "In service", "screen: " + k.Report.Screen}
}
