package sync

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/wire"
)

func dated(t time.Time) http.Header {
	return http.Header{"Date": {t.UTC().Format(http.TimeFormat)}}
}

func TestSkewFollowsTheHub(t *testing.T) {
	about := func(t *testing.T, c *hubClock, want time.Duration) {
		t.Helper()
		if got := c.skew(time.Now()); (got - want).Abs() > time.Second {
			t.Errorf("skew is %v, want about %v", got, want)
		}
	}
	answer := func(c *hubClock, ahead, took time.Duration) {
		sent := time.Now()
		<-time.After(took)
		c.note(dated(time.Now().Add(ahead)), sent, time.Now())
	}
	for name, f := range map[string]func(*testing.T, *hubClock){
		"unknown": func(t *testing.T, c *hubClock) { about(t, c, 0) },
		"none": func(t *testing.T, c *hubClock) {
			answer(c, time.Second, 0)
			if got := c.skew(time.Now()); got != 0 {
				t.Errorf("skew is %v: a Date cannot tell that", got)
			}
		},
		"years": func(t *testing.T, c *hubClock) {
			answer(c, 9000*24*time.Hour, time.Second)
			<-time.After(time.Hour)
			about(t, c, 9000*24*time.Hour)
		},
		"behind": func(t *testing.T, c *hubClock) {
			answer(c, -20*time.Minute, 0)
			about(t, c, -20*time.Minute)
		},
		"one wrong answer": func(t *testing.T, c *hubClock) {
			answer(c, time.Minute, 0)
			answer(c, time.Minute, 0)
			answer(c, 400*time.Hour, 0)
			about(t, c, time.Minute)
		},
		"hub is set right": func(t *testing.T, c *hubClock) {
			for range skewSamples {
				answer(c, time.Hour, 0)
			}
			for range skewSamples {
				answer(c, 0, 0)
			}
			about(t, c, 0)
		},
		"slow answers and no dates": func(t *testing.T, c *hubClock) {
			answer(c, time.Hour, 6*time.Second)
			c.note(http.Header{"Date": {"yesterday"}}, time.Now(), time.Now())
			c.note(http.Header{}, time.Now(), time.Now())
			about(t, c, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, &hubClock{}) })
		})
	}
}

// When somebody sets the kiosk's wall clock right, the skew is gone at once,
// before the hub has answered again.
func TestSkewKnowsWhenTheWallClockIsSet(t *testing.T) {
	c := &hubClock{}
	now := time.Now()
	c.samples = []hubTime{{hub: now.Add(time.Hour).Round(0), at: now}}
	if got := c.skew(now); got != time.Hour {
		t.Fatalf("skew is %v", got)
	}
	// A wall clock that was put forward shows as a time whose two readings differ;
	// without a monotonic reading the wall clocks are compared, which is the same sum.
	set := now.Round(0).Add(time.Hour)
	c.samples[0].at = c.samples[0].at.Round(0).Add(time.Hour)
	if got := c.skew(set); got != 0 {
		t.Errorf("skew is %v after the clock was set", got)
	}
}

func TestClientMeasuresTheSkew(t *testing.T) {
	k := newKeys(t)
	ahead := 36 * time.Hour
	serve(t, k, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		newLedger(k).ServeHTTP(w, r)
	}))
	c := newClient(t, k, ClientOptions{})
	if got := c.Skew(); got != 0 {
		t.Errorf("before any answer the skew is %v", got)
	}
	if err := c.Report(t.Context(), wire.Report{}); err != nil {
		t.Fatal(err)
	}
	if got := c.Skew(); (got - ahead).Abs() > 2*time.Second {
		t.Errorf("skew is %v, want about %v", got, ahead)
	}
}

// What does not come in the words of the hub does not say what time it is.
func TestSkewIsNotTakenFromRubbish(t *testing.T) {
	k := newKeys(t)
	serve(t, k, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusBadGateway)
	}))
	c := newClient(t, k, ClientOptions{})
	if err := c.Report(t.Context(), wire.Report{}); err == nil {
		t.Fatal("no error")
	}
	if got := c.Skew(); got != 0 {
		t.Errorf("skew is %v", got)
	}
}
