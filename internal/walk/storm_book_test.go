package walk

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// book is what screens have promised, whoever looked: it sees every snapshot that
// reached a window, also those that no shopper came to read. What slips have promised
// is read from the paper (storm_slips_test.go).
type book struct {
	mu      sync.Mutex
	who     string               // stands before the kiosk
	cut     []string             // who stood there when it died, since a start had nothing to tell of it
	numbers map[string][]string  // reception number → what was said of it
	people  map[string]*standing // of those who have come since the platform was emptied
	given   map[string]bool      // IDs that a screen or a slip has shown: the hub has noted them
	issued  map[string]bool      // IDs whose slip came to an end, so that their record is stored
	untold  []string             // at the hub, and no screen has told of them

	slips map[string]slipWord // number or ID → what screens said of its slip
	read  int                 // slips that were compared
	// reprints are those among them that said so.
	reprints int

	judged  map[string]row // numbers that were compared, with what the hub says of them
	records map[string]int // reference of an issuance → its records at the hub
}

// standing is how far one person got, as far as screens said.
type standing struct {
	reserved     bool
	applications []string
}

func newBook() *book {
	return &book{
		numbers: map[string][]string{}, people: map[string]*standing{}, given: map[string]bool{}, issued: map[string]bool{}, slips: map[string]slipWord{},
		judged: map[string]row{}, records: map[string]int{},
	}
}

// comes says who is at the kiosk from now on.
func (b *book) comes(who string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.who = who
	if b.people[who] == nil {
		b.people[who] = &standing{}
	}
}

// falls says that the kiosk died, under whoever stands there or has just gone, and
// that everything it has shown was seen.
func (b *book) falls() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.cut, b.who) {
		b.cut = append(b.cut, b.who)
	}
}

// hasReserved reports whether a screen has told this person of a reservation.
func (b *book) hasReserved(who string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.people[who] != nil && b.people[who].reserved
}

func (b *book) see(s snapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sc := s.Screen
	switch sc.Kind {
	case "reserved", "applied":
		if sc.Delivery != "" {
			b.promise(b.who, sc.Number, map[string]string{"reserved": "reservation", "applied": "application"}[sc.Kind], sc.Delivery)
		}
		b.hearSlip(sc.Number, s.slip())
	case "menu":
		b.cut = nil
	case "recovered":
		for _, it := range sc.Items {
			who := ""
			if len(b.cut) == 1 && len(b.numbers[it.Number]) == 0 { // else nobody knows, or it is told once more
				who = b.cut[0]
			}
			b.promise(who, it.Number, it.Kind, "recovered")
		}
	case "issued":
		if len(sc.Fields) == 0 {
			break
		}
		id := sc.Fields[0].Value
		b.given[id] = true
		if slip := s.slip(); slip != "" && slip != "printing" {
			b.issued[id] = true
		}
		b.hearSlip(id, s.slip())
	}
}

func (b *book) promise(who, number, kind, said string) {
	if !slices.Contains(b.numbers[number], said) {
		b.numbers[number] = append(b.numbers[number], said)
	}
	p := b.people[who]
	switch {
	case p == nil || said == "refused":
	case kind == "reservation":
		p.reserved = true
	case kind == "application" && p.reserved && !slices.Contains(p.applications, number):
		p.applications = append(p.applications, number)
	}
}

// judge holds one row of the hub against what was said of it.
func (b *book) judge(t *testing.T, r row) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.judged[r.Number] = r
	if r.Kind == "issuance" {
		ref := r.Summary.IssueRef
		if b.records[ref]++; b.records[ref] > 1 || ref == "" {
			t.Errorf("DOUBLED: the hub holds %d records of the issuance %q", b.records[ref], ref)
		}
	}
	said := b.numbers[r.Number]
	switch {
	case len(said) == 0 && r.Kind != "issuance": // shown as ID and code, not by number
		b.untold = append(b.untold, r.Kind+" "+r.Number)
	case slices.Contains(said, "accepted") && !r.Verdict.Accepted:
		t.Errorf("%s %s was called accepted and the hub refused it: %s", r.Kind, r.Number, r.Verdict.Code)
	case slices.Contains(said, "refused") && r.Verdict.Accepted:
		t.Errorf("%s %s was called refused and the hub accepted it", r.Kind, r.Number)
	}
	if !r.Verdict.Accepted {
		b.numbers[r.Number] = append(said, "the hub: "+r.Verdict.Code)
		return
	}
	for _, p := range b.people {
		if slices.Contains(p.applications, r.Number) {
			p.applications = nil // one is enough
		}
	}
}

// close holds what was promised against what was found, after all of it was
// judged, and forgets who has come. refs are the references of IDs, as the issuer has them.
func (b *book) close(t *testing.T, refs map[string][]string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for number, said := range b.numbers {
		if _, there := b.judged[number]; !there {
			t.Errorf("LOST: %s was told of (%v), and the hub does not have it", number, said)
		}
	}
	for _, wrong := range missing(b.issued, refs, b.records, "record") {
		t.Error(wrong)
	}
	for who, p := range b.people {
		if len(p.applications) > 0 {
			t.Errorf("%s has reserved and applied, and none of it was accepted", who)
			for _, number := range p.applications {
				t.Errorf("  %s: %q", number, b.numbers[number])
			}
		}
	}
	for _, what := range b.untold {
		t.Errorf("the hub holds %s, and no screen has told of it", what)
	}
	b.untold = nil
	clear(b.people)
}

// missing says of which IDs the hub has no record, or no note of its own. One that is
// there too often for one of them stands for no other.
func missing(ids map[string]bool, refs map[string][]string, have map[string]int, what string) (wrong []string) {
	for id := range ids {
		if len(refs[id]) == 0 {
			wrong = append(wrong, "an ID was called issued, and the issuer does not know it")
		}
		for _, ref := range refs[id] {
			if have[ref] == 0 {
				wrong = append(wrong, fmt.Sprintf("LOST: an ID was issued as %s, and the hub has no %s of it", ref, what))
			}
		}
	}
	return wrong
}
