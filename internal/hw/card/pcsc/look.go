package pcsc

import (
	"bytes"

	"github.com/ebfe/scard"

	"kioskd/internal/hw/card"
)

// Sight is one reader as pcscd shows it, served or not.
type Sight struct {
	Name   string
	Served card.Reader // what it would be for; the zero Reader where it is for nothing
	Card   bool        // something lies there
	Mute   bool        // and gives no answer to reset
	Taken  bool        // another program has it for itself
	ATR    []byte
}

// Look lists every reader of the machine once, for a technician. It must not be
// called in a process in which a [Driver] runs: the binding bears one watcher only.
// The error is a *fault.Error with reader_gone when there is no pcscd.
func Look(opt Options) ([]Sight, error) {
	const op = "list the readers"
	r, err := newRoles(opt.MyNumber, opt.WAON)
	if err != nil {
		return nil, err
	}
	s, err := lite{}.establish()
	if err != nil {
		return nil, failed(op, err)
	}
	defer s.release()
	names, err := s.readers()
	if anyOf(err, scard.ErrNoReadersAvailable) || err == nil && len(names) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, failed(op, err)
	}
	states := make([]scard.ReaderState, len(names))
	for i, name := range names {
		states[i].Reader = name
	}
	if err := s.wait(states, 0); err != nil && !anyOf(err, scard.ErrTimeout) {
		return nil, failed(op, err)
	}
	sights := make([]Sight, len(names))
	for i, st := range states {
		is := func(flag scard.StateFlag) bool { return st.EventState&flag != 0 }
		sights[i] = Sight{
			Name: names[i], Card: is(scard.StatePresent), Mute: is(scard.StateMute), Taken: is(scard.StateExclusive),
			ATR: bytes.Clone(st.Atr),
		}
		if reader, _ := r.of(names[i]); reader.MyNumber || reader.WAON {
			sights[i].Served = reader
		}
	}
	return sights, nil
}

// Version is that of libpcsclite, as the program was built.
func Version() string { return scard.Version() }
