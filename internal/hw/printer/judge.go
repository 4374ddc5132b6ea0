package printer

import (
	"context"
	"errors"

	"kioskd/internal/fault"
)

// judge turns the end of print into the outcome, and leaves the printer clear.
func (s *session) judge(ctx context.Context, handed bool, err error) (res result, over error) {
	var (
		refused *refusal
		early   *unsent
	)
	s.publish()
	switch {
	case err == nil && s.profile.Completion:
		s.d.soiled, s.d.torn = false, false
		return result{Printed, nil}, nil
	case err == nil:
		s.d.soiled, s.d.torn = false, false
		return result{Unconfirmed, nil}, nil
	case errors.As(err, &early):
		res = result{Failed, s.d.fault("print slip", s.because(early.cause), early.cause)}
		if errors.Is(early.cause, errStopped) {
			return res, nil
		}
		return res, early.cause
	}
	why := s.d.fault("print slip", s.because(err), err)
	switch {
	case errors.As(err, &refused):
		// The kiosk's own defect, in the middle of a slip: what is on the paper is cut
		// off by the next one.
		why = &fault.Error{Device: "printer", Op: "draw slip", Code: fault.Internal, Cause: refused.cause}
		over = s.clear(ctx)
	case errors.Is(err, errStopped):
		// The rest must not come out when the paper is back.
		over = s.clear(ctx)
	default:
		// The line or the printer's voice is gone: the next connection clears it.
		over = err
	}
	res = result{Failed, why}
	switch {
	case handed && s.profile.Completion && s.confirmed(): // it came while the rest was dropped
		s.d.soiled, s.d.torn = false, false
		res = result{Printed, nil}
	case handed:
		res = result{Lost, &fault.Error{
			Device: "printer", Op: "confirm slip", Code: fault.SlipUnknown, Cause: why,
			Hint: "look at the slip before printing it again",
		}}
	}
	return res, over
}

// because gives the condition that err speaks of.
func (s *session) because(err error) Condition {
	switch {
	case errors.Is(err, errStopped), errors.Is(err, errMute) && s.speaks.heard().halted:
		if c := s.condition(); !c.CanPrint() {
			return c
		}
		return s.speaks.heard().why // it is over already
	case errors.Is(err, errGone):
		return Unplugged
	}
	return Unknown
}

// refusal: the slip cannot be drawn.
type refusal struct{ cause error }

func (r *refusal) Error() string { return r.cause.Error() }

// encoding: a piece cannot be said in the printer's language.
type encoding struct{ cause error }

func (e *encoding) Error() string { return e.cause.Error() }

func (e *encoding) Unwrap() error { return e.cause }

// unsent: nothing of the job has reached the printer.
type unsent struct{ cause error }

func (u *unsent) Error() string { return u.cause.Error() }
