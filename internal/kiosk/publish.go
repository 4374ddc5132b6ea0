package kiosk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kioskd/internal/flow"
)

// Frame is one snapshot as it goes to a screen.
type Frame struct {
	Seq   uint64
	Since uint64
	Step  flow.StepName
	JSON  []byte // shared by all subscribers: never changed
}

// Subscription is one screen's view of the visit.
type Subscription struct {
	// C delivers the newest frame, the current one first. It is never closed;
	// Done of the kiosk tells the end.
	C <-chan Frame

	slot chan Frame
	k    *Kiosk
}

// Close ends the subscription. It may be called twice.
func (s *Subscription) Close() {
	// When the loop has ended there is nobody left to tell.
	_ = s.k.call(s.k.done, func(context.Context) { delete(s.k.subs, s) })
}

// put replaces what lies in the slot. Only the loop sends, so the second send
// always finds room.
func (s *Subscription) put(f Frame) {
	select {
	case s.slot <- f:
		return
	default:
	}
	select {
	case <-s.slot:
	default:
	}
	s.slot <- f
}

// publisher turns views into frames and counts them. It belongs to the loop. The
// count starts at the time of the start in ms, so that a window which outlived a
// restart of the daemon cannot hit a snapshot of the new run.
type publisher struct {
	seq, since uint64
	question   uint64
	shape      []byte // the last view without its counters
	busy, ends int64  // where its counters started and will end, in ms of real time
}

// next gives the frame for a view made at now (real time), and whether it shows
// something new. A view that only counts on gives a fresh frame with the old Seq.
func (p *publisher) next(now time.Time, view flow.Snapshot, question uint64, step flow.StepName) (Frame, bool, error) {
	shape, err := json.Marshal(still(view))
	if err != nil {
		return Frame{}, false, fmt.Errorf("cannot encode a snapshot: %w", err)
	}
	asked := p.shape == nil || question != p.question
	moved := p.recount(now, view)
	fresh := asked || moved || !bytes.Equal(shape, p.shape)
	if fresh {
		p.seq++
	}
	if asked {
		p.since = p.seq
	}
	p.shape, p.question = shape, question
	view.Seq, view.Since = p.seq, p.since
	raw, err := json.Marshal(view)
	if err != nil {
		return Frame{}, false, fmt.Errorf("cannot encode a snapshot: %w", err)
	}
	return Frame{Seq: p.seq, Since: p.since, Step: step, JSON: raw}, fresh, nil
}

// slack is how far a counter may be off before the screens are told again.
const slack = 250 // ms

// recount notes where the counters of view start and end, and reports whether
// that is another moment than the screens know: a countdown that began anew.
func (p *publisher) recount(now time.Time, view flow.Snapshot) bool {
	var busy, ends int64
	if view.Busy != nil {
		busy = now.UnixMilli() - view.Busy.SinceMS
	}
	if view.Deadline != nil {
		ends = now.UnixMilli() + view.Deadline.LeftMS
	}
	moved := apart(busy, p.busy) || apart(ends, p.ends)
	if moved {
		p.busy, p.ends = busy, ends
	}
	return moved
}

func apart(a, b int64) bool { return a-b > slack || b-a > slack }

// still is the view with everything that counts by itself stopped.
func still(view flow.Snapshot) flow.Snapshot {
	view.Seq, view.Since = 0, 0
	if view.Busy != nil {
		busy := *view.Busy
		busy.SinceMS = 0
		view.Busy = &busy
	}
	if view.Deadline != nil {
		deadline := *view.Deadline
		deadline.LeftMS = 0
		view.Deadline = &deadline
	}
	return view
}
