package pcsc

import (
	"sync"
	"time"

	"github.com/ebfe/scard"
)

// daemon plays a pcscd of which everything can be had on demand: what one on a
// machine answers was measured (facts: pcscd 1.9.9), and these are its rules:
//
//   - a wait returns at once when a state differs from what the caller knows;
//   - a cancel that meets no wait is forgotten;
//   - a context of a daemon that has died is of no use to the next one;
//   - the whole wait fails when one reader of the list is unknown.
type daemon struct {
	mu      sync.Mutex
	alive   bool
	life    int
	bell    chan struct{} // closed and renewed at each change
	devices map[string]*device
	open    int           // handles
	held    int           // contexts
	refuse  []scard.Error // what the next connects answer
	hung    chan struct{} // transmits wait for it to be closed; nil: they do not
	answer  error         // what a transmit fails with
	sent    [][]byte
	stalled chan struct{} // connects and disconnects wait for it to be closed; nil: they do not
	waits   int
	ends    []scard.Disposition // how handles were given up
}

type device struct {
	sick    bool // listed, and cannot be reached
	present bool
	mute    bool
	events  uint32
	atr     []byte

	users     int  // handles that are open
	exclusive bool // one of them has it for itself
	controls  bool // it takes commands for itself
}

func newDaemon(readers ...string) *daemon {
	d := &daemon{alive: true, bell: make(chan struct{}), devices: map[string]*device{}}
	for _, r := range readers {
		d.devices[r] = &device{}
	}
	return d
}

func (d *daemon) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
	close(d.bell)
	d.bell = make(chan struct{})
}

func (d *daemon) put(reader string, atr []byte) {
	d.change(func() {
		r := d.devices[reader]
		r.present, r.atr, r.events = true, atr, r.events+1
	})
}

func (d *daemon) lift(reader string) {
	d.change(func() { r := d.devices[reader]; r.present, r.events = false, r.events+1 })
}

func (d *daemon) swap(reader string, atr []byte) {
	d.change(func() { r := d.devices[reader]; r.atr, r.events = atr, r.events+2 })
}

func (d *daemon) plug(reader string)   { d.change(func() { d.devices[reader] = &device{} }) }
func (d *daemon) unplug(reader string) { d.change(func() { delete(d.devices, reader) }) }
func (d *daemon) die()                 { d.change(func() { d.alive = false }) }
func (d *daemon) rise()                { d.change(func() { d.alive = true; d.life++ }) }

func (d *daemon) counts() (contexts, handles int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held, d.open
}

func (d *daemon) establish() (session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.alive {
		return nil, scard.ErrNoService
	}
	d.held++
	return &fakeSession{d: d, life: d.life}, nil
}

type fakeSession struct {
	d        *daemon
	life     int
	canceled chan struct{} // of the wait that runs; guarded by d.mu
	released bool
}

func (s *fakeSession) usable() bool { return s.d.alive && s.d.life == s.life }

func (s *fakeSession) readers() ([]string, error) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if !s.usable() {
		return nil, scard.ErrNoService
	}
	var names []string
	for name := range s.d.devices {
		names = append(names, name)
	}
	if names == nil {
		return nil, scard.ErrNoReadersAvailable
	}
	return names, nil
}

func (s *fakeSession) wait(states []scard.ReaderState, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	cancel := make(chan struct{})
	s.d.mu.Lock()
	s.canceled = cancel
	s.d.waits++
	count := len(s.d.devices)
	s.d.mu.Unlock()
	defer func() {
		s.d.mu.Lock()
		s.canceled = nil
		s.d.mu.Unlock()
	}()
	for {
		s.d.mu.Lock()
		bell := s.d.bell
		changed, err := s.compare(states, count)
		s.d.mu.Unlock()
		if err != nil || changed {
			return err
		}
		select {
		case <-bell:
		case <-cancel:
			return scard.ErrCancelled
		case <-timer.C:
			return scard.ErrTimeout
		}
	}
}

// compare fills states in; the daemon's lock is held.
func (s *fakeSession) compare(states []scard.ReaderState, count int) (changed bool, err error) {
	if !s.usable() {
		return false, scard.ErrCommError
	}
	for i := range states {
		st := &states[i]
		st.EventState = st.CurrentState
		if st.Reader == pnp {
			if len(s.d.devices) != count {
				st.EventState |= scard.StateChanged
				changed = true
			}
			continue
		}
		r, ok := s.d.devices[st.Reader]
		if !ok {
			return false, scard.ErrUnknownReader
		}
		now := scard.StateEmpty
		if r.sick {
			// As pcscd says it: without a counter, and again until the caller knows.
			if st.CurrentState&scard.StateUnavailable == 0 {
				st.EventState, changed = scard.StateUnavailable|scard.StateChanged, true
			}
			continue
		}
		if r.present {
			now, st.Atr = scard.StatePresent, r.atr
			if r.mute {
				now |= scard.StateMute
			}
		}
		now |= scard.StateFlag(r.events << 16)
		if now != st.CurrentState {
			st.EventState = now | scard.StateChanged
			changed = true
		}
	}
	return changed, nil
}

func (s *fakeSession) cancel() {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if s.canceled != nil {
		close(s.canceled)
		s.canceled = nil
	}
}

// stall waits while the daemon hangs.
func (d *daemon) stall() {
	d.mu.Lock()
	stalled := d.stalled
	d.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}

func (s *fakeSession) connect(reader string, mode scard.ShareMode) (handle, error) {
	s.d.stall()
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	r, ok := s.d.devices[reader]
	switch {
	case !s.usable():
		return nil, scard.ErrNoService
	case !ok:
		return nil, scard.ErrUnknownReader
	case len(s.d.refuse) > 0:
		err := s.d.refuse[0]
		s.d.refuse = s.d.refuse[1:]
		return nil, err
	case r.exclusive, mode == scard.ShareExclusive && r.users > 0:
		return nil, scard.ErrSharingViolation
	case mode == scard.ShareDirect:
		// To the reader itself: a card need not be there.
	case !r.present:
		return nil, scard.ErrNoSmartcard
	case r.mute:
		return nil, scard.ErrUnresponsiveCard
	}
	s.d.open++
	r.users++
	r.exclusive = mode == scard.ShareExclusive
	return &fakeHandle{s: s, r: r, events: r.events, mode: mode}, nil
}

func (s *fakeSession) release() {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if !s.released {
		s.released = true
		s.d.held--
	}
}

type fakeHandle struct {
	s      *fakeSession
	r      *device
	events uint32
	mode   scard.ShareMode
	shut   bool
}

func (h *fakeHandle) transmit(command []byte) ([]byte, error) {
	d := h.s.d
	d.mu.Lock()
	d.sent = append(d.sent, append([]byte{}, command...))
	hung, answer := d.hung, d.answer
	d.mu.Unlock()
	if hung != nil {
		<-hung
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !h.s.usable():
		return nil, scard.ErrNoService
	case h.r.events != h.events:
		return nil, scard.ErrRemovedCard
	case answer != nil:
		return nil, answer
	}
	return []byte{0x90, 0x00}, nil
}

func (h *fakeHandle) control(_ uint32, command []byte) ([]byte, error) {
	d := h.s.d
	d.mu.Lock()
	hung := d.hung
	d.mu.Unlock()
	if hung != nil {
		<-hung
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !h.s.usable():
		return nil, scard.ErrNoService
	case !h.r.controls:
		return nil, scard.ErrUnsupportedFeature
	}
	d.sent = append(d.sent, append([]byte{}, command...))
	return append([]byte{0xE1}, command[1:]...), nil
}

func (h *fakeHandle) disconnect(how scard.Disposition) error {
	h.s.d.stall()
	h.s.d.mu.Lock()
	defer h.s.d.mu.Unlock()
	if !h.shut {
		h.shut = true
		h.s.d.open--
		h.r.users--
		if h.mode == scard.ShareExclusive {
			h.r.exclusive = false
		}
		h.s.d.ends = append(h.s.d.ends, how)
	}
	if !h.s.usable() {
		return scard.ErrNoService
	}
	return nil
}

func (h *fakeHandle) atr() ([]byte, error) {
	h.s.d.mu.Lock()
	defer h.s.d.mu.Unlock()
	return h.r.atr, nil
}

// looks is how often somebody has waited for a change.
func (d *daemon) looks() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waits
}

// commands is how many were sent.
func (d *daemon) commands() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.sent)
}
