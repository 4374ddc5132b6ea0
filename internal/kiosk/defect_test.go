package kiosk

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/secret"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// toPassword walks to the point where a log-in is sent.
func toPassword(w *world) {
	w.t.Helper()
	w.touch(flow.Start{Plan: flow.PlanManage})
	w.keys("09012345678")
	w.touch(flow.Next{})
	w.keys("Zebra42quux")
}

func TestPanicInAnEffectIsAnAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hub.lookup = func(_ context.Context, in wire.Lookup) (wire.Account, error) {
			panic("what " + in.Password)
		}
		toPassword(w)
		w.touch(flow.Next{})
		s := w.expect(flow.StepTrouble)
		if s.Screen.Code != string(fault.Internal) {
			t.Errorf("fault is %q, want internal", s.Screen.Code)
		}
		for _, secret := range []string{"Zebra42quux", "09012345678"} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
		if !strings.Contains(w.log.String(), "TestPanicInAnEffectIsAnAnswer") {
			t.Errorf("the log does not say where:\n%s", w.log)
		}
	})
}

func TestPanicInStepWipesTheVisit(t *testing.T) {
	inWorld(t, func(w *world) {
		release := make(chan struct{})
		called := 0
		w.hub.lookup = func(context.Context, wire.Lookup) (wire.Account, error) {
			called++
			<-release // deaf to its context
			return wire.Account{Service: "of the old visit"}, nil
		}
		was := w.k.step
		w.k.step = func(s flow.State, e flow.Event) (flow.State, []flow.Effect) {
			if f, ok := e.Fact.(flow.SetVolume); ok && f.Volume == 3 {
				panic(fmt.Errorf("what %s", "09012345678"))
			}
			return was(s, e)
		}
		toPassword(w)
		w.touch(flow.Next{})
		before := w.look()

		w.touch(flow.SetVolume{Volume: 3})
		s := w.expect(flow.StepTop)
		if !s.Kiosk.Line || !s.Kiosk.Reader || !s.Kiosk.Printer {
			t.Errorf("devices are forgotten: %+v", s.Kiosk)
		}
		if s.Since <= before.Seq {
			t.Errorf("since is %d after seq %d: an old touch could pass", s.Since, before.Seq)
		}
		if strings.Contains(w.log.String(), "09012345678") {
			t.Errorf("the log holds what was typed:\n%s", w.log)
		}

		// The same ticket numbers come again; the late answer must not be taken for
		// that of the new visit.
		toPassword(w)
		w.touch(flow.Next{})
		w.look()
		if called != 2 {
			t.Errorf("hub was called %d times", called)
		}
		release <- struct{}{} // the old call, which came first
		if s := w.look(); s.Busy == nil {
			t.Fatalf("the new visit took the old one's answer: %s", s.Screen.Step)
		}
		release <- struct{}{}
		if s := w.look(); s.Busy != nil {
			t.Error("the new visit did not get its own answer")
		}
	})
}

func TestPanicInViewWipesTheVisit(t *testing.T) {
	inWorld(t, func(w *world) {
		was := w.k.view
		w.k.view = func(s flow.State) flow.Snapshot {
			if s.Step() == flow.StepManagePhone {
				panic("cannot draw")
			}
			return was(s)
		}
		w.touch(flow.Start{Plan: flow.PlanManage})
		w.expect(flow.StepTop)
	})
}

// slowOutbox holds each commit back until it is released.
type slowOutbox struct {
	Outbox
	release chan struct{}
}

func (o slowOutbox) Commit(ctx context.Context, e ksync.Entry) (ksync.Committed, error) {
	<-o.release
	return o.Outbox.Commit(ctx, e)
}

// A panic must hide nothing that was stored, nor what is being stored.
func TestDefectTellsWhatWasStored(t *testing.T) {
	for _, moment := range []string{"after", "while"} {
		t.Run(moment+" storing", func(t *testing.T) {
			inWorld(t, func(w *world) {
				release := make(chan struct{}, 1)
				w.k.opt.Outbox = slowOutbox{Outbox: w.outbox, release: release}
				w.watch()
				was := w.k.step
				w.k.step = func(s flow.State, e flow.Event) (flow.State, []flow.Effect) {
					if f, ok := e.Fact.(flow.SetVolume); ok && f.Volume == 3 {
						panic("no further")
					}
					return was(s, e)
				}
				w.touch(flow.Start{Plan: flow.PlanReserve})
				w.put("taro")
				w.expect(flow.StepPIN)
				w.keys("1234")
				w.touch(flow.Next{})
				if moment == "after" {
					release <- struct{}{}
					w.expect(flow.StepReserved)
					w.touch(flow.SetVolume{Volume: 3})
				} else {
					w.touch(flow.SetVolume{Volume: 3})
					w.expect(flow.StepTop)
					w.touch(flow.Start{Plan: flow.PlanManage}) // somebody is quick
					release <- struct{}{}
					w.expect(flow.StepManagePhone) // and is not interrupted
					w.touch(flow.GoHome{})
					for range 3 { // through the goodbye, whatever it asks
						pass(10 * time.Second)
						w.look()
					}
				}
				s := w.expect(flow.StepRecovered)
				if len(s.Screen.Items) != 1 || s.Screen.Items[0].Kind != wire.KindReservation || s.Screen.Items[0].Number == "" {
					t.Errorf("told are %+v", s.Screen.Items)
				}
				if n, err := w.outbox.Pending(context.Background()); err != nil || n != 1 {
					t.Errorf("%d pending, %v", n, err)
				}
				w.touch(flow.Next{})
				w.expect(flow.StepTop)
				if again, err := w.outbox.Unended(context.Background()); err != nil || again != nil {
					t.Errorf("it would be told again: %v, %v", again, err)
				}
			})
		})
	}
}

// What a defect takes from the screen while it is told is not shown again and again,
// but by the next run.
func TestDefectWhileTelling(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	cutShortVisit(t, path)
	for _, broken := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, path)
			w.boot()
			defer w.stop()
			was := w.k.view
			w.k.view = func(s flow.State) flow.Snapshot {
				if broken && s.Step() == flow.StepRecovered {
					panic("cannot tell")
				}
				return was(s)
			}
			w.watch()
			if broken {
				w.expect(flow.StepTop)
			} else {
				w.expect(flow.StepRecovered)
			}
		})
	}
}

func TestHopelessDefectEndsTheDaemon(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir+"/outbox.db")
		w.boot()
		w.k.call(nil, func(context.Context) {
			w.k.view = func(flow.State) flow.Snapshot { panic("cannot draw at all") }
		})
		go w.k.Look(context.Background())
		err := <-w.ended
		if err == nil || !strings.Contains(err.Error(), "anew") {
			t.Errorf("Run returned %v", err)
		}
		w.end()
		<-w.ended
		<-w.ended
		w.printer.Close()
		if err := w.outbox.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestLateAnswerOfAnEndedVisit(t *testing.T) {
	inWorld(t, func(w *world) {
		release := make(chan struct{})
		w.hub.lookup = func(ctx context.Context, _ wire.Lookup) (wire.Account, error) {
			<-release
			return wire.Account{Service: "old"}, nil
		}
		toPassword(w)
		w.touch(flow.Next{})
		if err := w.k.EndVisit(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.expect(flow.StepGoodbye)
		pass(10 * time.Second)
		w.expect(flow.StepTop)
		w.touch(flow.Start{Plan: flow.PlanManage})
		before := w.look()
		close(release)
		if after := w.look(); after.Seq != before.Seq {
			t.Error("a late answer of the old visit changed the new one")
		}
	})
}

func TestEndOfVisitCancelsItsCalls(t *testing.T) {
	inWorld(t, func(w *world) {
		var why error
		w.hub.lookup = func(ctx context.Context, _ wire.Lookup) (wire.Account, error) {
			<-ctx.Done()
			why = ctx.Err()
			return wire.Account{}, ctx.Err()
		}
		toPassword(w)
		w.touch(flow.Next{})
		if err := w.k.EndVisit(context.Background()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if why != context.Canceled {
			t.Errorf("the call ended with %v, want canceled", why)
		}
	})
}

func TestEffectIsEndedByItsLimit(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hub.lookup = func(ctx context.Context, _ wire.Lookup) (wire.Account, error) {
			<-ctx.Done()
			return wire.Account{}, ctx.Err()
		}
		toPassword(w)
		w.touch(flow.Next{})
		pass(flow.LimitOf(flow.LogIn{}) + time.Millisecond)
		s := w.expect(flow.StepTrouble)
		if s.Screen.Code != string(fault.HubSlow) {
			t.Errorf("fault is %q, want hub_slow", s.Screen.Code)
		}
	})
}

func TestSecretsOfAnEffectAreWiped(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hub.lookup = func(context.Context, wire.Lookup) (wire.Account, error) { return wire.Account{}, nil }
		password := secret.New([]byte("Zebra42quux"))
		lent := password.Bytes()
		err := w.k.call(nil, func(work context.Context) {
			w.k.carryOut(work, flow.LogIn{Ticket: flow.Ticket{Visit: 1, N: 1}, Password: password})
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if strings.Trim(string(lent), "\x00") != "" {
			t.Error("the password is still in memory after its use")
		}
	})
}

// What an answer of an ended visit holds is zeroed, whichever answer it is.
func TestLateAnswersAreWiped(t *testing.T) {
	inWorld(t, func(w *world) {
		code := func() (secret.Secret, []byte) {
			s := secret.New([]byte("314159"))
			return s, s.Bytes()
		}
		ticket := flow.Ticket{Visit: 77, N: 1} // of a visit that is over
		issued, a := code()
		shown, b := code()
		document := []byte("314159")
		for _, fact := range []flow.Fact{
			flow.IDIssued{Ticket: ticket, Codes: []flow.Code{issued}},
			flow.LoggedIn{Ticket: ticket, Codes: []flow.Code{shown}},
			flow.DocumentSigned{Ticket: ticket, Signed: wire.Signed{Document: document}},
		} {
			w.k.answers <- answer{fact: fact}
		}
		w.look()
		for i, lent := range [][]byte{a, b, document} {
			if strings.Trim(string(lent), "\x00") != "" {
				t.Errorf("answer %d still holds %q", i, lent)
			}
		}
	})
}

// The document of a submission is zeroed once it stands in the outbox, and not
// before: what the flow does with its own copy meanwhile is nobody's concern.
func TestDocumentIsWipedAfterItsCommit(t *testing.T) {
	inWorld(t, func(w *world) {
		var committed, mine []byte
		keep := keepingOutbox{Outbox: w.outbox, seen: func(e ksync.Entry) {
			committed = bytes.Clone(e.Payload.Signed.Document)
			mine = e.Payload.Signed.Document
		}}
		w.k.opt.Outbox = keep
		theirs := []byte("the codes are 314159")
		err := w.k.call(nil, func(work context.Context) {
			w.k.carryOut(work, flow.Submit{Ticket: flow.Ticket{Visit: 1, N: 1}, Payload: wire.Payload{
				Schema: wire.Schema, Kind: wire.KindApplication, Signed: &wire.Signed{Document: theirs},
			}})
			clear(theirs) // the visit ends at this moment
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if string(committed) != "the codes are 314159" {
			t.Errorf("committed was %q", committed)
		}
		if strings.Trim(string(mine), "\x00") != "" {
			t.Errorf("%q is still in memory after its commit", mine)
		}
	})
}

// keepingOutbox shows what is committed and commits nothing.
type keepingOutbox struct {
	Outbox
	seen func(ksync.Entry)
}

func (o keepingOutbox) Commit(_ context.Context, e ksync.Entry) (ksync.Committed, error) {
	o.seen(e)
	return ksync.Committed{ID: e.ID}, nil
}
