package hub

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How fast strangers may try. Behind a balancer all come from its address, so one
// address may do what it takes to enrol a delivery of kiosks. What makes guessing
// hopeless is the token's 80 bits.
const (
	enrolRate       = 20 // attempts a second, of everybody
	enrolBurst      = 100
	enrolRateEach   = 2 // of one address
	enrolBurstEach  = 20
	enrolAddresses  = 1024 // that are told apart
	enrolIdleSpared = enrolBurstEach * time.Second / enrolRateEach
)

// strangers limits the attempts to enrol, in bounded memory.
type strangers struct {
	mu   sync.Mutex
	all  *rate.Limiter
	each map[netip.Prefix]*stranger
}

type stranger struct {
	limit *rate.Limiter
	last  time.Time
}

// wait takes one attempt and gives 0, or says how long there is none.
func (s *strangers) wait(remote string, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all, s.each = rate.NewLimiter(enrolRate, enrolBurst), map[netip.Prefix]*stranger{}
	}
	// Both or none: what everybody's limit refuses costs the address nothing.
	own, all := s.of(remote, now).ReserveN(now, 1), s.all.ReserveN(now, 1)
	d := max(own.DelayFrom(now), all.DelayFrom(now))
	if d > 0 {
		own.CancelAt(now)
		all.CancelAt(now)
	}
	return d
}

// of gives the limiter of an address. When too many are known, those that were
// quiet long enough to be as good as new are forgotten; when that makes no room,
// the address shares one with the others that found none.
func (s *strangers) of(remote string, now time.Time) *rate.Limiter {
	p := network(remote)
	k, ok := s.each[p]
	if !ok && len(s.each) >= enrolAddresses {
		for q, other := range s.each {
			if now.Sub(other.last) > enrolIdleSpared {
				delete(s.each, q)
			}
		}
		if len(s.each) >= enrolAddresses {
			p = netip.Prefix{}
			k, ok = s.each[p]
		}
	}
	if !ok {
		k = &stranger{limit: rate.NewLimiter(enrolRateEach, enrolBurstEach)}
		s.each[p] = k
	}
	k.last = now
	return k.limit
}

// network is what one stranger can be: an IPv4 address, or an IPv6 network of 64
// bits, which anybody has.
func network(remote string) netip.Prefix {
	a, err := netip.ParseAddr(remote)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
