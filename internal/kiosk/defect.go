package kiosk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"kioskd/internal/flow"
)

// tryStep is flow.Step, whose panics are errors.
func (k *Kiosk) tryStep(fact flow.Fact) (state flow.State, effects []flow.Effect, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newDefect(p)
		}
	}()
	state, effects = k.step(k.state, flow.Event{At: k.opt.Clock.Now(), Fact: fact})
	return state, effects, nil
}

// tryView is flow.View, whose panics are errors.
func (k *Kiosk) tryView() (view flow.Snapshot, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newDefect(p)
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
	k.life++
	wiped := slices.Collect(maps.Values(k.visits))
	clear(k.visits)
	for _, v := range wiped {
		v.cancel()
	}
	k.running.Go(func() { k.recallWiped(work, wiped) })
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
		k.found = append(k.found, found...)
		k.broken = k.tell(work)
	}
	select {
	case k.asks <- ask:
	case <-work.Done():
	}
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
	return facts
}

// defect is a recovered panic: where it was and of which kind, without the value,
// which might hold what a shopper typed.
type defect struct {
	kind  string
	where []string
}

func (d *defect) Error() string {
	return "cannot go on: " + d.kind + " at " + strings.Join(d.where, " < ")
}

// newDefect describes a panic. It is called by the deferred function that recovered.
func newDefect(p any) *defect {
	d := &defect{kind: fmt.Sprintf("%T", p)}
	var re runtime.Error
	if err, ok := p.(error); ok && errors.As(err, &re) && !strings.Contains(re.Error(), "interface conversion") {
		d.kind = re.Error() // an index or a nil pointer: numbers at most
	}
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for len(d.where) < 5 {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			file := f.File[strings.LastIndexByte(f.File, '/')+1:]
			d.where = append(d.where, fmt.Sprintf("%s (%s:%d)", f.Function, file, f.Line))
		}
		if !more {
			break
		}
	}
	return d
}

// nameOf is the bare name of a fact or effect: all that logs may know of it.
func nameOf(v any) string { return strings.TrimPrefix(fmt.Sprintf("%T", v), "flow.") }
