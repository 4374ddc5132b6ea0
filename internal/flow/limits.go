package flow

import "time"

// The one table of time limits.
const (
	// SpinnerAfter is when a wait becomes visible; SlowAfter is when it is
	// admitted to be slow and a way out appears.
	SpinnerAfter = 500 * time.Millisecond
	SlowAfter    = 10 * time.Second

	limitInspect = 15 * time.Second
	limitWAON    = 8 * time.Second
	limitSign    = 30 * time.Second
	limitSubmit  = 10 * time.Second
	limitPrint   = 60 * time.Second
	limitHub     = 25 * time.Second
	// grace is how much longer than the effect's own limit a step waits for the
	// answer before it goes on without one.
	grace = 5 * time.Second

	// ackWait is how long the end of a procedure waits for the hub's word before
	// it says "queued" and prints.
	ackWait = 6 * time.Second

	// idle limits. A visit's first warning comes after idleWarn of Settings; these
	// are for steps where reading or fetching something takes longer.
	idleLong       = 300 * time.Second
	goodbyeFor     = 8 * time.Second
	goodbyeCard    = 60 * time.Second // longest goodbye while a card still lies there
	lookResetAfter = 60 * time.Second // at the top screen, untouched
	foundFor       = 180 * time.Second
	staffCallFor   = 15 * time.Minute // at the top screen, a call nobody ended
)

// LimitOf is the time limit of an effect: who carries it out ends it by then.
func LimitOf(e Effect) time.Duration {
	switch e.(type) {
	case Inspect:
		return limitInspect
	case ReadWAON:
		return limitWAON
	case Sign:
		return limitSign
	case Submit, EndVisit:
		return limitSubmit
	case Print:
		return limitPrint
	case SendCode, CheckCode, IssueID, LogIn, Inquire:
		return limitHub
	}
	return 0
}
