package uplink

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/kiosk/identity"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// Renewing.
const (
	renewFloor = time.Minute
	renewCap   = time.Hour
	// unknownTime is how long to wait for the hub to tell what time it is.
	unknownTime = time.Second
	// renewLook bounds one wait, so that a hub whose clock is set is followed.
	renewLook = 6 * time.Hour
	// expiring is when a renewal that still fails is worth an alarm.
	expiring = 10 * 24 * time.Hour
)

// renew renews the certificate when two thirds of its life are over. What time it is,
// only the hub knows: this machine's clock may be off by years.
func (s *session) renew(ctx context.Context) {
	// A fleet that was enrolled on one day does not renew in one minute.
	due := wire.RenewalDue(s.notBefore, s.notAfter).Add(rand.N(max(1, s.notAfter.Sub(s.notBefore)/100)))
	failures := 0
	for wait := time.Duration(0); pause(ctx, wait, nil); {
		now, known := s.client.HubTime()
		switch {
		case !known:
			wait = unknownTime
			continue
		case now.Before(due):
			wait = min(due.Sub(now), renewLook)
			continue
		}
		until, err := s.renewNow(ctx, now)
		if ctx.Err() != nil && err != nil {
			return
		}
		if err == nil {
			s.u.expiring.Store(false)
			s.u.note(ctx, ksync.AuditRenewed, "")
			s.u.opt.Log.Info("Certificate renewed", "kiosk", s.enrolment.Kiosk, "until", until)
			nudge(s.u.changed)
			return // the next session has the new one
		}
		failures++
		wait = ksync.Backoff{Floor: renewFloor, Cap: renewCap}.After(failures, err)
		s.warn(now, err)
	}
}

// hasRenewed says that an enrolment has its certificate by renewal.
func (u *Uplink) hasRenewed(e *wire.Enrolment) bool {
	cert := u.renewed.Load()
	return cert != nil && *cert == e.ClientCert
}

// warn tells of a renewal that failed; loudly when the end is near.
func (s *session) warn(now time.Time, err error) {
	log := s.u.opt.Log
	if s.notAfter.Sub(now) > expiring {
		log.Warn("Cannot renew the certificate yet", "until", s.notAfter, "code", string(fault.CodeOf(err)), "err", err)
		return
	}
	s.u.expiring.Store(true)
	log.Error("Cannot renew the certificate, and it ends soon", "until", s.notAfter, "code", string(fault.CertExpiring), "alarm", true, "err", err)
}

// renewNow renews once, and gives when the new certificate ends.
func (s *session) renewNow(ctx context.Context, now time.Time) (time.Time, error) {
	key, err := identity.KeyOf(s.enrolment)
	if err != nil {
		return time.Time{}, err
	}
	csr, err := key.Request(s.enrolment.Kiosk)
	if err != nil {
		return time.Time{}, err
	}
	answer, err := s.client.Renew(ctx, csr)
	if err != nil {
		return time.Time{}, err
	}
	until, err := identity.Renewed(s.enrolment, answer.ClientCert, now)
	if err != nil {
		return time.Time{}, &fault.Error{Device: "hub", Op: "renew certificate", Code: fault.HubRubbish, Cause: err}
	}
	s.u.renewed.Store(&answer.ClientCert) // before anybody can read it
	err = s.u.opt.Home.Update(s.enrolment, func(e *wire.Enrolment) { e.ClientCert = answer.ClientCert })
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot store the renewed certificate: %w", err)
	}
	return until, nil
}
