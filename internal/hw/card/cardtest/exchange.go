package cardtest

import (
	"fmt"
	"time"

	"kioskd/internal/hw/card/apdu"
)

// Exchange is one line of the slot's log. It holds no data but the name that
// a SELECT carries.
type Exchange struct {
	Command string  // header, lengths, SELECT's name
	INS     byte    // instruction
	Bytes   int     // of the command
	Answer  int     // bytes of the answer, status word included; 0 = none came
	SW      apdu.SW // 0 = no answer came
}

// loss is why an exchange has no answer.
type loss uint8

const (
	lossNone      loss = iota
	lossUnplugged      // the reader is away
	lossLifted         // the card is away, or another lies there
	lossMute           // the card lies there and says nothing
)

// exchange is the instant at which the card of insertion number works: nothing
// can come between. The answer is due after wait.
func (s *Slot) exchange(number uint64, command []byte) (answer []byte, wait time.Duration, l loss) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.missing(number); l != lossNone {
		return nil, 0, l
	}
	now := s.tear.at == 0
	if s.tear.at >= 0 {
		s.tear.at--
	}
	switch {
	case now && !s.tear.after:
		s.note(command, nil)
		s.lift()
		return nil, 0, lossLifted
	case s.mute:
		s.note(command, nil)
		return nil, 0, lossMute
	}
	answer = s.lying.card.Answer(command)
	if now {
		s.note(command, nil)
		s.lift()
		return nil, 0, lossLifted
	}
	s.note(command, answer)
	return answer, s.delays.Of(command, answer), lossNone
}

// late is the answer of a card that was mute when it was asked: the exchange has
// been counted and logged, and the log learns of the answer. One exchange at a
// time is under way.
func (s *Slot) late(number uint64, command []byte) (answer []byte, wait time.Duration, l loss) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch l := s.missing(number); {
	case l != lossNone:
		return nil, 0, l
	case s.mute:
		return nil, 0, lossMute
	}
	answer = s.lying.card.Answer(command)
	if n := len(s.log); n > 0 && s.log[n-1].Answer == 0 {
		s.log = s.log[:n-1]
	}
	s.note(command, answer)
	return answer, s.delays.Of(command, answer), lossNone
}

// missing says why the card of insertion number can no longer be talked to; the
// lock is held.
func (s *Slot) missing(number uint64) loss {
	switch {
	case !s.running || !s.power:
		return lossUnplugged
	case !s.present || s.number != number:
		return lossLifted
	default:
		return lossNone
	}
}

// note writes the log; the lock is held.
func (s *Slot) note(command, answer []byte) {
	e := Exchange{Bytes: len(command), Answer: len(answer)}
	if c, err := apdu.ParseCommand(command); err == nil {
		e.Command, e.INS = c.String(), c.INS
	} else {
		e.Command = fmt.Sprintf("not a short command (%d bytes)", len(command))
	}
	if a, err := apdu.ParseAnswer(answer); err == nil {
		e.SW = a.SW
	}
	const keep = 4096
	if len(s.log) == keep {
		s.log = append(s.log[:0], s.log[keep/2:]...)
	}
	s.log = append(s.log, e)
}
