package flow

// Procedure is one of the four procedures of the programme.
type Procedure string

// The procedures.
const (
	Issue   Procedure = "issue"
	Reserve Procedure = "reserve"
	Apply   Procedure = "apply"
	Manage  Procedure = "manage"
)

// Plan is what a visit sets out to do: the choices of the top screen.
type Plan string

// The plans.
const (
	PlanFull    Plan = "full"    // issue, reserve, apply in one go
	PlanIssue   Plan = "issue"   // issue, then on to reserve if wanted
	PlanReserve Plan = "reserve" // reserve, then on to apply if wanted
	PlanApply   Plan = "apply"   // apply, after an earlier reserve
	PlanManage  Plan = "manage"
	// PlanReserveApply is what PlanReserve becomes when the shopper goes on.
	PlanReserveApply Plan = "reserve_apply"
)

// StepName names a step: one question on one screen. It keys the texts:
// "step.<name>.title", ".help", ".next".
type StepName string

// The steps.
const (
	StepTop       StepName = "top"
	StepRecovered StepName = "recovered" // submissions of an interrupted visit

	StepIssueKind     StepName = "issue_kind"     // which payment card
	StepIssueTerms    StepName = "issue_terms"    // notes and special terms
	StepIssueCard     StepName = "issue_card"     // its number: tap or type
	StepIssueName     StepName = "issue_name"     // in kana
	StepIssueBirth    StepName = "issue_birth"    // date of birth
	StepGuardian      StepName = "guardian"       // under 15: a legal guardian acts
	StepIssuePhone    StepName = "issue_phone"    // receives SMS
	StepIssueCode     StepName = "issue_code"     // one-time password
	StepIssuePassword StepName = "issue_password" // for the management page
	StepIssued        StepName = "issued"         // ID and code

	StepCard    StepName = "card"     // put the My Number card on the reader
	StepPIN     StepName = "pin"      // its four digits
	StepLastTry StepName = "last_try" // one try left: really?
	StepReading StepName = "reading"  // the card signs; leave it there

	StepReserved StepName = "reserved" // MyKey ID issued, or queued

	StepSearch     StepName = "apply_search"  // find the payment service
	StepService    StepName = "apply_service" // look at it
	StepApplyTerms StepName = "apply_terms"
	StepApplyID    StepName = "apply_id"    // payment service ID
	StepApplyCode  StepName = "apply_code"  // security code(s)
	StepApplyPhone StepName = "apply_phone" // last four digits
	StepCheck      StepName = "apply_check" // everything, before the irrevocable
	StepApplied    StepName = "applied"

	StepManagePhone    StepName = "manage_phone"
	StepManagePassword StepName = "manage_password"
	StepManage         StepName = "manage"

	StepTrouble StepName = "trouble" // a fault that needs its own screen
	StepGoodbye StepName = "goodbye" // everything is wiped
)

// Steps lists every step in the order of a full visit.
func Steps() []StepName {
	return []StepName{
		StepTop, StepRecovered,
		StepIssueKind, StepIssueTerms, StepIssueCard, StepIssueName, StepIssueBirth, StepGuardian,
		StepIssuePhone, StepIssueCode, StepIssuePassword, StepIssued,
		StepCard, StepPIN, StepLastTry, StepReading, StepReserved,
		StepSearch, StepService, StepApplyTerms, StepApplyID, StepApplyCode, StepApplyPhone, StepCheck, StepApplied,
		StepManagePhone, StepManagePassword, StepManage,
		StepTrouble, StepGoodbye,
	}
}

// OverlayKind is what can lie over a screen.
type OverlayKind string

// The overlays.
const (
	OverlayNone     OverlayKind = ""
	OverlayIdle     OverlayKind = "idle"     // are you still there?
	OverlayHome     OverlayKind = "home"     // really start over?
	OverlayStaff    OverlayKind = "staff"    // staff has been called
	OverlayLanguage OverlayKind = "language" // choose a language
	OverlayDisplay  OverlayKind = "display"  // type size, contrast, volume
)

// Contrast is a theme.
type Contrast string

// The themes.
const (
	ContrastNormal Contrast = "normal"
	ContrastHigh   Contrast = "high" // black on white, no greys
	ContrastDark   Contrast = "dark" // white on black
)

// Era is a calendar for birth dates.
type Era string

// The calendars.
const (
	EraWestern Era = "western" // 8 digits, YYYYMMDD
	EraTaisho  Era = "taisho"
	EraShowa   Era = "showa"
	EraHeisei  Era = "heisei"
	EraReiwa   Era = "reiwa"
)

// Eras lists the calendars in the order of the screen.
func Eras() []Era { return []Era{EraShowa, EraHeisei, EraReiwa, EraTaisho, EraWestern} }

// Signal is what the lights say; light.Signal has the same values.
type Signal string

// The signals that a visit and its devices call for.
const (
	SignalIdle         Signal = "idle"
	SignalPutCard      Signal = "put_card"
	SignalReading      Signal = "reading"
	SignalWorking      Signal = "working"
	SignalDone         Signal = "done"
	SignalLookAtScreen Signal = "look_at_screen"
	SignalStaffWanted  Signal = "staff_wanted"
	SignalOutOfService Signal = "out_of_service"
)
