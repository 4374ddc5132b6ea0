package light_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/hw/light"
	"kioskd/internal/hw/light/lighttest"
)

const grain = 10 * time.Millisecond

// levels samples a pattern.
func levels(p light.Pattern, d time.Duration) []float64 {
	out := make([]float64, 0, d/grain)
	for t := time.Duration(0); t < d; t += grain {
		l, _ := p.At(t)
		out = append(out, l)
	}
	return out
}

// mostFlashes counts the rises by a tenth or more after a fall, in the worst second.
func mostFlashes(at []time.Duration, level []float64, colour []light.Colour) int {
	var rises []time.Duration
	low, up := 1.0, false
	for i, l := range level {
		switch {
		case i > 0 && colour[i] != colour[i-1] && l >= 0.1 && level[i-1] >= 0.1:
			rises, low, up = append(rises, at[i]), l, true
		case i > 0 && l < level[i-1]:
			low, up = l, false
		case !up && l-low >= 0.1:
			rises, up = append(rises, at[i]), true
		}
		low = min(low, l)
	}
	worst := 0
	for i := range rises {
		n := 0
		for _, r := range rises[i:] {
			if r-rises[i] < time.Second {
				n++
			}
		}
		worst = max(worst, n)
	}
	return worst
}

func TestNoPatternFlashesTooOften(t *testing.T) {
	for _, s := range light.All() {
		p := light.PatternOf(s)
		l := levels(p, 15*time.Second)
		at, colour := make([]time.Duration, len(l)), make([]light.Colour, len(l))
		for i := range l {
			at[i], colour[i] = time.Duration(i)*grain, p.Colour
			if l[i] < 0 || l[i] > 1 {
				t.Fatalf("%s: level %v", s, l[i])
			}
		}
		if n := mostFlashes(at, l, colour); n > light.MaxFlashes {
			t.Errorf("%s flashes %d times a second", s, n)
		}
	}
}

// TestRhythmsDiffer: somebody who sees no colours must tell all signals apart,
// at whatever moment they look.
func TestRhythmsDiffer(t *testing.T) {
	const span = 12 * time.Second
	all := light.All()
	for i, a := range all {
		for _, b := range all[i+1:] {
			la, lb := levels(light.PatternOf(a), span), levels(light.PatternOf(b), 2*span)
			closest := math.Inf(1)
			for shift := range len(la) {
				sum := 0.0
				for k := range la {
					if sum += math.Abs(la[k] - lb[k+shift]); sum > closest*float64(len(la)) {
						break // farther apart than at another shift
					}
				}
				closest = min(closest, sum/float64(len(la)))
			}
			if closest < 0.12 {
				t.Errorf("%s and %s look alike: mean difference %.3f", a, b, closest)
			}
		}
	}
}

func TestUnknownSignalIsDark(t *testing.T) {
	if l, stays := light.PatternOf("nonsense").At(5 * time.Second); l != 0 || stays <= 0 {
		t.Errorf("level %v for %v", l, stays)
	}
}

// play runs lights inside a bubble until f returns.
func play(t *testing.T, f func(l *lighttest.Lights)) *lighttest.Lights {
	t.Helper()
	l := lighttest.New(slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	synctest.Wait()
	f(l)
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ended with %v", err)
	}
	return l
}

func after(d time.Duration) {
	t := time.NewTimer(d)
	<-t.C
	synctest.Wait()
}

func TestEngineFollowsThePattern(t *testing.T) {
	for _, s := range light.All() {
		synctest.Test(t, func(t *testing.T) {
			var start time.Time
			l := play(t, func(l *lighttest.Lights) {
				l.Show(light.Working)
				after(3 * time.Second) // whatever came before is over
				start = time.Now()
				l.Show(s)
				l.Show(s) // no restart
				after(9 * time.Second)
			})
			p := light.PatternOf(s)
			for _, r := range l.Record() {
				d := r.At.Sub(start)
				if d < time.Millisecond || d >= 9*time.Second {
					continue
				}
				want, _ := p.At(d)
				if r.Colour != p.Colour || math.Abs(r.Level-want) > 1e-9 {
					t.Fatalf("%s after %v: %v %.2f, want %v %.2f", s, d, r.Colour, r.Level, p.Colour, want)
				}
			}
			if last := l.Now(); last.Level != 0 {
				t.Errorf("%s: left at level %v, want dark", s, last.Level)
			}
		})
	}
}

// TestNoSequenceFlashesTooOften shows signals at random, faster than anyone should.
func TestNoSequenceFlashesTooOften(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			start := time.Now()
			l := play(t, func(l *lighttest.Lights) {
				for range 200 {
					l.Show(light.All()[r.IntN(len(light.All()))])
					after(time.Duration(1+r.IntN(300)) * time.Millisecond)
				}
			})
			record := l.Record()
			at, level, colour := make([]time.Duration, len(record)), make([]float64, len(record)), make([]light.Colour, len(record))
			for i, s := range record {
				at[i], level[i], colour[i] = s.At.Sub(start), s.Level, s.Colour
			}
			if n := mostFlashes(at, level, colour); n > light.MaxFlashes {
				t.Errorf("seed %d: %d flashes within a second", seed, n)
			}
			if len(record) < 100 {
				t.Errorf("seed %d: only %d changes", seed, len(record))
			}
		})
	}
}

func TestABrokenLampIsToldOnceAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		lamp := &lighttest.Lamp{}
		lamp.Break(true)
		e := light.NewEngine(lamp, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		e.Show(light.Identify)
		after(5 * time.Second)
		lamp.Break(false)
		after(5 * time.Second)
		stop()
		<-done
		if n := strings.Count(log.String(), "A status light fails"); n != 1 {
			t.Errorf("the failure is logged %d times:\n%s", n, log.String())
		}
		if !strings.Contains(log.String(), "The status light is back") || len(lamp.Record()) < 10 {
			t.Errorf("the lamp did not come back: %d changes\n%s", len(lamp.Record()), log.String())
		}
	})
}
