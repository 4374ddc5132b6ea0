package kiosk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kioskd/internal/defect"
	"kioskd/internal/flow"
	ksync "kioskd/internal/sync"
)

// tryStep is flow.Step, whose panics are errors.
func (k *Kiosk) tryStep(fact flow.Fact) (state flow.State, effects []flow.Effect, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = defect.New(p)
		}
	}()
	state, effects = k.step(k.state, flow.Event{At: k.opt.Clock.Now(), Fact: fact})
	return state, effects, nil
}

// tryView is flow.View, whose panics are errors.
func (k *Kiosk) tryView() (view flow.Snapshot, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = defect.New(p)
		}
	}()
	return k.view(k.state), nil
}

// rebuild wipes the visit and puts the kiosk back on its top screen, with the
// devices as they were last reported. When even that fails the daemon ends,
// and whoever supervises it starts it anew.
//
// The wiped visit has come to no end that its shopper saw. What it had stored is
// therefore told as after a crash of the daemon.
func (k *Kiosk) rebuild(work context.Context) error {
	k.state.Discard()
	if k.told.visit != "" {
		k.journal.put(note{event: ksync.AuditVisitOver, subject: k.told.visit, detail: "defect"})
	}
	k.told = told{}
	k.cut.spoiled, k.cut.telling = append(k.cut.spoiled, k.cut.telling...), nil
	k.life++
	k.slips.visit = 0 // visits are counted from one again
	wiped := slices.Collect(maps.Values(k.visits))
	clear(k.visits)
	for _, v := range wiped {
		v.cancel()
	}
	k.running.Go(func() { k.recallWiped(work, wiped) })
	k.running.Go(func() { k.forget.after(work, wiped...) })
	k.state = flow.New(k.opt.Settings)
	for _, fact := range k.known.facts() {
		state, _, err := k.tryStep(fact)
		if err != nil {
			return fmt.Errorf("cannot build the visit anew: %w", err)
		}
		k.state = state
	}
	if err := k.settle(); err != nil {
		return fmt.Errorf("cannot build the visit anew: %w", err)
	}
	return nil
}

func (d devices) facts() []flow.Fact {
	var facts []flow.Fact
	if d.reader != nil {
		facts = append(facts, *d.reader)
	}
	if d.printer != nil {
		facts = append(facts, *d.printer)
	}
	if d.line != nil {
		facts = append(facts, *d.line)
	}
	if d.storage != nil {
		facts = append(facts, *d.storage)
	}
	if d.enrol != nil {
		facts = append(facts, *d.enrol)
	}
	return facts
}

// nameOf is the bare name of a fact or effect: all that logs may know of it.
func nameOf(v any) string { return strings.TrimPrefix(fmt.Sprintf("%T", v), "flow.") }
