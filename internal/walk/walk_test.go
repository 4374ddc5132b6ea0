package walk

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"kioskd/internal/catalogue"
)

var (
	visits = flag.Int("visits", 200, "how many visits to walk")
	seed   = flag.Uint64("seed", 0, "of the random faults; 0 = a new one, printed")
	rigs   = flag.Int("rigs", 2, "kiosks, each with a hub, that walk side by side")
)

// ledger is what screens have promised: reception number → what was said.
type ledger struct {
	promised map[string][]string
	issued   map[string]bool // payment cards whose ID was shown
	killed   int
}

func (l *ledger) promise(number, delivery string) {
	if said := l.promised[number]; !slices.Contains(said, delivery) {
		l.promised[number] = append(said, delivery)
	}
}

func TestVisitsWithFaults(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %d visits on %d kiosks", *seed, *visits, *rigs)
	bin := t.TempDir()
	build(t, bin)
	var mu sync.Mutex
	ends := map[string]int{}
	submissions := 0
	for n := range *rigs {
		t.Run(fmt.Sprintf("kiosk %d", n+1), func(t *testing.T) {
			t.Parallel()
			walked, stored := walkMany(t, bin, rand.New(rand.NewPCG(*seed, uint64(n))), *visits / *rigs)
			mu.Lock()
			defer mu.Unlock()
			submissions += stored
			for end, times := range walked {
				ends[end] += times
			}
		})
	}
	t.Cleanup(func() {
		t.Logf("seed %d: ends %v; %d submissions in the hub, each promised and each once", *seed, ends, submissions)
		if t.Failed() {
			t.Logf("again with: go test ./internal/walk -seed %d -visits %d -rigs %d", *seed, *visits, *rigs)
		}
	})
}

func walkMany(t *testing.T, bin string, rnd *rand.Rand, visits int) (ends map[string]int, stored int) {
	r := newRig(t, bin)
	book := &ledger{promised: map[string][]string{}, issued: map[string]bool{}}
	ends = map[string]int{}
	for i := range visits {
		s := &shopper{
			rig: r, rnd: rnd, ledger: book, faults: rnd.IntN(4), slip: rnd.IntN(6) == 0,
			tap:     rnd.IntN(2) == 0,
			plan:    []string{"full", "full", "reserve", "apply"}[rnd.IntN(4)],
			persona: fmt.Sprintf("person-%02d", 1+rnd.IntN(10)),
			card:    paymentCard(rnd), phone: fmt.Sprintf("090%08d", 10000000+rnd.IntN(80000000)),
		}
		r.dock("reset", struct{}{})
		r.post(r.hub+"/api/sandbox/reset", struct{}{})
		end := s.visit()
		ends[end]++
		if end == "killed" {
			book.killed++
			s.afterKill()
		}
		if t.Failed() {
			t.Fatalf("visit %d", i+1)
		}
	}
	r.dock("reset", struct{}{})
	return ends, r.settle(book)
}

// afterKill looks at the screen that the next start shows: the top, or what is
// known of the visit that was cut.
func (s *shopper) afterKill() {
	s.t.Helper()
	shot := <-s.shots
	s.note(shot)
	switch shot.Screen.Kind {
	case "menu":
	case "recovered":
		s.send(shot.Seq, "next", nil)
	default:
		s.t.Fatalf("after a kill the screen shows %s", shot.Screen.Step)
	}
}

func paymentCard(rnd *rand.Rand) string {
	body := fmt.Sprintf("6900%011d", rnd.Int64N(100000000000))
	return body + string(catalogue.LuhnDigit(body))
}

type row struct {
	ID      string `json:"id"`
	Number  string `json:"number"`
	Kind    string `json:"kind"`
	Verdict struct {
		Accepted bool   `json:"accepted"`
		Code     string `json:"code"`
	} `json:"verdict"`
}

// settle waits until the hub holds every promise and then compares both ways.
func (r *rig) settle(book *ledger) int {
	r.t.Helper()
	var rows []row
	r.eventually("the hub to hold everything that was promised", func() bool {
		rows = r.submissions()
		there := map[string]bool{}
		for _, row := range rows {
			there[row.Number] = true
		}
		for number := range book.promised {
			if !there[number] {
				return false
			}
		}
		return true
	})
	times := map[string]int{}
	checked, issued := 0, 0
	for _, row := range rows {
		times[row.Number]++
		if row.Kind == "issuance" { // shown as ID and code, not by number
			issued++
			continue
		}
		checked++
		said, promised := book.promised[row.Number]
		switch {
		case !promised:
			r.t.Errorf("the hub holds %s %s that no screen told of", row.Kind, row.Number)
		case slices.Contains(said, "accepted") && !row.Verdict.Accepted:
			r.t.Errorf("%s was called accepted and the hub refused it: %s", row.Number, row.Verdict.Code)
		case slices.Contains(said, "refused") && row.Verdict.Accepted:
			r.t.Errorf("%s was called refused and the hub accepted it", row.Number)
		}
	}
	for number, n := range times {
		if n != 1 {
			r.t.Errorf("%s stands %d times in the hub", number, n)
		}
	}
	// A kill may fall between the hub's answer and the record of it.
	if issued < len(book.issued)-book.killed {
		r.t.Errorf("%d IDs were shown, %d records of it are in the hub", len(book.issued), issued)
	}
	if checked == 0 {
		r.t.Error("nothing was submitted: the walk does not walk")
	}
	var alarms struct {
		Alarms []struct{ Kind, Text string } `json:"alarms"`
	}
	r.get(r.hub+"/api/alarms", &alarms)
	for _, a := range alarms.Alarms {
		r.t.Errorf("the hub raised an alarm: %s %s", a.Kind, a.Text)
	}
	return len(rows)
}

func (r *rig) submissions() (all []row) {
	r.t.Helper()
	for page := 1; ; page++ {
		var got struct {
			Total       int   `json:"total"`
			Submissions []row `json:"submissions"`
		}
		r.get(fmt.Sprintf("%s/api/submissions?limit=1000&page=%d", r.hub, page), &got)
		all = append(all, got.Submissions...)
		if len(all) >= got.Total || len(got.Submissions) == 0 {
			return all
		}
	}
}
