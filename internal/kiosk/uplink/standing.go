package uplink

import (
	"sync"
	"time"

	"kioskd/internal/fault"
)

// standing is how the kiosk stands with its hub: "" while it is accepted there, else
// not_enrolled or kiosk_revoked. Only what is new is told, and only the newest kept
// for a slow reader.
type standing struct {
	mu   sync.Mutex
	code fault.Code
	at   time.Time       // since when, by the monotonic clock
	out  chan fault.Code // capacity 1
}

func newStanding() *standing {
	return &standing{code: fault.NotEnrolled, at: time.Now(), out: make(chan fault.Code, 1)}
}

// is reports whether the standing is this one.
func (s *standing) is(code fault.Code) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code == code
}

// set notes a standing and reports whether it is new.
func (s *standing) set(code fault.Code) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.become(code)
}

// accepted notes what an answer said of a question asked then. One that was asked
// before the kiosk was revoked does not restore it.
func (s *standing) accepted(yes bool, asked time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !yes:
		return s.become(fault.KioskRevoked)
	case s.code == fault.KioskRevoked && asked.After(s.at):
		return s.become("")
	}
	return false
}

func (s *standing) become(code fault.Code) bool {
	if code == s.code {
		return false
	}
	s.code, s.at = code, time.Now()
	select {
	case <-s.out: // an older one that nobody has read
	default:
	}
	s.out <- code // has room: only this function sends, and it holds the lock
	return true
}
