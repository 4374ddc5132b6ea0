package pcsc

import (
	"bytes"
	"context"
	"errors"

	"github.com/ebfe/scard"

	"kioskd/internal/fault"
)

const hintEscape = "libccid lets no command through to the reader: ifdDriverOptions 0x0001 in its Info.plist"

var errTurn = errors.New("another connection of this program holds the card")

// Preferred names the reader that My Number cards are laid on; "" while there is
// none.
func (d *Driver) Preferred() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.last.Readers {
		if r.MyNumber {
			return r.Name
		}
	}
	return ""
}

// Control sends a command to a reader itself, such as for its light, whether a
// card lies there or not. It gives way to everything else: while this or another
// program holds the card it sends nothing and says reader_busy at once. A card is
// neither powered nor reset by it. Whoever connects meanwhile waits for the answer.
//
// Other faults: reader_gone, card_refused where the reader's driver lets no
// command through, card_mute where there is no answer within ctx.
func (d *Driver) Control(ctx context.Context, reader string, command []byte) ([]byte, error) {
	const op = "control the reader"
	t := d.turnOf(reader)
	select {
	case <-t.token:
	default:
		return nil, &fault.Error{Device: "reader", Op: op, Code: fault.ReaderBusy, Cause: errTurn}
	}
	holder := t.mine()
	type result struct {
		answer []byte
		err    error
	}
	done := make(chan result, 1)
	own := bytes.Clone(command)
	go func() {
		answer, err := d.direct(reader, own)
		t.pass()
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		switch {
		case r.err == nil:
			return r.answer, nil
		case refusesControl("escape", r.err):
			return nil, &fault.Error{Device: "reader", Op: op, Code: fault.CardRefused, Cause: r.err, Hint: hintEscape}
		}
		return nil, failed(op, r.err)
	case <-ctx.Done():
		t.seize(holder) // as long as it hangs, nobody waits behind it
		return nil, &fault.Error{Device: "reader", Op: op, Code: fault.CardMute, Cause: ctx.Err(), Hint: hintService}
	}
}

// direct connects to the reader and not to a card, on a context of its own.
func (d *Driver) direct(reader string, command []byte) ([]byte, error) {
	s, err := d.service.establish()
	if err != nil {
		return nil, err
	}
	defer s.release()
	h, err := s.connect(reader, scard.ShareDirect)
	if err != nil {
		return nil, err
	}
	answer, err := h.control(scard.CtlCode(escape), command)
	// The command has been answered: how the connection ends changes nothing.
	_ = h.disconnect(scard.LeaveCard)
	return answer, err
}
