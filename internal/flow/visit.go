package flow

import (
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/secret"
	"kioskd/internal/wire"
)

// visit is everything that belongs to one shopper. It has one end: wipe.
type visit struct {
	plan      Plan
	procedure Procedure
	trail     []StepName // for Back

	issue  issueData
	card   cardData
	apply  applyData
	manage manageData

	guardian bool // a legal guardian acts for a child

	reserved submission
	applied  submission

	// One thing at a time is waited for.
	pending *pending
	// inspecting is the ticket of an Inspect that runs beside the steps; tapping
	// that of a ReadWAON.
	inspecting, tapping uint64
	tapped              uint64 // number of the card whose WAON number was asked for
	// recording is the ticket of the Submit that records an issuance.
	recording uint64

	problem *EntryProblem
	trouble trouble
}

// issueData is what issue asks for and gets.
type issueData struct {
	service  string
	terms    reading
	number   string // of the payment card
	name     string
	era      Era
	birth    string // digits as typed
	phone    string
	session  string
	sentFor  wire.IssueStart // the details the session belongs to
	verified bool            // the one-time password was right
	expires  time.Time
	resendAt time.Time
	resends  int
	tries    int
	code     secret.Secret
	password secret.Secret

	ref       string
	serviceID string
	codes     []Code
	slip      slipState
	recordID  string
}

// done reports whether ID and code have been issued in this visit.
func (d *issueData) done() bool { return d.serviceID != "" }

// cardData is the My Number card of the visit.
type cardData struct {
	number  uint64 // the card that was inspected; 0 = none
	holder  string
	tries   int
	purpose purpose
	pin     secret.Secret
	// pinFor is the holder that the PIN was typed for, "" for a phone whose
	// certificate is not known yet.
	pinFor   string
	pinCard  uint64 // the card number it was typed for
	lastTry  bool   // the explicit yes to the last try
	attempts int    // signatures asked for without an answer of the card
	refused  uint64 // number of a card that was found unusable
	signer   string // holder of the card that has signed in this visit
	// triesAt is the counter before a VERIFY whose answer was lost; -1 = none.
	triesAt int
	problem fault.Code
	// unsent is what the card signed and the outbox did not take yet.
	unsent *wire.Signed
}

// purpose is what the card signs.
type purpose string

const (
	forReserve purpose = "reserve"
	forApply   purpose = "apply"
	forResume  purpose = "resume" // an inquiry that opens apply after an earlier reserve
)

// applyData is what apply asks for.
type applyData struct {
	query   string
	page    int
	service string
	terms   reading
	id      string
	codes   []secret.Secret
	index   int // which code is being typed
	last4   string
	// carried: ID, codes and digits come from the issuance of this visit.
	carried bool
	resumed bool // the PIN has opened it
	// editing: a row of the check screen is being changed; Next returns there.
	editing bool
}

// manageData is the log-in and what it shows.
type manageData struct {
	phone    string
	password secret.Secret
	account  *wire.Account
	page     int
}

// reading is the state of terms.
type reading struct {
	page    int
	highest int // highest page seen
	ticked  bool
}

// submission is a reservation or application of this visit.
type submission struct {
	id       string
	number   string
	delivery Delivery
	because  fault.Code
	verdict  wire.Verdict
	until    time.Time // when "sending" becomes "queued"
	slip     slipState
}

// slipState is what became of a slip.
type slipState struct {
	ticket  uint64
	outcome SlipOutcome
	because fault.Code
}

// pending is the one answer that the shopper waits for.
type pending struct {
	ticket uint64
	with   BusyWith
	since  time.Time
	limit  time.Duration
}

// trouble is the fault that has the screen.
type trouble struct {
	code    fault.Code
	retryTo StepName // where Next goes; "" = no retry
	other   string
	wait    time.Duration
	kept    bool
}

// wipe zeroes every secret. The visit must not be used afterwards.
func (v *visit) wipe() {
	v.issue.code.Wipe()
	v.issue.password.Wipe()
	wipeAll(v.issue.codes)
	v.card.pin.Wipe()
	wipeAll(v.apply.codes)
	v.manage.password.Wipe()
	*v = visit{}
}

func wipeAll(list []secret.Secret) {
	for i := range list {
		list[i].Wipe()
	}
}

func cloneAll(list []secret.Secret) []secret.Secret {
	out := make([]secret.Secret, len(list))
	for i := range list {
		out[i] = list[i].Clone()
	}
	return out
}
