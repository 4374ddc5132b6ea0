package walk

import (
	"fmt"
	"maps"
	"slices"

	"kioskd/internal/hub/console"
)

// ledger is what screens have promised: reception number → what was said.
type ledger struct {
	promised map[string][]string
	must     map[string]bool // applications that have to be accepted
	judged   map[string]bool
	given    map[string]bool     // IDs that a screen has shown: the hub must have noted them
	issued   map[string]bool     // those whose record must be at the hub as well
	refs     map[string][]string // ID → the references that it was issued under
	unsure   int                 // submissions of which a screen said that it is not known whether they are stored
}

func newLedger() *ledger {
	return &ledger{
		promised: map[string][]string{}, must: map[string]bool{}, judged: map[string]bool{},
		given: map[string]bool{}, issued: map[string]bool{}, refs: map[string][]string{},
	}
}

func (l *ledger) promise(number, delivery string) {
	if said := l.promised[number]; !slices.Contains(said, delivery) {
		l.promised[number] = append(said, delivery)
	}
}

func (l *ledger) mustBeAccepted(number string) { l.must[number] = true }

type row struct {
	ID      string `json:"id"`
	Number  string `json:"number"`
	Kind    string `json:"kind"`
	Verdict struct {
		Accepted bool   `json:"accepted"`
		Code     string `json:"code"`
	} `json:"verdict"`
	Summary struct {
		IssueRef string `json:"issue_ref"` // of an issuance, as the issuer gave it
	} `json:"summary"`
}

// judge holds one row of the hub against what was said of it, as far as the
// screen's word reached: "queued" may become either.
func (l *ledger) judge(r row) string {
	said, promised := l.promised[r.Number]
	switch {
	case !promised && r.Kind != "issuance" && l.unsure > 0:
		l.unsure--
	case !promised && r.Kind != "issuance": // shown as ID and code, not by number
		return fmt.Sprintf("the hub holds %s %s that no screen told of", r.Kind, r.Number)
	case slices.Contains(said, "accepted") && !r.Verdict.Accepted:
		return fmt.Sprintf("%s %s was called accepted and the hub refused it: %s", r.Kind, r.Number, r.Verdict.Code)
	case slices.Contains(said, "refused") && r.Verdict.Accepted:
		return fmt.Sprintf("%s %s was called refused and the hub accepted it", r.Kind, r.Number)
	case l.must[r.Number] && !r.Verdict.Accepted:
		return fmt.Sprintf("%s %s of somebody who has reserved was refused: %s (the screen said %v)", r.Kind, r.Number, r.Verdict.Code, said)
	}
	return ""
}

// arrive waits until the hub holds everything that was promised, and judges what
// is new there.
func (r *rig) arrive(book *ledger) {
	r.t.Helper()
	open := map[string]bool{}
	for number := range book.promised {
		if !book.judged[number] {
			open[number] = true
		}
	}
	if len(open) == 0 {
		return
	}
	r.eventually(fmt.Sprintf("the hub to hold %v", slices.Collect(maps.Keys(open))), func() bool {
		there := open
		for _, row := range r.page(1, 100) {
			if !there[row.Number] {
				continue
			}
			delete(there, row.Number)
			book.judged[row.Number] = true
			if wrong := book.judge(row); wrong != "" {
				r.t.Error(wrong)
			}
		}
		return len(there) == 0
	})
}

// settle compares, in the end, all that was promised with all that the hub holds.
func (r *rig) settle(book *ledger) int {
	r.t.Helper()
	r.arrive(book)
	noted := r.noted()
	for _, wrong := range missing(book.given, book.refs, noted, "note") {
		r.t.Error(wrong)
	}
	var rows []row
	var records map[string]int
	r.eventually(fmt.Sprintf("the hub to hold the records of %d IDs that were issued", len(book.issued)), func() bool {
		rows, records = r.rows(), map[string]int{} // no screen gives their numbers
		for _, row := range rows {
			if row.Kind == "issuance" {
				records[row.Summary.IssueRef]++
			}
		}
		return len(missing(book.issued, book.refs, records, "record")) == 0
	})
	r.recorded(records)
	for ref, n := range records {
		if n != 1 || ref == "" {
			r.t.Errorf("DOUBLED: the hub holds %d records of the issuance %q", n, ref)
		}
	}
	times := map[string]int{}
	for _, row := range rows {
		times[row.Number]++
		if wrong := book.judge(row); wrong != "" && !book.judged[row.Number] {
			r.t.Error(wrong)
		}
	}
	for number, n := range times {
		if n != 1 {
			r.t.Errorf("%s stands %d times in the hub", number, n)
		}
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

// noted is what the hub has noted of issuances without the kiosk, by reference.
func (r *rig) noted() map[string]int {
	r.t.Helper()
	noted := map[string]int{}
	for _, i := range r.issuances() {
		if noted[i.IssueRef]++; noted[i.IssueRef] > 1 {
			r.t.Errorf("DOUBLED: the hub has noted the issuance %q %d times", i.IssueRef, noted[i.IssueRef])
		}
	}
	return noted
}

// recorded holds the hub's notes against the records that it has: each knows of the other.
func (r *rig) recorded(records map[string]int) {
	r.t.Helper()
	for _, i := range r.issuances() {
		if (i.Record != "") != (records[i.IssueRef] > 0) {
			r.t.Errorf("the hub has %d records of the issuance %s, and has noted %q", records[i.IssueRef], i.IssueRef, i.Record)
		}
	}
}

func (r *rig) issuances() (all []console.IssuanceRow) {
	r.t.Helper()
	for page := 1; ; page++ {
		var got struct {
			Issuances []console.IssuanceRow `json:"issuances"`
		}
		r.get(fmt.Sprintf("%s/api/issuances?limit=1000&page=%d", r.hub, page), &got)
		all = append(all, got.Issuances...)
		if len(got.Issuances) < 1000 {
			return all
		}
	}
}

// rows are all that the hub holds.
func (r *rig) rows() (all []row) {
	r.t.Helper()
	for page := 1; ; page++ {
		got := r.page(page, 1000)
		all = append(all, got...)
		if len(got) < 1000 {
			return all
		}
	}
}

func (r *rig) page(n, limit int) []row {
	r.t.Helper()
	var got struct {
		Submissions []row `json:"submissions"`
	}
	r.get(fmt.Sprintf("%s/api/submissions?limit=%d&page=%d", r.hub, limit, n), &got)
	return got.Submissions
}

// checkGoodbye: "finished" and "take your slip" must be true.
func (s *shopper) checkGoodbye(shot snapshot) {
	s.t.Helper()
	results, printed, not := s.eyes.slipsSaid()
	complete := s.slips()
	if shot.Screen.Reason == "finished" && s.resultSeen() == "" {
		s.t.Errorf("the visit is called finished and nothing was")
	}
	if takes, ok := shot.Screen.Slip.(bool); ok && takes && results == not {
		s.t.Errorf("a slip is to be taken and the screen knew of none")
	}
	if complete < printed {
		s.t.Errorf("%d slips were called printed, %d came out", printed, complete)
	}
	if most := results - not + s.reprints + s.slipsLeft; complete > most {
		s.t.Errorf("%d slips came out, the screen had told of at most %d (%d called not printed)", complete, most, not)
	}
}

// slips counts the whole ones that came out of the printer.
func (s *shopper) slips() (complete int) {
	if s.press != nil {
		return s.press.sinceBegin()
	}
	var now struct {
		Slips []struct{ Complete bool }
	}
	s.get(s.kiosk+"/dock/api/state", &now)
	for _, slip := range now.Slips {
		if slip.Complete {
			complete++
		}
	}
	return complete
}

// resultSeen is the furthest result that the screen showed.
func (s *shopper) resultSeen() string {
	for _, kind := range []string{"applied", "reserved", "manage", "issued"} {
		if s.eyes.delivery(kind) != "" {
			return kind
		}
	}
	return ""
}

// class names what came of a visit, for the table.
func (s *shopper) class(end string) string {
	kind := s.resultSeen()
	switch {
	case end == killed && s.recovered:
		return "killed, told after the start"
	case end == killed:
		return "killed, nothing to tell"
	case kind == "applied", kind == "reserved":
		return kind + " " + s.eyes.delivery(kind)
	case kind == "manage":
		return "looked up"
	case kind != "":
		return kind
	}
	return end
}

// mustOccur are the ends that 200 visits have to bring.
func mustOccur() []string {
	return []string{
		"applied accepted", "applied queued", "applied refused", "reserved accepted", "reserved queued", "issued", "looked up",
		"left", "idle", "turned back", "killed, told after the start", "killed, nothing to tell",
	}
}

// afterKill looks at the screen that the next start shows: the top, or what is
// known of the visit that was cut.
func (s *shopper) afterKill() {
	s.t.Helper()
	shot := <-s.shots
	s.note(shot)
	told, issuance := map[string]bool{}, false
	switch shot.Screen.Kind {
	case "menu":
		if !s.endsMaybe && (len(s.told) > 0 || s.recorded) {
			s.t.Errorf("after a kill the screen says nothing of %v", s.told)
		}
		return
	case "recovered":
		s.recovered = true
	default:
		s.t.Fatalf("after a kill the screen shows %s", shot.Screen.Step)
	}
	for _, it := range shot.Screen.Items {
		told[it.Number] = true
		issuance = issuance || it.Kind == "issuance"
	}
	for _, number := range s.told {
		if !told[number] {
			s.t.Errorf("%s was told of before the kill, and is not after it", number)
		}
	}
	if s.recorded && !issuance {
		s.t.Error("an ID was issued before the kill, and the screen says nothing of it")
	}
	s.send(shot.Seq, "next", nil)
}
