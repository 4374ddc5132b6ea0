package board

import (
	"errors"
	"slices"
)

// State says whether a line or an LED can be used.
type State string

// The states.
const (
	Waiting State = "waiting" // nobody has tried yet
	Ready   State = "ready"
	Absent  State = "absent" // it is not on this machine, or not now
	Failed  State = "failed" // it is there and cannot be used
)

// Status is the state of one thing, in words for a technician.
type Status struct {
	State State
	Cause string // what was said; empty when ready
	Hint  string // what to do; may be empty
}

// Error is why a line or an LED cannot be used.
type Error struct {
	Op    string // "open line LED_R"
	State State  // Absent or Failed
	Cause error
	Hint  string
}

// Error says "cannot OP: cause (hint)".
func (e *Error) Error() string {
	s := "cannot " + e.Op + ": " + e.Cause.Error()
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// StatusOf tells the status by the error that opening or driving ended with; nil
// is ready.
func StatusOf(err error) Status {
	if err == nil {
		return Status{State: Ready}
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return Status{State: e.State, Cause: e.Cause.Error(), Hint: e.Hint}
	}
	return Status{State: Failed, Cause: err.Error()}
}

// Worst gives the state that counts where all are needed.
func Worst(states ...State) State {
	for _, s := range []State{Failed, Absent, Waiting} {
		if slices.Contains(states, s) {
			return s
		}
	}
	return Ready
}
