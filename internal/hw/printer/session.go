package printer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kioskd/internal/hw/printer/escpos"
)

var (
	errMute    = errors.New("cannot reach printer: it takes data but does not answer")
	errStopped = errors.New("cannot go on: the printer has stopped")
	errSlow    = errors.New("cannot go on: the printer has not worked it off in time")
	errGone    = errors.New("cannot reach printer: the line ended")
)

// session is one connection. Everything but the reader runs in Driver.Run's goroutine.
type session struct {
	d       *Driver
	port    Port
	answers chan escpos.Answer
	readErr chan error
	quit    chan struct{}

	status  status
	asked   int       // real-time question that is open, 0 = none
	askedAt time.Time // when it was asked
	next    int       // question to ask next, 1..questions

	id        escpos.JobID // of the job whose completion is awaited
	confirmed bool         // the printer has confirmed it
}

func newSession(d *Driver, port Port) *session {
	s := &session{
		d: d, port: port, next: 1,
		answers: make(chan escpos.Answer, 16), readErr: make(chan error, 1), quit: make(chan struct{}),
	}
	go s.read()
	return s
}

// read sorts what comes back until the line ends.
func (s *session) read() {
	var demux escpos.Demux
	buf := make([]byte, 512)
	for {
		n, err := s.port.Read(buf)
		for _, a := range demux.Feed(buf[:n]) {
			select {
			case s.answers <- a:
			case <-s.quit:
				return
			}
		}
		if err != nil {
			s.readErr <- err
			return
		}
	}
}

// close ends the line; the reader follows.
func (s *session) close() {
	close(s.quit)
	_ = s.port.Close() // the line is given up: nothing depends on how it ends
}

// serve answers for the printer until the line ends or the printer falls silent.
func (s *session) serve(ctx context.Context) error {
	if err := s.greet(ctx); err != nil {
		return err
	}
	poll := time.NewTimer(s.d.limits.Poll)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.readErr:
			return fmt.Errorf("%w: %w", errGone, err)
		case a := <-s.answers:
			s.note(a)
			s.publish()
		case <-poll.C:
			if err := s.look(ctx); err != nil {
				return err
			}
			poll.Reset(s.d.limits.Poll)
		case r := <-s.d.jobs:
			res, err := s.job(ctx, r.job)
			r.reply <- res
			if err != nil {
				return err
			}
			poll.Reset(s.d.limits.Poll)
		}
	}
}

// greet learns the state of a printer that was just reached, and frees it of
// what an earlier job may have left.
func (s *session) greet(ctx context.Context) error {
	if err := s.clear(ctx); err != nil {
		return err
	}
	// A picture that was cut short swallows whatever comes next, so it is filled
	// up with white; outside a picture these bytes mean nothing.
	fill := make([]byte, escpos.BandRows*((s.d.profile.Dots+7)/8))
	if err := s.write(slices.Concat(fill, escpos.Init())); err != nil {
		return err
	}
	if s.d.profile.Status {
		if err := s.write(escpos.AutoStatus()); err != nil {
			return err
		}
	}
	return s.look(ctx)
}

// look asks all real-time questions once and publishes the answer.
func (s *session) look(ctx context.Context) error {
	if !s.d.profile.Status {
		s.d.announce(Unknown)
		return nil
	}
	if s.asked != 0 { // left open by a job that ended meanwhile
		if err := s.answered(ctx); err != nil {
			return err
		}
	}
	for n := range questions {
		if err := s.ask(n + 1); err != nil {
			return err
		}
		if err := s.answered(ctx); err != nil {
			return err
		}
	}
	s.publish()
	return nil
}

// answered waits for the answer to the open real-time question.
func (s *session) answered(ctx context.Context) error {
	err := s.until(ctx, s.d.limits.Answer, false, func(a escpos.Answer) bool {
		return a.Kind == escpos.RealTime
	})
	if errors.Is(err, errSlow) {
		return errMute
	}
	return err
}

// ask sends one real-time question. There is never more than one open, for the
// answers do not say what they answer.
func (s *session) ask(n int) error {
	s.asked, s.askedAt = n, time.Now()
	return s.write(escpos.Status(n))
}

// note takes in what an answer says about the state.
func (s *session) note(a escpos.Answer) {
	switch a.Kind {
	case escpos.RealTime:
		if s.asked != 0 {
			s.status.take(s.asked, a.Data[0])
			s.asked = 0
		}
	case escpos.Auto:
		s.status.takeAuto(a.Data)
	case escpos.Block:
		s.confirmed = s.confirmed || a.Completed(s.id)
	case escpos.Passed, escpos.Pause, escpos.Resume:
	}
}

// last looks through what had arrived before the line ended.
func (s *session) last(want func(escpos.Answer) bool) bool {
	for {
		select {
		case a := <-s.answers:
			s.note(a)
			if want(a) {
				return true
			}
		default:
			return false
		}
	}
}

func (s *session) publish() {
	if s.d.profile.Status {
		s.d.announce(s.status.condition())
	}
}

// until takes answers in until want is met. It fails with errSlow after limit,
// with errGone when the line ends and, when watchful, with errStopped as soon as
// the printer says that it cannot print; a watchful wait also asks by itself, in
// case the printer pushes nothing.
func (s *session) until(ctx context.Context, limit time.Duration, watchful bool, want func(escpos.Answer) bool) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(s.d.limits.Answer)
	defer tick.Stop()
	for {
		select {
		case a := <-s.answers:
			s.note(a)
			if want(a) {
				return nil
			}
			if watchful && s.halted() {
				s.publish()
				return errStopped
			}
		case err := <-s.readErr:
			s.readErr <- err // for the next wait
			if s.last(want) {
				return nil
			}
			return fmt.Errorf("%w: %w", errGone, err)
		case <-deadline.C:
			return errSlow
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if !watchful || !s.d.profile.Status {
				continue
			}
			if s.asked != 0 {
				if time.Since(s.askedAt) < s.d.limits.Answer {
					continue
				}
				return errMute // real-time answers do not wait for anything
			}
			if err := s.ask(s.next); err != nil {
				return err
			}
			s.next = s.next%questions + 1
		}
	}
}

// halted reports a state that only a person ends. A hot head only pauses.
func (s *session) halted() bool {
	c := s.status.condition()
	return s.d.profile.Status && !c.CanPrint() && c != HeadHot
}

// clear drops what waits in the printer.
func (s *session) clear(ctx context.Context) error {
	if !s.d.profile.Clear {
		return nil
	}
	if err := s.write(escpos.Clear()); err != nil {
		return err
	}
	err := s.until(ctx, s.d.limits.Clear, false, escpos.Answer.Cleared)
	if errors.Is(err, errSlow) {
		return errMute
	}
	return err
}

func (s *session) write(b []byte) error {
	if err := s.port.SetWriteDeadline(time.Now().Add(s.d.limits.Write)); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	if _, err := s.port.Write(b); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}
