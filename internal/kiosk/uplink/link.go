package uplink

import (
	"context"
	"time"

	"kioskd/internal/fault"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// Opening the link.
const (
	linkFloor = time.Second
	linkCap   = time.Minute
	// linkSteady is how long a link must have stood for its end to be no failure.
	linkSteady = time.Minute
	// linkRare is the wait where the hub takes no link at all, or not this kiosk.
	linkRare = 5 * time.Minute
	// drainMax bounds what a hub that ends can ask for.
	drainMax = 5 * time.Minute
)

// link holds the hub's push open. It only makes things quicker: all that it says can
// be seen over the API, and submissions go on without it.
func (s *session) link(ctx context.Context) {
	failures, opened := 0, false
	for wait := time.Duration(0); pause(ctx, wait, s.again); {
		var stood time.Time
		drain := time.Duration(-1)
		limited, end := context.WithCancel(ctx)
		err := s.client.Link(limited, s.u.run, func() {
			stood = time.Now()
			if opened {
				nudge(s.look) // something may have been said while no link was there
			}
			opened = true
			s.u.opt.Log.Debug("Link is up")
		}, func(m wire.LinkMessage) {
			switch m.Kind {
			case wire.LinkLook:
				nudge(s.look)
			case wire.LinkDrain:
				drain = min(time.Duration(max(0, m.AfterMS))*time.Millisecond, drainMax)
				end()
			case wire.LinkRevoked:
				if s.u.standing.set(fault.KioskRevoked) {
					s.revoked()
				}
				nudge(s.look)
				end()
			default: // of a newer hub
			}
		})
		end()
		if ctx.Err() != nil {
			return
		}
		failures++
		if !stood.IsZero() && time.Since(stood) >= linkSteady {
			failures = 1
		}
		wait = s.linkWait(failures, err)
		if drain >= 0 { // the hub says when; another one may answer then
			failures, wait = 0, drain+around(linkFloor)
		}
		s.u.opt.Log.Debug("Link is down", "code", string(fault.CodeOf(err)), "wait", wait, "err", err)
	}
}

// linkWait is how long to wait before the link is tried again.
func (s *session) linkWait(failures int, err error) time.Duration {
	if missing(err) || s.u.standing.is(fault.KioskRevoked) {
		return around(linkRare)
	}
	return ksync.Backoff{Floor: linkFloor, Cap: linkCap}.After(failures, err)
}
