package printer

import (
	"context"
	"errors"
	"time"

	"kioskd/internal/defect"
	"kioskd/internal/fault"
)

// job runs one job to its outcome. The error is set when the session is over.
//
// What is known at the end follows from one thing: whether all of the slip has been
// handed over. Before that it cannot have come out whole; after that only the
// printer's own word counts: that it confirms it, or that it stopped before it had
// worked off the last part.
func (s *session) job(ctx context.Context, j Job) (result, error) {
	start := time.Now()
	handed, err := s.print(ctx, j)
	res, over := s.judge(ctx, handed, err)
	s.ends = time.Time{}
	s.d.log.Info("slip job ended", "job", j.ID, "outcome", string(res.outcome),
		"fault", string(fault.CodeOf(res.err)), "ms", time.Since(start).Milliseconds())
	return res, over
}

// print sends a job. handed says that all of it has been handed over.
func (s *session) print(ctx context.Context, j Job) (handed bool, err error) {
	if err := s.preflight(ctx); err != nil {
		return false, &unsent{err}
	}
	if s.d.soiled {
		if err := s.eject(ctx); err != nil {
			return false, &unsent{err}
		}
	}
	s.ends, s.calm = time.Now().Add(s.d.limits.Job), s.speaks.heard().stops
	s.d.soiled, s.d.torn = true, true
	// From its first byte on, so that no confirmation of the one before counts for it.
	if s.d.jobNo++; s.d.jobNo == 0 {
		s.d.jobNo++
	}
	if handed, err = s.body(ctx, j); err != nil {
		return handed && !errors.Is(err, errStopped), err
	}
	return true, s.tail(ctx)
}

// preflight: nothing is sent to a printer that cannot print.
func (s *session) preflight(ctx context.Context) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	if s.opened && s.doubtful() {
		if err := s.survey(ctx); err != nil {
			return err
		}
	}
	if !s.canPrint() || !s.opened {
		return errStopped
	}
	return nil
}

// body draws and sends, so that no more than two chunks are on their way. handed says
// that the last one is.
func (s *session) body(ctx context.Context, j Job) (handed bool, err error) {
	out := &stream{s: s, most: s.profile.chunk()}
	defer out.wipe()
	if err := s.write(ctx, s.speaks.reset(s.profile)); err != nil {
		return false, err
	}
	if err := s.draw(ctx, j, out); err != nil {
		return false, err
	}
	return out.end(ctx)
}

// draw sends the pieces. A defect in drawing ends the slip, and nothing else.
func (s *session) draw(ctx context.Context, j Job, out *stream) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &refusal{defect.New(p)}
		}
	}()
	for piece, err := range j.Draw(s.profile) {
		if err != nil {
			return &refusal{err}
		}
		err = s.speaks.encode(piece, s.profile, maxCommand, func(command []byte) error { return out.add(ctx, command) })
		if _, wrong := errors.AsType[*encoding](err); wrong {
			return &refusal{err}
		}
		if err != nil {
			return err
		}
		if !out.begun { // paper moves from the first piece on
			if err := out.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// stream collects commands into chunks and paces them.
type stream struct {
	s     *session
	buf   []byte
	most  int
	begun bool // a chunk was sent
	wrote bool // the last one was handed over whole
}

// add takes a command in.
func (o *stream) add(ctx context.Context, command []byte) error {
	if len(o.buf) > 0 && len(o.buf)+len(command) > o.most {
		if err := o.flush(ctx); err != nil {
			return err
		}
	}
	if o.buf == nil {
		o.buf = make([]byte, 0, o.most)
	}
	o.buf = append(o.buf, command...)
	return nil
}

// flush sends what was collected, and waits until the chunk before was worked off.
func (o *stream) flush(ctx context.Context) error {
	if len(o.buf) == 0 {
		return nil
	}
	if o.s.drain(); o.s.halted() {
		return errStopped
	}
	err := o.s.write(ctx, o.buf)
	o.wrote = err == nil
	clear(o.buf) // slips show codes
	o.buf = o.buf[:0]
	if err != nil || !o.s.profile.Paced {
		o.begun = true
		return err
	}
	if o.begun {
		if err := o.s.passed(ctx, o.s.d.limits.Band); err != nil {
			return err
		}
	}
	o.begun = true
	return o.s.mark(ctx)
}

// end sends the rest and waits until all was worked off.
func (o *stream) end(ctx context.Context) (handed bool, err error) {
	sent := len(o.buf) == 0
	if err := o.flush(ctx); err != nil {
		return sent || len(o.buf) == 0 && o.wrote, err
	}
	if !o.begun || !o.s.profile.Paced {
		return true, nil
	}
	return true, o.s.passed(ctx, o.s.d.limits.Band)
}

func (o *stream) wipe() { clear(o.buf[:cap(o.buf)]) }

// mark sends a marker. What a printer drops is never answered; clear sees to that.
func (s *session) mark(ctx context.Context) error {
	s.marked = max(s.marked, s.speaks.heard().passed) + 1
	return s.write(ctx, s.speaks.marker())
}

// passed waits until the printer has worked off everything before the last marker.
func (s *session) passed(ctx context.Context, limit time.Duration) error {
	return s.until(ctx, limit, true, func() bool { return s.speaks.heard().passed >= s.marked })
}

// tail cuts and waits for what this printer can say about it.
func (s *session) tail(ctx context.Context) error {
	if err := s.write(ctx, s.speaks.finish(s.profile, s.d.jobNo)); err != nil {
		return err
	}
	switch {
	case s.profile.Completion:
		return s.until(ctx, s.d.limits.Finish, true, s.confirmed)
	case s.profile.Paced:
		if err := s.mark(ctx); err != nil {
			return err
		}
		if err := s.passed(ctx, s.d.limits.Finish); err != nil {
			return err
		}
	}
	if !s.profile.Status {
		return nil
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	if s.halted() {
		return errStopped
	}
	return nil
}

// confirmed: the printer has confirmed the last job, and had not stopped in it.
func (s *session) confirmed() bool {
	h := s.speaks.heard()
	return h.confirmed == s.d.jobNo && h.undisturbed == s.calm
}

// eject pushes out and cuts off what an unfinished slip left in the mouth.
func (s *session) eject(ctx context.Context) error {
	var stub []byte
	if s.d.torn { // a picture may still be open in it
		stub = s.speaks.fill()
	}
	stub = append(append(stub, s.speaks.reset(s.profile)...), s.speaks.eject(s.profile)...)
	if err := s.write(ctx, stub); err != nil {
		return err
	}
	if s.profile.Paced {
		if err := s.mark(ctx); err != nil {
			return err
		}
		if err := s.passed(ctx, s.d.limits.Band); err != nil {
			return err
		}
	}
	s.d.torn, s.d.soiled = false, false
	return nil
}
