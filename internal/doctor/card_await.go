package doctor

import (
	"context"
	"errors"
	"slices"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card/pcsc"
)

// Await looks until a card lies on a reader that is served, at most for wait and
// at least until pcscd has had the time to notice one. What was seen last is
// returned. No driver may run meanwhile; see [pcsc.Look].
func Await(ctx context.Context, wait time.Duration, look func() ([]pcsc.Sight, error)) ([]pcsc.Sight, error) {
	limit := time.NewTimer(max(wait, noticed))
	defer limit.Stop()
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		sights, err := lookOnce(ctx, look)
		if err != nil || slices.ContainsFunc(sights, func(s pcsc.Sight) bool { return s.Card && served(s) }) {
			return sights, err
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return sights, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var errHangs = errors.New("it takes connections and says nothing")

// lookOnce does not wait for a pcscd that hangs. The look then stays behind, so
// nothing else may be asked of pcscd in this process.
func lookOnce(ctx context.Context, look func() ([]pcsc.Sight, error)) ([]pcsc.Sight, error) {
	type seen struct {
		sights []pcsc.Sight
		err    error
	}
	done := make(chan seen, 1)
	go func() {
		sights, err := look()
		done <- seen{sights, err}
	}()
	limit := time.NewTimer(lookLimit)
	defer limit.Stop()
	select {
	case s := <-done:
		return s.sights, s.err
	case <-limit.C:
		return nil, &fault.Error{Device: "reader", Op: "list the readers", Code: fault.ReaderGone, Cause: errHangs, Hint: "systemctl restart pcscd"}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
