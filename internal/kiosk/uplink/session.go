package uplink

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"kioskd/internal/fault"
	"kioskd/internal/kiosk/identity"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// session is the use of one enrolment.
type session struct {
	u         *Uplink
	enrolment *wire.Enrolment
	notBefore time.Time // of the certificate
	notAfter  time.Time
	client    *ksync.Client
	courier   *ksync.Courier

	look  chan struct{} // Desired may have changed
	again chan struct{} // the link may be tried at once

	left []ksync.Acked // that pass could not hand on; whoever ended run has it
}

// newSession prepares one; former is what it takes the place of, or nil.
func (u *Uplink) newSession(e *wire.Enrolment, outbox *ksync.Outbox, former *session) (*session, error) {
	cert, err := e.Certificate()
	if err != nil {
		return nil, err
	}
	s := &session{
		u: u, enrolment: e, notBefore: cert.NotBefore, notAfter: cert.NotAfter,
		look: make(chan struct{}, 1), again: make(chan struct{}, 1),
	}
	s.client, err = ksync.NewClient(e, ksync.ClientOptions{
		DialContext: u.opt.DialContext, Accepted: s.accepted, Desired: s.take,
	})
	if err != nil {
		return nil, err
	}
	if former != nil && former.enrolment.HubURL == e.HubURL && former.enrolment.HubCA == e.HubCA {
		s.client.Follow(former.client)
	}
	s.courier = ksync.NewCourier(outbox, s.client, u.opt.Log, ksync.CourierOptions{Report: u.opt.Report})
	return s, nil
}

// run works until ctx ends and everything has come back.
func (s *session) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.courier.Run(ctx) })
	for _, loop := range []func(context.Context){s.pass, s.desire, s.renew, s.link} {
		g.Go(func() error { loop(ctx); return nil })
	}
	err := g.Wait()
	s.client.Close()
	return err
}

// pass hands on what the courier says.
func (s *session) pass(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case up := <-s.courier.Line():
			select {
			case s.u.line <- up:
			case <-ctx.Done():
				return
			}
		case ack := <-s.courier.Acks():
			select {
			case s.u.acks <- ack:
			case <-ctx.Done():
				s.left = append(s.left, ack)
				return
			}
		}
	}
}

// leaveLimit bounds how long what a session leaves may wait for the kiosk.
const leaveLimit = 5 * time.Second

// leave hands on the acknowledgements that were not handed on when run ended: the
// screen may wait for one of them, whichever session it came in.
func (s *session) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveLimit)
	defer cancel()
	for len(s.courier.Acks()) > 0 { // nobody sends any more
		s.left = append(s.left, <-s.courier.Acks())
	}
	for _, ack := range s.left {
		select {
		case s.u.acks <- ack:
		case <-ctx.Done():
			return
		}
	}
}

// accepted notes whether the hub accepts this kiosk. What a session heard that is
// over counts no more.
func (s *session) accepted(yes bool, asked time.Time) {
	if s.u.now.Load() != s || !s.u.standing.accepted(yes, asked) {
		return
	}
	if !yes {
		s.revoked()
		return
	}
	s.u.opt.Log.Info("Hub accepts this kiosk again", "kiosk", s.enrolment.Kiosk)
	s.u.note(context.Background(), ksync.AuditRestored, "")
	s.remember(false)
	s.courier.Kick()
	nudge(s.again)
	nudge(s.look)
}

func (s *session) revoked() {
	s.u.opt.Log.Error("Hub does not accept this kiosk any more", "kiosk", s.enrolment.Kiosk, "code", string(fault.KioskRevoked), "alarm", true)
	s.u.note(context.Background(), ksync.AuditRevoked, "")
	s.remember(true)
	s.courier.LinkChanged() // its sign of life now looks again and again whether that changes
}

// remember has the next start know how the kiosk stands, also where there is no line.
func (s *session) remember(revoked bool) {
	if err := s.u.opt.Home.NoteRevoked(s.enrolment, revoked); err != nil {
		s.u.opt.Log.Error("Cannot note how the kiosk stands with its hub", "err", err)
	}
}

// take stores a desired state that the hub gave, when it is another.
func (s *session) take(d wire.Desired) {
	if s.enrolment.Is(d) {
		return
	}
	err := s.u.opt.Home.Update(s.enrolment, func(e *wire.Enrolment) { e.Take(d) })
	if errors.Is(err, identity.ErrChanged) {
		return // the next session looks for itself
	}
	if err != nil {
		s.u.opt.Log.Error("Cannot store what the hub desires", "revision", d.Revision, "err", err)
		next := *s.enrolment
		next.Take(d) // its acknowledgements are believed all the same: what waits must leave
		s.u.noteKeys(context.Background(), &next)
		return
	}
	s.u.opt.Log.Info("Stored what the hub desires", "revision", d.Revision, "name", d.Name, "seal_key", d.SealKeyID, "ack_keys", len(d.AckKeys))
	nudge(s.u.changed)
}

// Looking at the desired state.
const (
	desireEvery = 10 * time.Minute
	desireFloor = 5 * time.Second
)

// desire looks at the desired state: at once, when the hub says so, and now and then.
func (s *session) desire(ctx context.Context) {
	failures := 0
	for wait := time.Duration(0); pause(ctx, wait, s.look); {
		_, err := s.client.Desired(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil || missing(err):
			failures, wait = 0, around(desireEvery)
		default:
			failures++
			wait = ksync.Backoff{Floor: desireFloor, Cap: desireEvery}.After(failures, err)
			s.u.opt.Log.Warn("Cannot look at what the hub desires", "code", string(fault.CodeOf(err)), "err", err)
		}
	}
}

// missing reports whether the hub is of a version without what was asked for.
func missing(err error) bool {
	refusal, ok := errors.AsType[*ksync.RefusalError](err)
	return ok && (refusal.Problem.Status == 404 || refusal.Problem.Status == 405)
}
