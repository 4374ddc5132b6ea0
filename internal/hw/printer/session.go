package printer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
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
	speaks  dialect
	profile Profile
	chunks  chan []byte // what has come back
	readErr chan error
	quit    chan struct{}

	opened  bool      // it was freed of what earlier jobs may have left, and surveyed
	surveys int       // how often it was asked what it can do
	askedAt time.Time // when the open question was asked
	marked  int       // markers whose answer is due, counted like heard.passed
	calm    int       // stops when the job began: one more ends it
	ends    time.Time // of the job's time, zero outside jobs
}

func newSession(d *Driver, port Port) *session {
	s := &session{
		d: d, port: port, profile: d.override.apply(d.assumed()),
		chunks: make(chan []byte, 16), readErr: make(chan error, 1), quit: make(chan struct{}),
	}
	s.speak(s.profile.Language)
	go s.read()
	return s
}

// speak changes the language.
func (s *session) speak(l Language) {
	s.profile.Language = l
	if l == StarPRNT {
		s.speaks = newStar()
	} else {
		s.speaks = newEpson()
	}
}

// read hands over what comes back until the line ends.
func (s *session) read() {
	for {
		buf := make([]byte, 512)
		n, err := s.port.Read(buf)
		if n > 0 {
			select {
			case s.chunks <- buf[:n]:
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
		if err := s.tidy(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.readErr:
			return fmt.Errorf("%w: %w", errGone, err)
		case b := <-s.chunks:
			s.speaks.take(b)
			s.publish()
		case <-poll.C:
			if err := s.poll(ctx); err != nil {
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

// greet learns the state of a printer that was just reached.
func (s *session) greet(ctx context.Context) error {
	if err := s.recognise(ctx); err != nil {
		return err
	}
	if err := s.clear(ctx); err != nil {
		return err
	}
	return s.look(ctx)
}

// poll looks at the printer. One that has stopped keeps what it is asked in its
// buffer, beside what it holds, so that is dropped first where it can be.
func (s *session) poll(ctx context.Context) error {
	if !s.canPrint() {
		if err := s.clear(ctx); err != nil {
			return err
		}
	}
	if err := s.look(ctx); err != nil || !s.canPrint() || !s.opened || !s.doubtful() {
		return err
	}
	if err := s.survey(ctx); !errors.Is(err, errStopped) {
		return err
	}
	return nil
}

// tidy does what waits for a printer that can print: frees it of what earlier jobs
// may have left, asks what it can do, and lets the rest of a failed slip fall before
// somebody else's hangs on it.
func (s *session) tidy(ctx context.Context) error {
	err := s.open(ctx)
	if err == nil && s.opened && s.d.torn && s.canPrint() {
		err = s.eject(ctx)
	}
	if errors.Is(err, errStopped) {
		return nil // again when it can print
	}
	return err
}

// open frees a printer of what earlier jobs may have left, and surveys it. It does
// nothing while the printer has stopped, for then it works nothing off.
func (s *session) open(ctx context.Context) error {
	if s.opened || !s.canPrint() {
		return nil
	}
	if s.d.soiled {
		if err := s.write(ctx, s.speaks.fill()); err != nil {
			return err
		}
	}
	if err := s.write(ctx, s.speaks.hello()); err != nil {
		return err
	}
	if err := s.look(ctx); err != nil || !s.canPrint() {
		return err
	}
	if err := s.survey(ctx); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.opened = true
	return nil
}

// quiet is how long no answer comes from a printer that has worked off its past.
const quiet = 1900 * time.Millisecond

// settle waits until the answers of earlier jobs are in, where some may come: they
// must not be taken for those of the next one. A Star counts, and does not say what.
func (s *session) settle(ctx context.Context) error {
	some := s.d.torn || s.d.soiled && s.profile.Language == StarPRNT
	if !some || !s.profile.Paced || s.profile.Clear {
		return nil
	}
	if err := s.mark(ctx); err != nil {
		return err
	}
	if err := s.passed(ctx, s.d.limits.Band); err != nil {
		return err
	}
	for {
		before := s.speaks.heard().passed
		err := s.until(ctx, min(quiet, s.d.limits.Band), true, func() bool { return s.speaks.heard().passed > before })
		if err == nil {
			continue
		}
		s.marked = s.speaks.heard().passed
		s.speaks.forget()
		if errors.Is(err, errSlow) {
			return nil
		}
		return err
	}
}

// look asks all questions for the state once and publishes the answer.
func (s *session) look(ctx context.Context) error {
	if !s.profile.Status {
		s.d.announce(Ready) // as far as anybody can know
		return nil
	}
	if s.speaks.open() { // left open by a job that ended meanwhile
		if err := s.answered(ctx); err != nil {
			return err
		}
	}
	for range s.speaks.asks() {
		if err := s.ask(ctx); err != nil {
			return err
		}
		if err := s.answered(ctx); err != nil {
			return err
		}
	}
	s.publish()
	return nil
}

// answered waits for the answer to the open question.
func (s *session) answered(ctx context.Context) error {
	err := s.until(ctx, s.d.limits.Answer, false, func() bool { return !s.speaks.open() })
	if errors.Is(err, errSlow) {
		return errMute
	}
	return err
}

func (s *session) ask(ctx context.Context) error {
	s.askedAt = time.Now()
	return s.write(ctx, s.speaks.ask())
}

func (s *session) condition() Condition { return s.speaks.heard().status.condition() }

func (s *session) canPrint() bool { return !s.profile.Status || s.condition().CanPrint() }

func (s *session) publish() {
	if s.profile.Status {
		s.d.announce(s.condition())
	}
}

// halted reports a state that only a person ends, or, within a job, that there was
// one: the slip is spoilt then, whatever the printer says now.
func (s *session) halted() bool {
	h := s.speaks.heard()
	return s.profile.Status && (h.halted || !s.ends.IsZero() && h.stops != s.calm)
}

// drain takes in what has arrived.
func (s *session) drain() {
	for {
		select {
		case b := <-s.chunks:
			s.speaks.take(b)
		default:
			return
		}
	}
}

// until takes answers in until met. It fails with errSlow after limit, with
// errGone when the line ends and, when watchful, with errStopped as soon as the
// printer says that it cannot print; a watchful wait also asks by itself, in case
// the printer pushes nothing.
func (s *session) until(ctx context.Context, limit time.Duration, watchful bool, met func() bool) error {
	if !s.ends.IsZero() {
		limit = min(limit, time.Until(s.ends))
	}
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(s.d.limits.Answer)
	defer tick.Stop()
	for {
		if watchful && s.halted() {
			s.publish()
			return errStopped
		}
		if met() {
			return nil
		}
		select {
		case b := <-s.chunks:
			s.speaks.take(b)
		case err := <-s.readErr:
			s.readErr <- err // for the next wait
			if s.drain(); met() && (!watchful || !s.halted()) {
				return nil
			}
			return fmt.Errorf("%w: %w", errGone, err)
		case <-deadline.C:
			return errSlow
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if err := s.nudge(ctx, watchful); err != nil {
				return err
			}
		}
	}
}

// nudge asks during a long wait.
func (s *session) nudge(ctx context.Context, watchful bool) error {
	switch {
	case !watchful || !s.profile.Status || s.speaks.heard().paused:
		return nil
	case !s.speaks.open():
		return s.ask(ctx)
	case time.Since(s.askedAt) < s.d.limits.Answer:
		return nil
	}
	return errMute // such answers do not wait for anything
}

// clear drops what waits in the printer, where that is possible.
func (s *session) clear(ctx context.Context) error {
	command := s.speaks.clear()
	if !s.profile.Clear || command == nil {
		return nil
	}
	before := s.speaks.heard().cleared
	if err := s.write(ctx, command); err != nil {
		return err
	}
	err := s.until(ctx, s.d.limits.Clear, false, func() bool { return s.speaks.heard().cleared > before })
	if errors.Is(err, errSlow) {
		return errMute
	}
	s.marked = s.speaks.heard().passed // open markers went with the buffer
	return err
}

// write puts b onto the line, once the printer takes anything (XON). A line that
// takes nothing is that of a printer that has stopped, or answers nothing any more.
func (s *session) write(ctx context.Context, b []byte) error {
	if s.drain(); s.speaks.heard().paused {
		err := s.until(ctx, s.d.limits.Band, true, func() bool { return !s.speaks.heard().paused })
		if err != nil {
			return err
		}
	}
	if err := s.port.SetWriteDeadline(time.Now().Add(s.d.limits.Write)); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	_, err := s.port.Write(b)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.drain()
		return errMute
	}
	return fmt.Errorf("%w: %w", errGone, err)
}
