package hub

import (
	"context"
	"log/slog"
	"time"

	"kioskd/internal/wire"
)

const (
	// forgetPause is from the end of a connection until it is forgotten: its goroutine
	// has buffers and takes a moment to end, and others may end with it.
	forgetPause = time.Second
	// forgetRest is how many times as long as it took nothing is forgotten again, so
	// that a busy hub spends no more than a twentieth of its time on it.
	forgetRest = 20
)

// Forgetter has what calls of a shopper left in memory overwritten, beside the
// requests: passwords, codes and names pass through strings and buffers of TLS and
// net/http that nobody can zero. It comes after the connections over which the calls
// came, for these keep buffers; a kiosk closes its own at the end of each visit.
type Forgetter struct {
	do   func()
	log  *slog.Logger
	bell chan struct{}
}

// NewForgetter makes one that is still to be [Forgetter.Run]. do overwrites what is free.
func NewForgetter(do func(), log *slog.Logger) *Forgetter {
	return &Forgetter{do: do, log: log, bell: make(chan struct{}, 1)}
}

// Ring tells that a connection has ended. It never blocks, and while one is being
// forgotten it asks for the next time.
func (f *Forgetter) Ring() {
	select {
	case f.bell <- struct{}{}:
	default:
	}
}

// Run forgets until ctx ends.
func (f *Forgetter) Run(ctx context.Context) {
	for {
		select {
		case <-f.bell:
		case <-ctx.Done():
			return
		}
		if pause(ctx, forgetPause) != nil {
			return // the process ends, and its memory with it
		}
		began := time.Now()
		f.do()
		took := time.Since(began)
		f.log.Debug("Forgot what calls left in memory", "ms", took.Milliseconds())
		if pause(ctx, forgetRest*took) != nil {
			return
		}
	}
}

// Warm has encoding/json learn what this package encodes, before the first call comes:
// what it learns it keeps for ever, in blocks of memory that small strings share. A
// code that came at the same moment would stay as long.
func Warm() {
	wire.Warm()
	wire.Learn[Summary]()
	wire.Learn[[]Check]()
	wire.Learn[private]()
}
