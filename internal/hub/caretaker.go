package hub

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"
)

// Keeping says for how long what is kept. What tells that a submission was taken
// (ID, hash, acknowledgement) is kept for ever.
type Keeping struct {
	Sealed     time.Duration // the sealed bytes of submissions
	Quarantine time.Duration
	Alarms     time.Duration // since they were last raised
}

// Keep is how long everything is kept unless somebody says otherwise.
func Keep() Keeping {
	const day = 24 * time.Hour
	return Keeping{Sealed: 400 * day, Quarantine: 730 * day, Alarms: 400 * day}
}

// Caretaker forgets what has been kept for long enough, and seals anew what is in
// clear or under an earlier key. Of several hubs one does it at a time; what it does
// can be cut short anywhere.
type Caretaker struct {
	Store  *Sealing
	Keep   Keeping
	Holder string          // names this hub to the others
	Keys   func() []string // IDs of the vault's keys
	// Also is more to seal anew, of this hub alone; may be nil.
	Also func(ctx context.Context) (int, error)
	Now  func() time.Time
	Log  *slog.Logger
	// Soon makes it begin at once; may be nil.
	Soon <-chan struct{}

	doubt doubt
}

const (
	careName  = "upkeep" // of the lease
	careEvery = time.Hour
	careBatch = 200
	careLease = 5 * time.Minute
	carePause = 20 * time.Millisecond // between batches: kiosks go first
)

// Run looks after the store until ctx ends: now, and then every hour.
func (c *Caretaker) Run(ctx context.Context) {
	for {
		if _, err := c.Round(ctx); err != nil && ctx.Err() == nil {
			c.Log.Error("Store not looked after", "error", err)
		}
		t := time.NewTimer(careEvery + rand.N(careEvery/10))
		select {
		case <-t.C:
		case <-c.Soon:
			t.Stop()
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

// Care is what one round did.
type Care struct {
	Resealed  int
	Forgotten map[Kept]int
}

// errOther says that another hub is at it.
var errOther = errors.New("another hub has the lease")

// Round does everything once, unless another hub is at it.
func (c *Caretaker) Round(ctx context.Context) (Care, error) {
	done := Care{Forgotten: map[Kept]int{}}
	var also error
	if c.Also != nil { // without the lease: it is of this hub alone
		done.Resealed, also = c.Also(ctx)
	}
	err := c.round(ctx, &done)
	if errors.Is(err, errOther) {
		err = nil
	}
	err = errors.Join(err, also)
	if n := done.Resealed; n > 0 {
		c.Log.Info("Rows sealed anew", "rows", n)
	}
	for what, n := range done.Forgotten {
		if n > 0 {
			c.Log.Info("Store forgot what was kept for long enough", "what", what, "rows", n)
		}
	}
	if n := done.Forgotten[KeptSealed]; n > 0 {
		err = errors.Join(err, c.Store.Note(context.WithoutCancel(ctx), NoteSubmissionsPurged, "", strconv.Itoa(n), c.Now()))
	}
	return done, err
}

func (c *Caretaker) round(ctx context.Context, done *Care) error {
	var renewed time.Time
	step := func(int) error {
		if err := pause(ctx, carePause); err != nil {
			return err
		}
		now := c.Now()
		if now.Sub(renewed) < careLease/5 {
			return nil
		}
		mine, err := c.Store.Lease(ctx, careName, c.Holder, now, careLease)
		if err == nil && !mine {
			err = errOther
		}
		renewed = now
		return err
	}
	if wait, err := c.doubtful(ctx); wait || err != nil {
		return err
	}
	if err := step(0); err != nil {
		return err
	}
	// Forgetting comes first: a row that does not open must not make everything stay.
	now := c.Now()
	for _, f := range []struct {
		what   Kept
		before time.Time
	}{
		{KeptSealed, now.Add(-c.Keep.Sealed)}, {KeptQuarantine, now.Add(-c.Keep.Quarantine)}, {KeptAlarms, now.Add(-c.Keep.Alarms)},
		{KeptAnswers, now}, {KeptTraces, now},
	} {
		for {
			n, err := c.Store.Forget(ctx, f.what, f.before, careBatch)
			done.Forgotten[f.what] += n
			if err != nil {
				return err
			}
			if n < careBatch {
				break
			}
			if err := step(0); err != nil {
				return err
			}
		}
	}
	n, err := c.Store.ResealAll(ctx, c.Keys(), step)
	done.Resealed += n
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
