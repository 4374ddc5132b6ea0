package printer

import (
	"context"
	"errors"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/printer/escpos"
)

// tailFeed is how far the paper goes on past the last line before the cut.
const tailFeed = 24

// job runs one job to its outcome. The error is set when the session is over.
//
// What is known at the end follows from one thing: whether the cut has been
// handed over. Before that a slip cannot have come out whole; after that only
// the printer's own confirmation counts.
func (s *session) job(ctx context.Context, j Job) (result, error) {
	start := time.Now()
	cut, err := s.print(ctx, j)
	res, over := s.judge(ctx, cut, err)
	s.d.log.Info("slip job ended", "job", j.ID, "outcome", string(res.outcome),
		"fault", string(fault.CodeOf(res.err)), "ms", time.Since(start).Milliseconds())
	return res, over
}

// print sends a job. cut says that the cut has been handed over, whole or in part.
func (s *session) print(ctx context.Context, j Job) (cut bool, err error) {
	commands, err := escpos.Commands(j.Data)
	if err != nil {
		return false, &refusal{fault.Internal, err}
	}
	// The preflight: nothing is sent to a printer that cannot print.
	if err := s.look(ctx); err != nil {
		return false, &unsent{err}
	}
	if s.halted() || s.d.profile.Status && !s.status.condition().CanPrint() {
		return false, &unsent{errStopped}
	}
	if s.d.soiled {
		if err := s.eject(ctx); err != nil {
			return false, err
		}
	}
	s.d.soiled = true
	if err := s.write(escpos.Init()); err != nil {
		return false, err
	}
	if err := s.body(ctx, commands); err != nil {
		return false, err
	}
	return true, s.tail(ctx)
}

// body sends the commands so that no more than two are on their way.
func (s *session) body(ctx context.Context, commands [][]byte) error {
	for i, c := range commands {
		if err := s.write(c); err != nil {
			return err
		}
		if !s.d.profile.Paced {
			continue
		}
		if i > 0 {
			if err := s.passed(ctx, s.d.limits.Band); err != nil {
				return err
			}
		}
		if err := s.write(escpos.Marker()); err != nil {
			return err
		}
	}
	if !s.d.profile.Paced || len(commands) == 0 {
		return nil
	}
	return s.passed(ctx, s.d.limits.Band)
}

// tail cuts and waits for what this printer can say about it.
func (s *session) tail(ctx context.Context) error {
	tail := escpos.Cut(tailFeed)
	switch p := s.d.profile; {
	case p.Completion:
		s.d.jobNo++
		s.id, s.confirmed = escpos.NewJobID(s.d.jobNo), false
		if err := s.write(append(tail, escpos.Complete(s.id)...)); err != nil {
			return err
		}
		return s.until(ctx, s.d.limits.Finish, true, func(escpos.Answer) bool { return s.confirmed })
	case p.Paced:
		if err := s.write(append(tail, escpos.Marker()...)); err != nil {
			return err
		}
		if err := s.passed(ctx, s.d.limits.Finish); err != nil {
			return err
		}
		if err := s.look(ctx); err != nil {
			return err
		}
		if s.halted() {
			return errStopped
		}
		return nil
	default:
		return s.write(tail)
	}
}

// eject pushes out and cuts off what an unfinished slip left in the mouth.
func (s *session) eject(ctx context.Context) error {
	stub := append(escpos.Init(), escpos.Cut(tailFeed)...)
	if !s.d.profile.Paced {
		return s.write(stub)
	}
	if err := s.write(append(stub, escpos.Marker()...)); err != nil {
		return err
	}
	return s.passed(ctx, s.d.limits.Band)
}

// passed waits until the printer has worked off everything before the open marker.
func (s *session) passed(ctx context.Context, limit time.Duration) error {
	return s.until(ctx, limit, true, func(a escpos.Answer) bool { return a.Kind == escpos.Passed })
}

// judge turns the end of print into the outcome, and leaves the printer clear.
func (s *session) judge(ctx context.Context, cut bool, err error) (res result, over error) {
	var (
		refused *refusal
		early   *unsent
	)
	switch {
	case err == nil && s.d.profile.Completion:
		s.d.soiled = false
		return result{Printed, nil}, nil
	case err == nil:
		s.d.soiled = false
		return result{Unconfirmed, nil}, nil
	case errors.As(err, &refused):
		return result{Failed, &fault.Error{Device: "printer", Op: "print slip", Code: refused.code, Cause: refused.cause}}, nil
	case errors.As(err, &early):
		res = result{Failed, s.d.fault("print slip", s.because(early.cause), early.cause)}
		if errors.Is(early.cause, errStopped) {
			return res, nil
		}
		return res, early.cause
	}
	stopped := errors.Is(err, errStopped)
	why := s.d.fault("print slip", s.because(err), err)
	if stopped {
		// The rest must not come out when the paper is back.
		over = s.clear(ctx)
	} else {
		// The line or the printer's voice is gone: the next connection clears it.
		over = err
	}
	res = result{Failed, why}
	switch {
	case cut && s.d.profile.Completion && s.confirmed: // it came while the rest was dropped
		s.d.soiled = false
		res = result{Printed, nil}
	case cut:
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
	case errors.Is(err, errStopped):
		return s.status.condition()
	case errors.Is(err, errGone):
		return Unplugged
	}
	return Unknown
}

// refusal: the job itself is wrong.
type refusal struct {
	code  fault.Code
	cause error
}

func (r *refusal) Error() string { return r.cause.Error() }

// unsent: nothing of the job has reached the printer.
type unsent struct{ cause error }

func (u *unsent) Error() string { return u.cause.Error() }
