package printer

import (
	"context"
	"errors"
	"time"
)

// fixed: the configuration says what the printer is, so nothing is found out.
func (s *session) fixed() bool { return s.d.override.Profile != nil }

// recognise finds out what language the printer speaks: the one that it answers
// to. A printer that answers to none is mute; one that cannot answer has to be
// configured (profile blind), because the two look the same.
func (s *session) recognise(ctx context.Context) error {
	if s.fixed() || !s.profile.Status {
		return nil
	}
	for _, l := range []Language{ESCPOS, StarPRNT} {
		s.speak(l)
		if err := s.ask(ctx); err != nil {
			return err
		}
		switch err := s.answered(ctx); {
		case errors.Is(err, errMute):
			continue
		case err != nil:
			return err
		}
		return s.clears(ctx)
	}
	s.speak(ESCPOS)
	return errMute
}

// clears finds out whether the printer drops its buffer, by doing it: a printer
// that was just reached must hold nothing of before.
func (s *session) clears(ctx context.Context) error {
	command := s.speaks.clear()
	if command == nil {
		return nil
	}
	before := s.speaks.heard().cleared
	if err := s.write(ctx, command); err != nil {
		return err
	}
	// Not watchful: this works on a printer that has stopped, too.
	err := s.until(ctx, probeTime, false, func() bool { return s.speaks.heard().cleared > before })
	s.profile.Clear = err == nil
	if errors.Is(err, errSlow) {
		return nil
	}
	return err
}

// try is an asker.
func (s *session) try(ctx context.Context) asker {
	return func(write []byte, limit time.Duration, met func() bool) (bool, error) {
		if err := s.write(ctx, write); err != nil {
			return false, err
		}
		err := s.until(ctx, limit, true, met)
		if errors.Is(err, errSlow) {
			return false, nil
		}
		return err == nil, err
	}
}

// survey finds out what the printer can do. A printer that has stopped works
// nothing off, so it is asked only while it can print.
func (s *session) survey(ctx context.Context) error {
	var id Identity
	if !s.fixed() && s.profile.Status {
		p, who, err := s.speaks.survey(s.profile, s.try(ctx))
		switch {
		case err != nil: // asked again before the next job, if it has only stopped
			return err
		}
		id = who
		s.profile = s.d.override.apply(known(p, who))
		s.marked = s.speaks.heard().passed
	}
	s.surveys++
	s.d.learn(func(f *Facts) { f.Profile, f.Identity, f.Probed = s.profile, id, true })
	s.d.log.Info("printer found", "profile", s.profile.Name, "language", string(s.profile.Language), "dots", s.profile.Dots,
		"model", id.Model, "confirms", s.profile.Completion)
	return nil
}

// doubtful: it answers for its state, but not to what nearly all do. It may have been
// busy with its past, so it is asked once more.
func (s *session) doubtful() bool {
	return !s.fixed() && s.profile.Status && s.surveys == 1 && (!s.profile.Paced || s.d.Facts().Identity.Model == "")
}
