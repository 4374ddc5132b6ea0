package walk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// fate is how a life in a storm ends: a kill -9 when something has happened, or a time after it.
type fate struct {
	start bool          // it was drawn to cut a start
	word  string        // of a log, of either process; "" = none is waited for
	step  string        // that a screen shows
	looks int           // so many snapshots were shown
	skip  int           // so many words or steps pass first
	after time.Duration // since then, or since the start
}

func (f fate) String() string {
	switch {
	case f.word != "":
		return "at a word in a log"
	case f.step != "":
		return "at a step"
	case f.looks > 0:
		return "after so many snapshots"
	case f.start:
		return "during the start"
	}
	return "at any time"
}

// startTakes is what a start takes at least: a kill before that cuts it.
const startTakes = 25 * time.Millisecond

// What processes say around the moments that matter: when a submission is on the
// kiosk's disk, when it is on the hub's, when the kiosk has believed the hub.
const (
	saysCommitted    = "submission committed"
	saysStored       = "Submission stored"
	saysAcknowledged = "submission acknowledged"
)

func upTo(rnd *rand.Rand, d time.Duration) time.Duration { return time.Duration(rnd.Int64N(int64(d))) }

// cutStart draws whether a life ends while it takes up what the one before left, as it
// does where the power flickers: all but one of n, so that now and then several in a row are cut.
func cutStart(rnd *rand.Rand, n int) bool { return rnd.IntN(n) > 0 }

// kioskFate draws how a life of kioskd ends.
func kioskFate(rnd *rand.Rand) fate {
	words := []string{saysCommitted, saysStored, saysAcknowledged}
	steps := []string{
		"pin", "reading", "reading", "apply_check", "reserved", "applied", "issued", "issue_password", "goodbye", "recovered",
	}
	if cutStart(rnd, 2) {
		return fate{start: true, after: upTo(rnd, 2*startTakes)}
	}
	switch n := rnd.IntN(18); {
	case n < 5:
		return fate{after: startTakes + upTo(rnd, 400*time.Millisecond)}
	case n < 7:
		return fate{looks: 1 + rnd.IntN(60)}
	case n < 12:
		return fate{step: steps[rnd.IntN(len(steps))], skip: rnd.IntN(3) / 2, after: upTo(rnd, 12*time.Millisecond)}
	default:
		return fate{word: words[rnd.IntN(len(words))], skip: rnd.IntN(2), after: upTo(rnd, 3*time.Millisecond)}
	}
}

// hubFate draws how a life of hubd ends.
func hubFate(rnd *rand.Rand) fate {
	words := []string{saysCommitted, saysStored, saysStored, saysAcknowledged}
	if cutStart(rnd, 2) {
		return fate{start: true, after: upTo(rnd, 2*startTakes)}
	}
	switch n := rnd.IntN(9); {
	case n < 2:
		return fate{after: startTakes + upTo(rnd, time.Second)}
	case n < 4:
		return fate{step: []string{"reading", "issue_code", "applied"}[rnd.IntN(3)], after: upTo(rnd, 12*time.Millisecond)}
	default:
		return fate{word: words[rnd.IntN(len(words))], skip: rnd.IntN(2), after: upTo(rnd, 3*time.Millisecond)}
	}
}

// reaper ends one life of one process, at the moment that fate has for it.
type reaper struct {
	mu     sync.Mutex
	fate   fate
	p      *process
	spared bool
	killed bool
	timer  *time.Timer
}

// newReaper is made before the process, so that it hears its first word.
func newReaper(f fate) *reaper { return &reaper{fate: f} }

// take lets it loose on p.
func (r *reaper) take(p *process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.p = p
	if f := r.fate; f.word == "" && f.step == "" && f.looks == 0 {
		r.timer = time.AfterFunc(f.after, r.kill)
	}
}

func (r *reaper) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.spared || r.killed || r.p == nil {
		return
	}
	select {
	case <-r.p.done: // it has ended by itself, which is for others to complain of
		return
	default:
	}
	r.killed = true
	_ = r.p.cmd.Process.Kill() // it may just have ended
}

// happened counts what fate waits for.
func (r *reaper) happened(is func(fate) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil || r.spared || !is(r.fate) {
		return
	}
	if r.fate.skip > 0 {
		r.fate.skip--
		return
	}
	r.timer = time.AfterFunc(r.fate.after, r.kill)
}

func (r *reaper) hears(said []byte) {
	r.happened(func(f fate) bool { return f.word != "" && bytes.Contains(said, []byte(f.word)) })
}

func (r *reaper) sees(step string) {
	r.happened(func(f fate) bool { return f.step == step })
	r.happened(func(f fate) bool {
		r.fate.looks--
		return f.looks == 1
	})
}

// spare lets the process live from now on. It reports whether it does.
func (r *reaper) spare() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spared = true
	return !r.killed
}

func (r *reaper) hasKilled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.killed
}

// mortal is the test, for hands that may reach for a process that was just killed.
// That is no failure: they let go, and whoever sent them sees what to do.
type mortal struct {
	testing.TB
	dead func() bool
}

// letGo is how hands that found nobody unwind.
type letGo struct{ why string }

func (m mortal) Fatal(args ...any) {
	m.Helper()
	if m.dead() {
		panic(letGo{fmt.Sprint(args...)})
	}
	m.TB.Fatal(args...)
}

func (m mortal) Fatalf(format string, args ...any) {
	m.Helper()
	if m.dead() {
		panic(letGo{fmt.Sprintf(format, args...)})
	}
	m.TB.Fatalf(format, args...)
}

// alive runs hands until they are done; false says that they found a process dead.
func alive(hands func()) (ok bool) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case letGo:
			ok = false
		default:
			panic(v)
		}
	}()
	hands()
	return true
}
