package cardtest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// VPCD is a device for a [Slot]: it carries the slot to vpcd, the virtual reader
// of vsmartcard that runs inside a pcscd. What is real from there on is all but
// the reader and the card: pcscd, libpcsclite and whoever calls them.
//
// The card in the slot is a connection to vpcd, and its removal is the end of
// that connection. A pcscd that is away, or comes back, is waited for. To know:
//
//   - pcscd looks for a card every 0.4 s, and what vpcd notices between two looks,
//     in an exchange or when the card is switched off, pcscd never learns: the
//     next card would pass for the one before. So the reader stays empty for a
//     moment between two cards, as it does below a hand.
//   - A reader of vpcd cannot be unplugged from the side of the card: for pcscd
//     [Slot.Power] is the card that leaves and comes back.
//   - While a card is slow or mute, vpcd waits, and pcscd's looks wait behind it.
//   - Commands that a reader carries out itself reach the card as any other;
//     escape commands do not pass.
type VPCD struct {
	slot  *Slot
	reach func(context.Context) (net.Conn, error) // a connection to vpcd
	moved chan struct{}                           // the slot has changed
	taken atomic.Uint64                           // number of the card that vpcd has asked something; 0 = none
	left  time.Time                               // when the last card that vpcd had taken left; of Run's goroutine
}

// How soon vpcd is tried again, at first and at last.
const (
	soonest = 100 * time.Millisecond
	latest  = time.Second
)

// between is how long the reader is empty between two cards: more than one look
// of pcscd.
const between = 600 * time.Millisecond

// NewVPCD serves slot through the vpcd that listens on addr: a host and port (usually
// 35963), or the path of a Unix socket, behind which there is a [Bridge].
// A slot has one device for its whole life. In the reverse mode, in which vpcd calls
// the card, Debian's vpcd 3.3 takes pcscd down with it when nobody answers.
func NewVPCD(slot *Slot, addr string) *VPCD {
	// Of the connections that vpcd has not come to accept the kernel holds few:
	// the others hang, and are better tried again.
	d := net.Dialer{Timeout: latest}
	network := "tcp"
	if filepath.IsAbs(addr) {
		network = "unix"
	}
	return newVPCD(slot, func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, network, addr) })
}

func newVPCD(slot *Slot, reach func(context.Context) (net.Conn, error)) *VPCD {
	v := &VPCD{slot: slot, reach: reach, moved: make(chan struct{}, 1)}
	slot.mu.Lock()
	defer slot.mu.Unlock()
	slot.moved = func() {
		select {
		case v.moved <- struct{}{}:
		default:
		}
	}
	return v
}

// Connected reports whether vpcd has taken the card that lies there: it has asked
// it something since the connection was made. pcscd tells its clients of the card
// a moment later.
func (v *VPCD) Connected() bool {
	a, there := v.slot.arrived()
	return there && v.taken.Load() == a.number
}

// Run serves the slot until ctx ends.
func (v *VPCD) Run(ctx context.Context) error {
	v.slot.serve(true)
	defer v.slot.serve(false)
	for ctx.Err() == nil {
		a, there := v.slot.arrived()
		if there {
			v.carry(ctx, a)
			continue
		}
		select {
		case <-v.moved:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// carry keeps the card connected until it leaves or ctx ends.
func (v *VPCD) carry(ctx context.Context, a arrival) {
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() {
		defer cancel()
		select {
		case <-a.away:
		case <-ctx.Done():
		}
	})
	pause(ctx, time.Until(v.left.Add(between)))
	for wait := soonest; ctx.Err() == nil; wait = min(2*wait, latest) {
		if conn, err := v.reach(ctx); err == nil && v.serve(ctx, conn, a) {
			wait, v.left = soonest, time.Now()
		}
		pause(ctx, wait)
	}
}

// serve answers on one connection until it ends, and reports whether it was used.
func (v *VPCD) serve(ctx context.Context, conn net.Conn, a arrival) bool {
	ctx, cancel := context.WithCancel(ctx)
	frames := make(chan []byte, 1)
	var read, closed sync.WaitGroup
	closed.Go(func() { <-ctx.Done(); _ = conn.Close() })
	read.Go(func() {
		defer cancel() // vpcd has hung up: nothing is owed to it any more
		for {
			f, err := readFrame(eager{conn})
			if err != nil {
				return
			}
			select {
			case frames <- f:
			case <-ctx.Done():
				return
			}
		}
	})
	defer func() {
		cancel()
		closed.Wait()
		read.Wait()
		v.taken.Store(0)
		v.slot.with(a.number, func(c Card) { c.Power(false) }) // nobody feeds it
	}()
	used := false
	for {
		select {
		case <-ctx.Done():
			return used
		case f := <-frames:
			used = true
			v.taken.Store(a.number)
			if !v.answer(ctx, conn, a, f) {
				return used
			}
		}
	}
}

// Control frames: their length is 1, and no command is that short.
const (
	controlOff   = 0x00
	controlOn    = 0x01
	controlReset = 0x02
	controlATR   = 0x04
)

// answer carries out one frame; false means that the connection is over.
func (v *VPCD) answer(ctx context.Context, conn net.Conn, a arrival, frame []byte) bool {
	if len(frame) != 1 {
		b := v.exchange(ctx, a, frame)
		clear(frame) // it may have carried a PIN
		return v.reply(ctx, conn, b)
	}
	switch frame[0] {
	case controlOff:
		v.slot.with(a.number, func(c Card) { c.Power(false) })
	case controlOn:
		v.slot.with(a.number, func(c Card) { c.Power(true) })
	case controlReset:
		v.slot.with(a.number, warmReset)
	case controlATR:
		return v.reply(ctx, conn, a.card.ATR())
	default: // vpcd knows no other; like those above, it waits for no answer
	}
	return true
}

func warmReset(c Card) {
	if w, ok := c.(WarmResetter); ok {
		w.WarmReset()
		return
	}
	c.Power(false)
	c.Power(true)
}

// reply sends a frame. One without content would eject the card, so nothing is
// sent for it: such a card is silent until it is taken away.
func (*VPCD) reply(ctx context.Context, conn net.Conn, b []byte) bool {
	if len(b) == 0 || len(b) > maxFrame {
		<-ctx.Done()
		return false
	}
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err == nil
}

// exchange gives the card's answer when it is due, or nothing where none comes.
func (v *VPCD) exchange(ctx context.Context, a arrival, command []byte) []byte {
	answer, wait, l := v.slot.exchange(a.number, command)
	for l == lossMute {
		select {
		case <-v.slot.voice():
			answer, wait, l = v.slot.late(a.number, command)
		case <-ctx.Done():
			return nil
		}
	}
	if l != lossNone || !pause(ctx, wait) {
		return nil
	}
	return answer
}

// maxFrame is what two bytes of length can say.
const maxFrame = 1<<16 - 1

func readFrame(r io.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(head[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

// pause waits, and reports whether ctx lasted that long.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
