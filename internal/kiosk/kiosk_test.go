package kiosk

import (
	"context"
	"crypto/x509"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/hw/light"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

func TestReserveOnSimulatedHardware(t *testing.T) {
	inWorld(t, func(w *world) {
		w.expect(flow.StepTop)
		w.touch(flow.Start{Plan: flow.PlanReserve})
		w.expect(flow.StepCard)
		w.put("taro")
		w.expect(flow.StepPIN)
		w.keys("1234")
		w.touch(flow.Next{})
		s := w.expect(flow.StepReserved)
		if s.Screen.Number == "" {
			t.Error("no reception number is shown")
		}
		select {
		case <-w.kicks:
		default:
			t.Error("the courier was not kicked")
		}
		if n, err := w.outbox.Pending(context.Background()); err != nil || n != 1 {
			t.Errorf("outbox holds %d submissions (%v), want 1", n, err)
		}

		pass(30 * time.Second) // the hub's word does not come; the slip is printed
		if s := w.look(); s.Screen.Slip != string(flow.SlipPrinted) {
			t.Errorf("slip is %q, want printed", s.Screen.Slip)
		}
		if slips := w.printer.Slips(); len(slips) != 1 || !slips[0].Complete {
			t.Errorf("printer put out %d slips", len(slips))
		}
		if got := w.lights.all(); !slices.Contains(got, light.PutCard) || !slices.Contains(got, light.Done) {
			t.Errorf("lights showed %v", got)
		}
		if strings.Contains(w.log.String(), "1234") || strings.Contains(w.log.String(), s.Screen.Number) {
			t.Errorf("the log tells too much:\n%s", w.log)
		}
	})
}

// The document that the card signs is the kiosk's own, and the signature holds.
func TestSignedDocument(t *testing.T) {
	inWorld(t, func(w *world) {
		var got wire.Signed
		w.hub.inquiry = func(_ context.Context, in wire.InquiryRequest) (wire.Standing, error) {
			got = in.Signed
			return wire.Standing{Reserved: true}, nil
		}
		w.put("hanako")
		w.touch(flow.Start{Plan: flow.PlanApply})
		w.expect(flow.StepPIN)
		w.keys("1234")
		w.touch(flow.Next{})
		w.expect(flow.StepSearch)

		doc, err := wire.DecodeDocument(got.Document)
		if err != nil {
			t.Fatal(err)
		}
		if doc.Kiosk != "test-kiosk" || doc.Kind != wire.KindInquiry {
			t.Errorf("document is %+v", doc)
		}
		if age := w.clock.Now().Sub(doc.Time); age < 0 || age > 2*time.Second || doc.Time.Location() != time.UTC {
			t.Errorf("document's time is %v", doc.Time)
		}
		cert, err := x509.ParseCertificate(got.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		if err := cert.CheckSignature(x509.SHA256WithRSA, got.Document, got.Signature); err != nil {
			t.Error(err)
		}
	})
}

func TestTouchesMeantForAnotherQuestion(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx := context.Background()
		first := w.look()
		w.touch(flow.Start{Plan: flow.PlanReserve})
		second := w.expect(flow.StepCard)
		if second.Since <= first.Seq {
			t.Fatalf("since is %d after seq %d", second.Since, first.Seq)
		}
		if err := w.k.Touch(ctx, first.Seq, flow.GoHome{}); !errors.Is(err, ErrStale) {
			t.Errorf("touch of the earlier question: %v, want ErrStale", err)
		}
		if err := w.k.Touch(ctx, second.Seq+1, flow.GoHome{}); !errors.Is(err, ErrAhead) {
			t.Errorf("touch of a later snapshot: %v, want ErrAhead", err)
		}
		w.expect(flow.StepCard)

		// A snapshot of the same question is good enough, even when it is old.
		w.put("taro")
		pin := w.expect(flow.StepPIN)
		w.keys("12")
		if err := w.k.Touch(ctx, pin.Seq, flow.Key{Text: "3"}); err != nil {
			t.Errorf("touch of the same question: %v", err)
		}
	})
}

func TestSeqGrowsOnlyWithTheScreen(t *testing.T) {
	inWorld(t, func(w *world) {
		block := make(chan struct{})
		defer close(block)
		w.hub.lookup = func(ctx context.Context, _ wire.Lookup) (wire.Account, error) {
			<-ctx.Done()
			return wire.Account{}, ctx.Err()
		}
		w.touch(flow.Start{Plan: flow.PlanManage})
		before := w.look()
		w.line <- true // nothing new
		if after := w.look(); after.Seq != before.Seq {
			t.Errorf("seq went from %d to %d without a change", before.Seq, after.Seq)
		}
		w.keys("09012345678")
		if after := w.look(); after.Seq != before.Seq+11 || after.Since != before.Since {
			t.Errorf("after eleven keys: seq %d, since %d; before %d, %d", after.Seq, after.Since, before.Seq, before.Since)
		}
		w.touch(flow.Next{})
		w.keys("Zebra42quux")
		w.touch(flow.Next{})
		waiting := w.look()
		if waiting.Busy == nil {
			t.Fatal("the screen is not waiting")
		}
		pass(3 * time.Second)
		later := w.look()
		if later.Busy.SinceMS < 3000 {
			t.Errorf("a fresh look counts %d ms, want 3000 at least", later.Busy.SinceMS)
		}
		w.look()
		if again := w.look(); again.Seq != later.Seq {
			t.Errorf("seq went from %d to %d while only time passed", later.Seq, again.Seq)
		}
	})
}

func TestSlowSubscriberGetsTheNewest(t *testing.T) {
	inWorld(t, func(w *world) {
		sub, err := w.k.Subscribe(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Close()
		w.touch(flow.Start{Plan: flow.PlanManage})
		w.keys("0901") // five frames that nobody takes
		newest := w.look().Seq
		if frame := <-sub.C; frame.Seq != newest {
			t.Errorf("subscriber got frame %d, want %d", frame.Seq, newest)
		}
		select {
		case frame := <-sub.C:
			t.Errorf("a second frame lay there: %d", frame.Seq)
		default:
		}
		sub.Close()
		w.keys("2")
		select {
		case <-sub.C:
			t.Error("a closed subscription still gets frames")
		default:
		}
	})
}

func TestTimeEndsAVisit(t *testing.T) {
	t.Run("as it passes", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.touch(flow.Start{Plan: flow.PlanManage})
			w.keys("0901")
			sub, err := w.k.Subscribe(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Close()
			pass(2*time.Minute + 46*time.Second)
			synctest.Wait()
			if frame := <-sub.C; frame.Step != flow.StepGoodbye {
				t.Errorf("screen is %s, want goodbye without anybody looking", frame.Step)
			}
		})
	})
	t.Run("as the dock moves it", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.touch(flow.Start{Plan: flow.PlanManage})
			w.clock.Forward(3 * time.Minute)
			w.look()
			w.clock.Forward(time.Minute)
			w.expect(flow.StepGoodbye)
		})
	})
}

// cutShortVisit has a run end in the middle of a visit that has reserved, and gives
// the number that its screen told.
func cutShortVisit(t *testing.T, path string) (number string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, path)
		w.boot()
		defer w.stop()
		w.touch(flow.SetLang{Lang: "en"})
		w.touch(flow.Start{Plan: flow.PlanReserve})
		w.put("taro")
		w.look()
		w.keys("1234")
		w.touch(flow.Next{})
		number = w.expect(flow.StepReserved).Screen.Number
	})
	return number
}

// A visit that the last run did not live to end is told to whoever comes, until it
// was told: not by a run that has no screen, or dies before its screen was left.
func TestUnendedVisitIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	number := cutShortVisit(t, path)
	for _, run := range []struct {
		name   string
		screen bool
		told   bool
		leave  func(*world)
	}{
		{"a run without a screen", false, false, nil},
		{"a run that dies while it tells", true, true, nil},
		{"a run whose screen dies", true, true, func(w *world) { w.closeWindows(); pass(5 * time.Minute); w.look() }},
		{"a run that nobody touches", true, true, func(w *world) { pass(5 * time.Minute); w.look() }},
		{"the run after", true, false, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, path)
			w.boot()
			defer w.stop()
			if run.screen {
				w.watch()
			}
			if !run.told {
				w.expect(flow.StepTop)
				return
			}
			s := w.expect(flow.StepRecovered)
			if len(s.Screen.Items) != 1 || s.Screen.Items[0].Number != number || s.Lang != "en" {
				t.Errorf("%s shows %v in %s, want %s", run.name, s.Screen.Items, s.Lang, number)
			}
			if run.leave == nil {
				return
			}
			run.leave(w)
			w.expect(flow.StepTop)
			if len(w.windows) == 0 {
				w.watch() // what no screen has shown waits for one
				w.expect(flow.StepRecovered)
			}
		})
	}
}

func TestEndedVisitIsNotTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, path)
		w.boot()
		defer w.stop()
		w.touch(flow.Start{Plan: flow.PlanReserve})
		w.put("taro")
		w.look()
		w.keys("1234")
		w.touch(flow.Next{})
		w.expect(flow.StepReserved)
		if err := w.k.EndVisit(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.expect(flow.StepGoodbye)
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, path)
		w.boot()
		defer w.stop()
		w.expect(flow.StepTop)
	})
}

func TestHubProblems(t *testing.T) {
	refusal := &ksync.RefusalError{Problem: wire.Problem{Code: fault.LoginWrong, TriesLeft: 2}, RetryAfter: 7 * time.Second}
	for _, c := range []struct {
		name string
		err  error
		want flow.Problem
	}{
		{"none", nil, flow.Problem{}},
		{"refusal", refusal, flow.Problem{Code: fault.LoginWrong, TriesLeft: 2, RetryAfter: 7 * time.Second}},
		{"line", &fault.Error{Code: fault.LineDown}, flow.Problem{Code: fault.LineDown}},
		{"late", context.DeadlineExceeded, flow.Problem{Code: fault.HubSlow}},
		{"defect", errors.New("what"), flow.Problem{Code: fault.Internal}},
	} {
		if got := problemOf(c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// A document carries the hub's time, whatever this machine's clock says.
func TestDocumentsCarryTheHubsTime(t *testing.T) {
	inWorld(t, func(w *world) {
		const skew = -20 * time.Minute
		w.k.opt.Skew = func() time.Duration { return skew }
		raw, err := w.k.document(flow.Sign{Document: wire.Document{
			Schema: wire.Schema, Kind: wire.KindReservation, Reservation: &wire.Reservation{},
		}})
		if err != nil {
			t.Fatal(err)
		}
		d, err := wire.DecodeDocument(raw)
		if err != nil {
			t.Fatal(err)
		}
		if off := d.Time.Sub(w.clock.Now().Add(skew)); off.Abs() > time.Second {
			t.Errorf("it is stamped %v off the hub's time", off)
		}
		if at := w.k.judge().At; !at.Equal(w.clock.Now().Add(skew)) {
			t.Errorf("certificates are judged at %v", at)
		}
	})
}
