package uplink

import (
	"sync"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
)

// standing is how the kiosk stands with its hub: "" while it is accepted there, else
// not_enrolled or kiosk_revoked. Only what is new is told, and only the newest kept
// for a slow reader. With it goes whether the hub is a sandbox.
type standing struct {
	mu  sync.Mutex
	now flow.EnrolmentIs
	at  time.Time             // since when, by the monotonic clock
	out chan flow.EnrolmentIs // capacity 1
}

func newStanding() *standing {
	return &standing{now: flow.EnrolmentIs{Fault: fault.NotEnrolled}, at: time.Now(), out: make(chan flow.EnrolmentIs, 1)}
}

// is reports whether the standing is this one.
func (s *standing) is(code fault.Code) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.Fault == code
}

// set notes a standing and reports whether it is new.
func (s *standing) set(code fault.Code) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.become(code)
}

// enrolled notes a new enrolment, at a hub that is a sandbox or not; revoked is what that
// has said of it before.
func (s *standing) enrolled(sandbox, revoked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := flow.EnrolmentIs{Sandbox: sandbox}
	if revoked {
		is.Fault = fault.KioskRevoked
	}
	s.tell(is)
}

// believed is how long after a revocation an answer may still be given by a hub that has
// not heard of it: each holds what it has read of a kiosk for a second.
const believed = 2 * time.Second

// accepted notes what an answer said of a question asked then. One that was asked
// before the kiosk was revoked, or so soon after that the hub may not know yet, does not
// restore it.
func (s *standing) accepted(yes bool, asked time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !yes:
		return s.become(fault.KioskRevoked)
	case s.now.Fault == fault.KioskRevoked && asked.Sub(s.at) > believed:
		return s.become("")
	}
	return false
}

func (s *standing) become(code fault.Code) bool {
	now := s.now
	now.Fault = code
	return s.tell(now)
}

// lost notes whether the files of the enrolment are gone, and reports whether that is
// new. Without an enrolment in use there is none to lose.
func (s *standing) lost(is bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now
	now.Lost = is
	at := s.at
	told := s.tell(now)
	s.at = at // how the hub stands to it is as old as before
	return told
}

func (s *standing) tell(now flow.EnrolmentIs) bool {
	if now == s.now {
		return false
	}
	s.now, s.at = now, time.Now()
	select {
	case <-s.out: // an older one that nobody has read
	default:
	}
	s.out <- now // has room: only this function sends, and it holds the lock
	return true
}
