package sync

import (
	"context"
	"time"

	"kioskd/internal/wire"
)

const (
	// sendersAtOnce is how many visits are served at the same time.
	sendersAtOnce = 4
	// sendersARound is how many are served between two looks at the queue, which cost
	// the more the longer it is.
	sendersARound = 256
	// notedTogether is how many acknowledgements are noted at once at most, and notedWithin
	// how long the first of them waits for others where more are still to come. A long queue
	// would otherwise flush the disk for each of them.
	notedTogether = 32
	notedWithin   = 100 * time.Millisecond
)

// result is what became of one sending.
type result struct {
	ack   wire.Ack
	err   error
	noted error // of an acknowledgement, in the outbox
}

// sent is a submission with what became of it.
type sent struct {
	due
	result
}

// round is one sending of what is ready. It belongs to the sending loop.
type round struct {
	*Courier

	came, noted     chan sent
	sending, noting int
	held            []sent      // acknowledged, and not yet noted
	late            *time.Timer // ends the wait of those
	down, disk      error
}

// sendReady sends in order, some at a time, and judges what comes back. When something
// fails, the hub wants silence or something new stands in the queue, it begins no more.
// It tells what failed of the line, and of the outbox. When it returns, each
// acknowledgement that came is noted, or could not be.
func (c *Courier) sendReady(ctx context.Context, ready []due) (down, disk error) {
	r := round{Courier: c, came: make(chan sent), noted: make(chan sent), late: time.NewTimer(notedWithin)}
	r.late.Stop()
	next := make(chan due)
	defer close(next)
	for range min(len(ready), sendersAtOnce) {
		go func() {
			for d := range next {
				r.came <- sent{d, c.send(ctx, d)}
			}
		}()
	}
	for len(ready) > 0 || r.sending+r.noting+len(r.held) > 0 {
		var (
			begin chan<- due
			first due
		)
		if len(ready) > 0 {
			begin, first = next, ready[0]
		}
		select {
		case begin <- first:
			ready = ready[1:]
			r.sending++
			continue
		case s := <-r.came:
			r.sending--
			if s.err == nil {
				r.hold(s)
			} else {
				r.conclude(ctx, s)
			}
		case s := <-r.noted:
			r.noting--
			r.conclude(ctx, s)
		case <-r.late.C:
			r.note(ctx)
		}
		if r.down != nil || r.disk != nil || ctx.Err() != nil || c.notBefore().After(c.now()) || c.committed() {
			ready = nil
		}
		if len(r.held) >= notedTogether || len(ready)+r.sending == 0 {
			r.note(ctx)
		}
	}
	return r.down, r.disk
}

// hold keeps an acknowledgement until others are to be noted, too.
func (r *round) hold(s sent) {
	if r.held = append(r.held, s); len(r.held) == 1 {
		r.late.Reset(notedWithin)
	}
}

// note has all that are held noted, by one flush of the disk. The line does not wait for it.
// The proof is in hand: it is noted even when the daemon is being shut down.
func (r *round) note(ctx context.Context) {
	r.late.Stop()
	if len(r.held) == 0 {
		return
	}
	held := r.held
	r.held, r.noting = nil, r.noting+len(held)
	go func() {
		acks := make([]wire.Ack, len(held))
		for i, s := range held {
			acks[i] = s.ack
		}
		for i, err := range r.outbox.acknowledge(context.WithoutCancel(ctx), acks) {
			s := held[i]
			s.noted = err
			r.noted <- s
		}
	}()
}

// conclude judges one that has come to its end.
func (r *round) conclude(ctx context.Context, s sent) {
	lineErr, err := r.judge(ctx, s.due, s.result)
	if err != nil { // it may be about this row alone: the others go first from now on
		r.disk = err
		r.delayVisit(s.visit, err)
	}
	if lineErr != nil {
		r.down = lineErr
	}
}

// send sends one submission.
func (c *Courier) send(ctx context.Context, d due) (r result) {
	s, err := c.outbox.take(ctx, d.id)
	if err != nil {
		return result{err: err}
	}
	r.ack, r.err = c.hub.Submit(ctx, s)
	return r
}
