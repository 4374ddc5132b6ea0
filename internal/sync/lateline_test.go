package sync

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	stdsync "sync"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/sync/linetest"
	"kioskd/internal/wire"
)

// places are where a sending may be held up, both ways: before anything, in the
// handshake, in the middle of the last record (the request, or the answer), at its
// last byte. A clean exchange shows where records end.
func (r *lineRig) places() map[linetest.Way][]int {
	r.t.Helper()
	s := r.commit()
	r.round()
	if r.waits(s) {
		r.t.Fatal("it is not sent over a good line")
	}
	at := map[linetest.Way][]int{}
	for _, way := range []linetest.Way{linetest.Up, linetest.Down} {
		ends := r.line.Records(way)
		if len(ends) < 3 {
			r.t.Fatalf("%d records %s: that is no TLS", len(ends), way)
		}
		at[way] = []int{0, ends[0] + 3, r.inLast(way)}
	}
	return at
}

// inLast is the middle of the last record that went one way.
func (r *lineRig) inLast(way linetest.Way) int {
	ends := r.line.Records(way)
	return (ends[len(ends)-2] + ends[len(ends)-1]) / 2
}

// put puts something before the hub's handler. A late request may be coming just now.
func (r *lineRig) put(between func(http.Handler) http.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.between = between
}

// fresh lets the next request go over a new connection, that with the first of these
// faults. An earlier one may not be idle yet when the client drops those that are: it would
// be used, and the fault would happen to a connection that nobody needs.
func (r *lineRig) fresh(faults ...linetest.Fault) {
	r.client.Close()
	r.line.Quiet()
	r.line.Next(faults...)
}

// held waits until bytes stand before the gate; ended says that none will any more.
func held[T any](t *testing.T, g *linetest.Gate, ended <-chan T) {
	t.Helper()
	select {
	case <-g.Held():
	case <-ended:
		t.Fatal("it is over, and nothing was held up")
	}
}

// What is held up anywhere and comes within the time that the kiosk has is as good as
// what was not.
func TestALineThatIsSlow(t *testing.T) {
	r := newLineRig(t)
	sent := 1
	for way, places := range r.places() {
		for _, at := range places {
			what := fmt.Sprintf("delayed %s from byte %d on", way, at)
			s, gate, ended := r.commit(), linetest.NewGate(), make(chan struct{})
			sent++
			r.fresh(linetest.Fault{How: linetest.Delay, Way: way, At: at, Gate: gate})
			go func() { defer close(ended); r.round() }()
			held(t, gate, ended)
			if !r.waits(s) {
				t.Fatalf("%s: it is taken for received, and no answer came", what)
			}
			gate.Open()
			<-ended
			if r.waits(s) || !r.stored(s) || !r.courier.line.up {
				t.Errorf("%s: it waits %t, it is stored %t, the line is called up %t", what, r.waits(s), r.stored(s), r.courier.line.up)
			}
		}
	}
	if n := r.all(); n != sent {
		t.Errorf("the hub holds %d submissions, %d were committed", n, sent)
	}
}

// What comes when the kiosk has given up comes to nobody: it is sent again, the hub
// has it once, and the old answer is not taken for that to the next request. The old
// one comes before the next request, while that is under way, or after it.
func TestAnAnswerThatIsTooLate(t *testing.T) {
	r := newLineRig(t)
	places, sent := r.places(), 1
	for way, at := range places {
		for _, at := range at {
			for _, opens := range []string{"before", "while", "after"} {
				what := fmt.Sprintf("delayed %s from byte %d on, which comes %s the next request", way, at, opens)
				first, gate := r.commit(), linetest.NewGate()
				r.fresh(linetest.Fault{How: linetest.Delay, Way: way, At: at, Gate: gate})
				r.giveUp(gate, first, what, way == linetest.Up && at > 0)
				second := r.commit()
				sent += 2
				old := r.line.Arrived()
				r.put(nil)
				switch opens {
				case "before":
					gate.Open()
				case "while": // its handler waits at the hub, or it may be through by then
					r.put(func(next http.Handler) http.Handler {
						return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
							gate.Open()
							next.ServeHTTP(w, req)
						})
					})
				}
				r.round()
				gate.Open()
				if r.line.Arrived() == old {
					t.Errorf("%s: the next request went over the line that has an answer under way", what)
				}
				for i, s := range []wire.Submission{first, second} {
					if r.waits(s) || !r.stored(s) {
						t.Errorf("%s: submission %d waits %t, is stored %t", what, i+1, r.waits(s), r.stored(s))
					}
				}
			}
		}
	}
	r.put(nil)
	r.line.Break() // no late request is still on its way
	if n := r.all(); n != sent {
		t.Errorf("the hub holds %d submissions, %d were committed", n, sent)
	}
}

// giveUp sends one, and gives up when it is held up: nothing is known then. Where what is
// held is the kiosk's last word in the handshake or comes later, the kiosk gives up a line
// that it has: one that it has not yet it would keep for the next request.
func (r *lineRig) giveUp(gate *linetest.Gate, s wire.Submission, what string, has bool) {
	r.t.Helper()
	ctx, stop := context.WithCancelCause(r.t.Context())
	defer stop(nil)
	ended, got := make(chan error, 1), make(chan struct{})
	go func() {
		trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { close(got) }}
		_, err := r.client.Submit(httptrace.WithClientTrace(ctx, trace), s)
		ended <- err
	}()
	held(r.t, gate, ended)
	if has {
		<-got
	}
	stop(errors.New("the time is up"))
	if err := <-ended; err == nil {
		r.t.Fatalf("%s: it was acknowledged, and no answer came", what)
	}
	if !r.waits(s) {
		r.t.Fatalf("%s: it is not to be sent again", what)
	}
}

// Two are under way over two lines, and the later is answered first: each learns of
// its own.
func TestTwoLinesThatOvertake(t *testing.T) {
	r := newLineRig(t)
	r.places()
	at := r.inLast(linetest.Down)
	type answer struct {
		ack wire.Ack
		err error
	}
	var subs [2]wire.Submission
	var gates [2]*linetest.Gate
	var ended [2]chan answer
	r.fresh()
	for i := range subs {
		subs[i], gates[i], ended[i] = r.commit(), linetest.NewGate(), make(chan answer, 1)
		r.line.Next(linetest.Fault{How: linetest.Delay, Way: linetest.Down, At: at, Gate: gates[i]})
		go func() {
			ack, err := r.client.Submit(t.Context(), subs[i])
			ended[i] <- answer{ack, err}
		}()
		held(t, gates[i], ended[i])
	}
	for _, i := range []int{1, 0} {
		gates[i].Open()
		a := <-ended[i]
		if a.err != nil || a.ack.ID() != subs[i].ID || !a.ack.HashIs(subs[i].Hash()) {
			t.Errorf("request %d: an acknowledgement of %q, %v", i, a.ack.ID(), a.err)
		}
		if i == 1 && len(ended[0]) != 0 {
			t.Error("the answer to the second was taken for one to the first")
		}
	}
}

// The answers of two requests change places: neither believes the other's, both stay,
// and both are there once in the end.
func TestAnswersThatChangePlaces(t *testing.T) {
	r := newLineRig(t)
	subs := []wire.Submission{r.commit(), r.commit()}
	var mu stdsync.Mutex
	var came []*httptest.ResponseRecorder
	both := make(chan struct{})
	swap := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, req)
			mu.Lock()
			mine := len(came)
			if came = append(came, answer); len(came) == len(subs) {
				close(both)
			}
			mu.Unlock()
			<-both
			w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
			_, _ = w.Write(came[1-mine].Body.Bytes())
		})
	}
	r.put(swap)
	errs := make(chan error, len(subs))
	for _, s := range subs {
		go func() {
			_, err := r.client.Submit(t.Context(), s)
			errs <- err
		}()
	}
	for range subs {
		if err := <-errs; fault.CodeOf(err) != fault.HubRubbish {
			t.Errorf("the answer to the other is called %v", err)
		}
	}
	came, both = nil, make(chan struct{})
	r.round() // the same through the courier, which sends both at once
	for i, s := range subs {
		if !r.waits(s) || !r.stored(s) {
			t.Errorf("submission %d: it waits %t, it is stored %t", i, r.waits(s), r.stored(s))
		}
	}
	r.put(nil)
	for _, s := range subs {
		r.heals(s, "answers that changed places")
	}
	if n := r.all(); n != len(subs) {
		t.Errorf("the hub holds %d submissions, %d were committed", n, len(subs))
	}
}
