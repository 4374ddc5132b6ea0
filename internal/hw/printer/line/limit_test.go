package line

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimitEndsWaits(t *testing.T) {
	for _, c := range []struct {
		name  string
		moves []time.Duration // one a second: the deadline from that moment, 0 = none
		want  time.Duration   // when the wait of an hour ends
	}{
		{"set", []time.Duration{10 * time.Second}, 10 * time.Second},
		{"never", nil, time.Hour},
		{"past", []time.Duration{-time.Second}, 0},
		{"moved forward", []time.Duration{10 * time.Second, 2 * time.Second}, 3 * time.Second},
		{"moved back", []time.Duration{3 * time.Second, 9 * time.Second}, 10 * time.Second},
		{"taken away", []time.Duration{3 * time.Second, 0}, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, begin := newLimit(), time.Now()
				moved := make(chan struct{})
				go func() {
					defer close(moved)
					for _, m := range c.moves {
						if m == 0 {
							l.set(time.Time{})
						} else {
							l.set(time.Now().Add(m))
						}
						<-time.After(time.Second)
					}
				}()
				synctest.Wait()
				err := rest(time.Hour, nil, l.over())
				if got := time.Since(begin); got != c.want {
					t.Errorf("ended after %v, want %v", got, c.want)
				}
				if late := c.want < time.Hour; late != errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("err = %v", err)
				}
				<-moved
			})
		})
	}
}

func TestLimitCanBeUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit()
		for range 3 {
			l.set(time.Now().Add(time.Second))
			if err := rest(time.Minute, nil, l.over()); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("err = %v", err)
			}
		}
		l.set(time.Time{})
		if err := rest(time.Minute, nil, l.over()); err != nil {
			t.Fatalf("err = %v", err)
		}
	})
}
