package flow

import (
	"bytes"
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
	// Effects that run beside the steps: an Inspect, a ReadWAON, and the Submit
	// that records an issuance.
	inspecting, tapping, recording errand
	tapped                         uint64 // number of the card whose WAON number was asked for

	problem *EntryProblem
	trouble trouble

	arrivals int    // of cards, since the present step began
	ending   string // the visit ends so, once nothing is on its way into the outbox
}

// errand is an effect that runs beside the steps; the zero errand is none.
type errand struct {
	ticket uint64
	due    time.Time // when it is given up, should its answer never come
}

// on reports whether the errand is under way.
func (e errand) on() bool { return e.ticket != 0 }

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
	recordID  string // of the submission that records it
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
	// triesAt is the counter of triesOf before a VERIFY whose answer was lost; a
	// lower one afterwards means that the PIN was wrong. -1 = none.
	triesAt int
	triesOf string // holder
	problem fault.Code
	// unsent is what the card signed and the outbox did not take yet, under
	// unsentID: the same one however often it is tried.
	unsent   *wire.Signed
	unsentID string
	// early is the hub's word on it, which can come before the outbox's.
	early *Acknowledged
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
	// before is what stood on the check screen while something of it is being
	// changed: Next returns there with the new values, Back with the old ones.
	before *applyValues
}

// applyValues are what the shopper chooses and types in apply.
type applyValues struct {
	through   bool // what follows is gone through again, not one row alone
	service   string
	terms     reading
	id, last4 string
	codes     []secret.Secret
	carried   bool
}

// manageData is the log-in and what it shows.
type manageData struct {
	phone    string
	password secret.Secret
	account  *wire.Account
	codes    []Code
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
	errand
	outcome SlipOutcome
	because fault.Code
}

// slips of the visit.
func (v *visit) slips() []*slipState {
	return []*slipState{&v.issue.slip, &v.reserved.slip, &v.applied.slip}
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
	if v.apply.before != nil {
		wipeAll(v.apply.before.codes)
	}
	v.card.forget()
	v.manage.password.Wipe()
	wipeAll(v.manage.codes)
	*v = visit{}
}

// forget drops what the card signed: it holds the codes in clear.
func (c *cardData) forget() {
	if c.unsent != nil {
		clear(c.unsent.Document)
		c.unsent, c.unsentID, c.early = nil, "", nil
	}
}

// signedCopy is for an effect to own; the original is kept for another try.
func (c *cardData) signedCopy() wire.Signed {
	own := *c.unsent
	own.Document = bytes.Clone(own.Document)
	return own
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
