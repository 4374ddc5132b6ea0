package sync

import (
	"slices"
	"strings"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// AuditEvent is something that the audit log tells of. The set is closed.
type AuditEvent string

// The events that others note, by [Outbox.Note]. Beside each: subject; detail.
const (
	AuditProgram     AuditEvent = "program"         // –; version that has started
	AuditConfig      AuditEvent = "config"          // –; hash of a configuration that is not the one of before
	AuditStopped     AuditEvent = "stopped"         // –; ok or failed
	AuditEnrolled    AuditEvent = "enrolled"        // –; the kiosk's ID, where it has the form of one
	AuditRenewed     AuditEvent = "renewed"         // –; –
	AuditHubKeys     AuditEvent = "hub_keys"        // –; hash of the hub's keys, which are not those of before
	AuditRevoked     AuditEvent = "revoked"         // –; –
	AuditRestored    AuditEvent = "restored"        // –; –
	AuditVisitBegun  AuditEvent = "visit_begun"     // visit; plan
	AuditVisitOver   AuditEvent = "visit_over"      // visit; how it ended
	AuditProcedure   AuditEvent = "procedure_begun" // visit; procedure
	AuditPINWrong    AuditEvent = "pin_wrong"       // visit; tries left
	AuditPINBlocked  AuditEvent = "pin_blocked"     // visit; –
	AuditStaffCalled AuditEvent = "staff_called"    // visit; screen or button
	AuditStaffDone   AuditEvent = "staff_done"      // visit; –
	AuditStaffEnds   AuditEvent = "staff_ends"      // visit; –
	AuditReprinted   AuditEvent = "reprinted"       // submission; –
	AuditRefused     AuditEvent = "request_refused" // –; why
	AuditDock        AuditEvent = "dock_used"       // –; which handle
	AuditRepeated    AuditEvent = "repeated"        // –; how many like the ones before were not noted one by one
	AuditLost        AuditEvent = "notes_lost"      // –; how many could not be noted
)

// The events that the outbox notes itself.
const (
	auditStarted      AuditEvent = "started"
	auditCommitted    AuditEvent = "committed"
	auditAcknowledged AuditEvent = "acknowledged" // the trigger on submissions reads this word
	auditQuarantined  AuditEvent = "quarantined"
	auditRequeued     AuditEvent = "requeued"
	auditSlip         AuditEvent = "slip"
	auditVisitEnded   AuditEvent = "visit_ended"
	auditFound        AuditEvent = "found"
	auditRescued      AuditEvent = "rescued"     // the file was damaged: what follows stands in a new one
	auditBegun        AuditEvent = "log_begun"   // the log's ID; the log before it
	auditForgotten    AuditEvent = "forgotten"   // –; how many rows, which the hub has
	auditBackedUp     AuditEvent = "backed_up"   // –; –
	auditDisputed     AuditEvent = "log_refused" // the log's ID; what the hub has against it
)

// rule is what may stand beside an event. There is no rule that lets a name, a number
// of a phone or card, or anything typed, through.
type rule struct {
	noted   bool // from outside, by Note
	subject func(string) bool
	detail  func(string) bool
}

// ruleOf gives the rule of an event; nothing for one that is not of the set.
func ruleOf(e AuditEvent) (rule, bool) {
	switch e {
	case AuditProgram:
		return rule{true, nothing, isVersion}, true
	case AuditConfig, AuditHubKeys:
		return rule{true, nothing, wire.AuditDigest}, true
	case AuditStopped:
		return rule{true, nothing, oneOf("ok", "failed")}, true
	case AuditEnrolled:
		return rule{true, nothing, perhaps(wire.AuditKiosk)}, true
	case AuditRenewed, AuditRevoked, AuditRestored:
		return rule{true, nothing, nothing}, true
	case AuditVisitBegun:
		return rule{true, wire.AuditVisit, oneOf("full", "issue", "reserve", "apply", "manage", "reserve_apply")}, true
	case AuditProcedure:
		return rule{true, wire.AuditVisit, oneOf("issue", "reserve", "apply", "manage")}, true
	case AuditVisitOver:
		return rule{true, wire.AuditVisit, oneOf("finished", "left", "idle", "staff", "defect")}, true
	case AuditPINWrong:
		return rule{true, wire.AuditVisit, oneOf("0", "1", "2", "3")}, true
	case AuditPINBlocked, AuditStaffDone, AuditStaffEnds:
		return rule{true, perhaps(wire.AuditVisit), nothing}, true
	case AuditStaffCalled:
		return rule{true, perhaps(wire.AuditVisit), oneOf("screen", "button")}, true
	case AuditReprinted:
		return rule{true, wire.ValidID, nothing}, true
	case AuditRefused:
		return rule{true, nothing, oneOf("foreign_host", "foreign_origin", "no_token")}, true
	case AuditDock:
		return rule{true, nothing, oneOf("card", "reader", "tear", "printer", "slips", "line", "clock", "reset")}, true
	case AuditRepeated, AuditLost:
		return rule{true, nothing, wire.AuditCount}, true
	case auditStarted:
		return rule{false, wire.ValidID, nothing}, true
	case auditCommitted:
		return rule{false, wire.ValidID, wire.AuditDigest}, true
	case auditAcknowledged:
		return rule{false, wire.ValidID, either(oneOf("accepted"), isFault)}, true
	case auditQuarantined:
		return rule{false, wire.ValidID, isFault}, true
	case auditRequeued, auditForgotten:
		return rule{false, nothing, wire.AuditCount}, true
	case auditSlip:
		return rule{false, wire.ValidID, isSlipState}, true
	case auditVisitEnded:
		return rule{false, wire.AuditVisit, nothing}, true
	case auditFound:
		return rule{false, wire.ValidID, wire.AuditCount}, true
	case auditRescued, auditBackedUp:
		return rule{false, nothing, nothing}, true
	case auditBegun:
		return rule{false, wire.ValidID, perhaps(wire.ValidID)}, true
	case auditDisputed:
		return rule{false, wire.ValidID, oneOf(string(wire.AuditGap), string(wire.AuditFork), string(wire.AuditBroken))}, true
	}
	return rule{}, false
}

func nothing(s string) bool { return s == "" }

func oneOf(words ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(words, s) }
}

func perhaps(is func(string) bool) func(string) bool { return either(nothing, is) }

func either(a, b func(string) bool) func(string) bool {
	return func(s string) bool { return a(s) || b(s) }
}

// isVisitName: as the kiosk names visits, by the life of its state and a number in it.
func isVisitName(s string) bool {
	life, n, ok := strings.Cut(s, "-")
	return ok && wire.AuditCount(life) && wire.AuditCount(n)
}

func isFault(s string) bool { return slices.Contains(fault.All(), fault.Code(s)) }

func isSlipState(s string) bool {
	switch SlipState(s) {
	case SlipQueued, SlipSending, SlipPrinted, SlipUnconfirmed, SlipFailed, SlipUnknown, SlipExpired:
		return true
	case slipNone:
	}
	return false
}

// isVersion: what git calls a state of the program.
func isVersion(s string) bool {
	return (s == "dev" || strings.HasPrefix(s, "v")) && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.+-") == ""
}
