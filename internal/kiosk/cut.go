package kiosk

import (
	"context"
	"slices"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	ksync "kioskd/internal/sync"
)

// cutShort is what is to be told of visits that came to no end: of earlier runs, and
// of those that a defect wiped. The outbox keeps it until a screen has shown it.
type cutShort struct {
	recalled bool          // earlier runs were looked at, since there is a screen
	waiting  []ksync.Found // for the top screen
	telling  []ksync.Found // on the screen
	spoiled  []ksync.Found // a defect came while it was on the screen: the next run tells it
}

// add has these told, but for what is known already.
func (c *cutShort) add(found []ksync.Found) {
	for _, f := range found {
		if !slices.Contains(c.waiting, f) && !slices.Contains(c.telling, f) && !slices.Contains(c.spoiled, f) {
			c.waiting = append(c.waiting, f)
		}
	}
}

// recall looks for submissions of cut visits: of earlier runs, and of the named
// visits of this run.
func (k *Kiosk) recall(work context.Context, wiped ...string) []ksync.Found {
	ctx, cancel := context.WithTimeout(work, 10*time.Second)
	defer cancel()
	found, err := k.opt.Outbox.Unended(ctx, wiped...)
	if err != nil {
		// Not worth refusing to serve: the submissions themselves are safe, and the
		// next start finds them again.
		k.log.Warn("Cannot look for unended visits", "fault", fault.CodeOf(err))
	}
	return found
}

// recallWiped waits for what wiped visits were storing, and has it told.
func (k *Kiosk) recallWiped(work context.Context, wiped []*visit) {
	ids := make([]string, len(wiped))
	for i, v := range wiped {
		v.stores.Wait()
		ids[i] = v.id
	}
	found := k.recall(work, ids...)
	if len(found) == 0 {
		return
	}
	ask := func(work context.Context) {
		k.cut.add(found)
		k.broken = k.tell(work)
	}
	select {
	case k.asks <- ask:
	case <-work.Done():
	}
}

// tell shows what was recalled, as soon as there is a screen and it is free for it.
func (k *Kiosk) tell(work context.Context) error {
	if len(k.cut.waiting) == 0 || len(k.subs) == 0 || k.state.Step() != flow.StepTop {
		return nil
	}
	k.cut.telling, k.cut.waiting = k.cut.waiting, nil
	var fact flow.Found
	for _, f := range k.cut.telling {
		fact.Submissions = append(fact.Submissions, flow.FoundSubmission{Kind: f.Kind, Number: f.Number})
		fact.Lang = f.Lang // of the last one: who stands there now
	}
	return k.take(work, fact)
}

// toldOfCut has the outbox forget what was told. A run that is killed before that
// has it told once more, which misleads nobody; what no screen showed waits for one.
func (k *Kiosk) toldOfCut(work context.Context) {
	shown := k.cut.telling
	k.cut.telling = nil
	if len(k.subs) == 0 {
		k.cut.waiting = append(shown, k.cut.waiting...)
		return
	}
	k.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(work), 10*time.Second)
		defer cancel()
		if err := k.opt.Outbox.Told(ctx, shown); err != nil {
			k.log.Warn("Cannot note that unended visits were told of", "fault", fault.CodeOf(err))
		}
	})
}
