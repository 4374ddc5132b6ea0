package doctor_test

import (
	"slices"
	"strings"
	"testing"

	"kioskd/internal/doctor"
	"kioskd/internal/fault"
)

const (
	acr  = "ACS ACR1252 1S CL Reader PICC 0"
	slot = "ACS ACR1252 1S CL Reader SAM 0"
)

func facts(readers ...doctor.Reader) doctor.CardFacts {
	return doctor.CardFacts{Service: doctor.Service{Running: true, Libpcsclite: "1.2.3"}, Readers: readers, Cards: []doctor.Card{}}
}

func both(name, lies string) doctor.Reader {
	return doctor.Reader{Name: name, MyNumber: true, WAON: true, Lies: lies}
}

func (c caseOf) with(cards ...doctor.Card) caseOf { c.facts.Cards = cards; return c }

type caseOf struct {
	facts doctor.CardFacts
	setup doctor.CardSetup
	want  []string // severity, code, and part of the line
}

func TestFindings(t *testing.T) {
	good := doctor.Card{Reader: acr, Tech: doctor.TechISO, Readable: true}
	gone := &fault.Error{Device: "reader", Op: "list the readers", Code: fault.ReaderGone, Hint: "systemctl status pcscd.socket"}
	busy := &fault.Error{Device: "reader", Op: "connect", Code: fault.ReaderBusy, Hint: "lsof"}
	taken := doctor.Card{Reader: acr, Tech: doctor.TechISO, Steps: []doctor.Step{{Name: "connect", Err: busy}}}
	zero := 0
	many := doctor.Card{
		Reader: acr, Tech: doctor.TechISO, TriesLeft: &zero, Certificate: &doctor.Certificate{Issuer: doctor.IssuerUnknown},
		Steps: []doctor.Step{{Name: "certificate", Err: &fault.Error{Code: fault.CertExpired}}},
	}
	for name, c := range map[string]caseOf{
		"all is well": caseOf{facts: facts(both(acr, doctor.LiesISO))}.with(good),
		"no pcscd": {
			facts: doctor.NoService(gone, "1.2.3"), want: []string{"wrong reader_gone pcscd does not answer"},
		},
		"a pattern that cannot be used": {
			facts: doctor.NoService(errPattern{}, "1.2.3"), want: []string{"wrong internal "},
		},
		"no reader": {facts: facts(), want: []string{"wrong reader_gone pcscd runs but has no reader: plug"}},
		"nothing lies there": {
			facts: facts(both(acr, doctor.LiesNothing)), want: []string{"wrong  no card lies on a reader: lay one down"},
		},
		"only a slot for modules": {
			facts: facts(doctor.Reader{Name: slot, Lies: doctor.LiesNothing}),
			want:  []string{"wrong reader_gone there are only slots for security modules: " + slot},
		},
		"the card lies in the slot for modules": {
			facts: facts(both(acr, doctor.LiesNothing), doctor.Reader{Name: slot, Lies: doctor.LiesISO}),
			want:  []string{"wrong  a card lies on a reader that is not served: this is a slot"},
		},
		"the card lies on a reader that no pattern fits": {
			facts: facts(both(acr, doctor.LiesNothing), doctor.Reader{Name: "Other", Lies: doctor.LiesISO}),
			setup: doctor.CardSetup{MyNumber: []string{"ACR"}},
			want:  []string{"wrong  a card lies on a reader that is not served: lay it on a reader"},
		},
		"no pattern fits": {
			facts: facts(doctor.Reader{Name: acr, Lies: doctor.LiesISO}, doctor.Reader{Name: slot, Lies: doctor.LiesNothing}),
			setup: doctor.CardSetup{MyNumber: []string{"RC-S300"}},
			want:  []string{"wrong reader_gone reader.my_number: no reader fits; these are there: " + acr + ", " + slot},
		},
		"no pattern for WAON fits": caseOf{
			facts: facts(doctor.Reader{Name: acr, MyNumber: true, Lies: doctor.LiesISO}),
			setup: doctor.CardSetup{WAON: []string{"RC-S300"}},
			want:  []string{"wrong reader_gone reader.waon: no reader fits; these are there: " + acr},
		}.with(good),
		"two readers": caseOf{
			facts: facts(both(acr, doctor.LiesISO), both("Other", doctor.LiesNothing)),
			want:  []string{"note  2 readers are for My Number cards"},
		}.with(good),
		"taken": caseOf{
			facts: facts(both(acr, doctor.LiesTaken)),
			want:  []string{"wrong reader_busy another program holds the card: during a visit that is kioskd"},
		}.with(taken),
		"several things at once": caseOf{
			facts: facts(both(acr, doctor.LiesISO)),
			want:  []string{"wrong cert_expired ", "wrong cert_foreign ", "wrong pin_blocked "},
		}.with(many),
		"My Number card on the WAON reader": caseOf{
			facts: facts(doctor.Reader{Name: acr, WAON: true, Lies: doctor.LiesISO}, doctor.Reader{Name: "Other", MyNumber: true}),
			want:  []string{"note card_wrong_kind an ISO card lies on a reader that is only for WAON cards"},
		}.with(good),
		"WAON card on the My Number reader": caseOf{
			facts: facts(doctor.Reader{Name: acr, MyNumber: true, Lies: doctor.LiesFeliCa}),
			want:  []string{"note card_wrong_kind a FeliCa card lies on a reader that is only for My Number cards"},
		}.with(doctor.Card{Reader: acr, Tech: doctor.TechFeliCa}),
		"virtual cards are configured": caseOf{
			facts: facts(both(acr, doctor.LiesISO)), setup: doctor.CardSetup{Virtual: true},
			want: []string{"note  with this configuration kioskd reads the dock's virtual cards"},
		}.with(good),
		"what is wrong comes first": caseOf{
			facts: facts(both(acr, doctor.LiesISO), both("Other", doctor.LiesNothing)),
			want:  []string{"wrong reader_busy ", "note  2 readers"},
		}.with(taken),
	} {
		t.Run(name, func(t *testing.T) {
			r := c.facts.Report(c.setup)
			var got []string
			for _, f := range r.Findings {
				got = append(got, string(f.Severity)+" "+string(f.Code)+" "+f.Wrong+": "+f.Remedy)
			}
			if len(got) != len(c.want) {
				t.Fatalf("findings %q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], c.want[i]) {
					t.Errorf("%q, want %q…", got[i], c.want[i])
				}
			}
			if ok := !slices.ContainsFunc(c.want, func(s string) bool { return strings.HasPrefix(s, "wrong") }); r.OK != ok {
				t.Errorf("ok is %v", r.OK)
			}
		})
	}
}

type errPattern struct{}

func (errPattern) Error() string { return "cannot use it" }

// How readers are shown that are not served, or hold something odd.
func TestReadersAsText(t *testing.T) {
	f := facts(
		both("Both", doctor.LiesSilent), doctor.Reader{Name: "MyNumber", MyNumber: true, Lies: doctor.LiesTaken},
		doctor.Reader{Name: "WAON", WAON: true, Lies: doctor.LiesFeliCa}, doctor.Reader{Name: "None", Lies: doctor.LiesNothing},
	)
	golden(t, "readers", f.Report(doctor.CardSetup{MyNumber: []string{"MyNumber", "Both"}, WAON: []string{"WAON", "Both"}}))
	golden(t, "no-service", doctor.NoService(&fault.Error{
		Device: "reader", Op: "list the readers", Code: fault.ReaderGone, Cause: errPattern{}, Hint: "systemctl status pcscd.socket",
	}, "1.2.3").Report(doctor.CardSetup{}))
}
