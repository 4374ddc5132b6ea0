package doctor

import (
	"fmt"
	"slices"
	"strings"

	"kioskd/internal/fault"
)

// CardSetup is what the configuration says of readers.
type CardSetup struct {
	MyNumber, WAON []string // patterns of reader names; empty: the defaults
	// Virtual says that the daemon of this configuration does not use real readers.
	Virtual bool
}

// Report judges the facts. It is pure.
func (f CardFacts) Report(setup CardSetup) Report {
	f.Readers = slices.Clone(f.Readers)
	for i := range f.Readers {
		f.Readers[i].NotServed = setup.whyNot(f.Readers[i])
	}
	r := newReport("card", f.findings(setup))
	r.Card = &f
	return r
}

// whyNot says why a reader is not served: without patterns every reader is, but
// for slots for security modules.
func (s CardSetup) whyNot(r Reader) string {
	switch {
	case r.MyNumber || r.WAON:
		return ""
	case len(s.MyNumber) > 0:
		return NoPattern
	default:
		return SAM
	}
}

func (f CardFacts) findings(setup CardSetup) []Finding {
	var all []Finding
	if setup.Virtual {
		all = append(all, Finding{
			Severity: Note, Wrong: "with this configuration kioskd reads the dock's virtual cards, not what is found here",
			Remedy: `for real readers set reader.driver = "pcsc"`,
		})
	}
	switch {
	case !f.Service.Running:
		return append(all, noService(f.Service.Err))
	case len(f.Readers) == 0:
		return append(all, Finding{
			Severity: Wrong, Code: fault.ReaderGone, Wrong: "pcscd runs but has no reader",
			Remedy: "plug the reader in; if lsusb shows it, its driver is missing (Debian: libccid)",
		})
	}
	all = append(all, f.roles(setup)...)
	for _, c := range f.Cards {
		all = append(all, f.card(c)...)
	}
	if len(f.Cards) == 0 && f.served() {
		all = append(all, f.nothing())
	}
	return all
}

func noService(err error) Finding {
	found := finding(err)
	if found.Code == fault.ReaderGone {
		found.Wrong, found.Remedy = "pcscd does not answer", "systemctl enable --now pcscd.socket starts it (Debian: apt install pcscd); if it hangs, systemctl restart pcscd"
	}
	return found
}

// roles holds the configuration against the readers that there are.
func (f CardFacts) roles(setup CardSetup) []Finding {
	var all []Finding
	myNumber := f.count(func(r Reader) bool { return r.MyNumber })
	waon := f.count(func(r Reader) bool { return r.WAON })
	for _, list := range []struct {
		key      string
		patterns []string
		fit      int
	}{{"reader.my_number", setup.MyNumber, myNumber}, {"reader.waon", setup.WAON, waon}} {
		if len(list.patterns) > 0 && list.fit == 0 {
			all = append(all, Finding{
				Severity: Wrong, Code: fault.ReaderGone,
				Wrong:  fmt.Sprintf("%s: no reader fits; these are there: %s", list.key, f.names()),
				Remedy: "plug the reader in, or put part of the right name into the configuration",
			})
		}
	}
	if len(setup.MyNumber) == 0 && myNumber == 0 {
		all = append(all, Finding{
			Severity: Wrong, Code: fault.ReaderGone,
			Wrong:  "there are only slots for security modules: " + f.names(),
			Remedy: "plug in a reader for cards; if one of these is it, name it in reader.my_number",
		})
	}
	if myNumber > 1 {
		all = append(all, Finding{
			Severity: Note, Wrong: fmt.Sprintf("%d readers are for My Number cards, and the screen points to one place", myNumber),
			Remedy: "name the right one in reader.my_number",
		})
	}
	return all
}

func (f CardFacts) count(is func(Reader) bool) int {
	n := 0
	for _, r := range f.Readers {
		if is(r) {
			n++
		}
	}
	return n
}

func (f CardFacts) served() bool {
	return f.count(func(r Reader) bool { return r.MyNumber || r.WAON }) > 0
}

func (f CardFacts) names() string {
	names := make([]string, len(f.Readers))
	for i, r := range f.Readers {
		names[i] = r.Name
	}
	return strings.Join(names, ", ")
}

// card says what is wrong with one.
func (f CardFacts) card(c Card) []Finding {
	var all []Finding
	add := func(found Finding) {
		found.Reader = c.Reader
		all = append(all, found)
	}
	for _, s := range c.Steps {
		if s.Err != nil {
			found := finding(s.Err)
			found.Step = s.Name
			add(found)
		}
	}
	// The dialogue ends with one fault, and a card may have several.
	if cert := c.Certificate; cert != nil && cert.Issuer == IssuerUnknown && !has(all, fault.CertForeign) {
		add(besides(fault.CertForeign, stepCertificate))
	}
	if c.TriesLeft != nil && *c.TriesLeft == 0 && !has(all, fault.PINBlocked) {
		add(besides(fault.PINBlocked, stepCounter))
	}
	if c.TriesLeft != nil && *c.TriesLeft == 1 {
		add(Finding{
			Severity: Note, Code: fault.PINTriesLow, Step: stepCounter, Wrong: "one PIN try is left: the next wrong PIN blocks the card",
			Remedy: "the right PIN brings all three back",
		})
	}
	for _, r := range f.Readers {
		if r.Name != c.Reader {
			continue
		}
		switch {
		case c.Tech == TechFeliCa && !r.WAON:
			add(misplaced("a FeliCa card", "My Number cards", "reader.waon"))
		case c.Tech == TechISO && !r.MyNumber:
			add(misplaced("an ISO card", "WAON cards", "reader.my_number"))
		}
	}
	return all
}

func besides(code fault.Code, step string) Finding {
	s := sentenceOf(code)
	return Finding{Severity: Wrong, Code: code, Step: step, Wrong: s.wrong, Remedy: s.remedy}
}

func has(list []Finding, code fault.Code) bool {
	return slices.ContainsFunc(list, func(f Finding) bool { return f.Code == code })
}

// misplaced is a card that kioskd reads where it lies only while no other card of
// its kind is there.
func misplaced(what, only, key string) Finding {
	return Finding{
		Severity: Note, Code: fault.CardWrongKind, Wrong: what + " lies on a reader that is only for " + only,
		Remedy: "lay it on the other reader; " + key + " says which one that is",
	}
}

// nothing is when no card could be examined.
func (f CardFacts) nothing() Finding {
	for _, r := range f.Readers {
		if r.NotServed == "" || r.Lies == LiesNothing {
			continue
		}
		found := Finding{Severity: Wrong, Reader: r.Name, Wrong: "a card lies on a reader that is not served"}
		if found.Remedy = "lay it on a reader that is served, or name this one in reader.my_number"; r.NotServed == SAM {
			found.Remedy = "this is a slot for security modules: lay the card on the reader itself"
		}
		return found
	}
	return Finding{
		Severity: Wrong, Wrong: "no card lies on a reader",
		Remedy: "lay one down and run this again; --wait 10s waits for it",
	}
}
