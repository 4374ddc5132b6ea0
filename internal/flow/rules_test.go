package flow

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/secret"
)

func TestPasswordRule(t *testing.T) {
	for typed, want := range map[string]bool{
		"abcdefg1": true, "1bcdefgh": true, "ABCDEFG9": true,
		"abcdef1": false, "abcdefgh": false, "12345678": false, "abcdefg1!": false, "": false,
	} {
		s := secret.New([]byte(typed))
		if got := allMet(passwordRules(s)); got != want {
			t.Errorf("%q: %v", typed, got)
		}
		s.Wipe()
	}
}

func TestFullWidthIsFolded(t *testing.T) {
	for _, tc := range []struct {
		set         charset
		typed, want string
	}{
		{digits, "０９０-１２３４", "0901234"},
		{letters, "ＡＢｃ１", "ABc1"},
		{kana, "やまだ たろう", "ヤマダ タロウ"},
		{kana, "ﾔﾏﾀﾞ", "ヤマダ"},
		{kana, "か゛き゜は゜つ小や小", "ガキパッャ"},
		{kana, "か゛゛", "カ"},
		{kana, "　ア　　イ", "ア イ"},
		{kana, "山田abc1", ""},
		{anyText, "ａｅｏｎいおん", "aeonイオン"},
	} {
		got := ""
		for _, r := range tc.typed {
			got = typeInto(got, Key{Text: string(r)}, tc.set, 40)
		}
		if got != tc.want {
			t.Errorf("%q: %q, want %q", tc.typed, got, tc.want)
		}
	}
	var s secret.Secret
	typeSecret(&s, Key{Text: "７３９"}, digits, 4)
	typeSecret(&s, Key{Text: "1234"}, digits, 4)
	if string(s.Bytes()) != "7391" {
		t.Error("full-width digits of a secret")
	}
	typeSecret(&s, Erase{}, digits, 4)
	if s.Len() != 3 {
		t.Error("erase")
	}
	typeSecret(&s, Clear{}, digits, 4)
	if s.Len() != 0 {
		t.Error("clear")
	}
}

func TestBirthDate(t *testing.T) {
	for _, tc := range []struct {
		era         Era
		typed, want string
		problem     string
	}{
		{EraShowa, "250203", "1950-02-03", ""},
		{EraShowa, "640107", "1989-01-07", ""},
		{EraShowa, "640108", "", "date_era"},
		{EraHeisei, "010108", "1989-01-08", ""},
		{EraHeisei, "310501", "", "date_era"},
		{EraReiwa, "010501", "2019-05-01", ""},
		{EraReiwa, "090101", "", "date_future"},
		{EraTaisho, "151224", "1926-12-24", ""},
		{EraWestern, "20000229", "2000-02-29", ""},
		{EraWestern, "19000229", "", "date_invalid"},
		{EraWestern, "18991231", "", "date_invalid"},
		{EraShowa, "000101", "", "date_invalid"},
		{EraShowa, "251332", "", "date_invalid"},
		{EraShowa, "2502", "", "too_short"},
	} {
		date, problem := birthDate(tc.era, tc.typed, start0)
		got := ""
		if problem == "" {
			got = date.Format(time.DateOnly)
		}
		if got != tc.want || problem != tc.problem {
			t.Errorf("%s %s: %q %q, want %q %q", tc.era, tc.typed, got, problem, tc.want, tc.problem)
		}
	}
	born := time.Date(2011, 11, 24, 0, 0, 0, 0, Tokyo)
	if !underAge(born, start0) || underAge(born, start0.Add(24*time.Hour)) {
		t.Error("the 15th birthday is the border")
	}
}

func TestPhoneAndName(t *testing.T) {
	for in, want := range map[string]string{
		"09012345678": "", "08012345678": "", "07012345678": "", "06012345678": "",
		"05012345678": "phone_prefix", "03123456789": "phone_prefix", "0901234567": "phone_length", "": "phone_length",
	} {
		if got := phoneProblem(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"ヤマダ タロウ": "", "ヤマダ タロウ ": "", "ヤマダ": "name_one_space", "ア イ ウ": "name_one_space", "": "too_short",
	} {
		if got := nameProblem(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestTermsMustBeReadToTheEnd(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanFull}, Pick{ID: "aeon-card-waon"}).at(StepIssueTerms)
	pages := w.view().Screen.(TermsView).Pages
	w.do(Box{On: true}, Next{}).at(StepIssueTerms)
	w.do(Turn{Page: pages - 1}, Box{On: true}, Next{}).at(StepIssueTerms) // no jump over a page
	w.readTerms().at(StepIssueCard)
	w.do(Back{}).at(StepIssueTerms)
	if v := w.view().Screen.(TermsView); !v.Ticked || !v.AllSeen {
		t.Fatal("going back loses the tick")
	}
}

func TestTopSaysWhatCanBeDone(t *testing.T) {
	for _, tc := range []struct {
		name  string
		facts []Fact
		off   map[Plan]bool
	}{
		{"all well", nil, nil},
		{"reader gone", []Fact{ReaderIs{}}, map[Plan]bool{PlanFull: true, PlanReserve: true, PlanApply: true}},
		{"line down", []Fact{LineIs{}}, map[Plan]bool{PlanFull: true, PlanIssue: true, PlanManage: true}},
		{"no printer", []Fact{PrinterIs{Fault: fault.PaperOut}}, nil},
		{
			"disk full", []Fact{StorageIs{Fault: fault.StorageFull}},
			map[Plan]bool{PlanFull: true, PlanIssue: true, PlanReserve: true, PlanApply: true},
		},
		{"not enrolled", []Fact{EnrolmentIs{Fault: fault.NotEnrolled}, LineIs{}}, allPlans()},
		{"not enrolled, with all that a visit needs", []Fact{EnrolmentIs{Fault: fault.NotEnrolled}}, allPlans()},
		{"enrolled", []Fact{EnrolmentIs{Fault: fault.NotEnrolled}, EnrolmentIs{}}, nil},
		{"revoked", []Fact{EnrolmentIs{Fault: fault.KioskRevoked}}, allPlans()},
		{"revoked and restored", []Fact{EnrolmentIs{Fault: fault.KioskRevoked}, EnrolmentIs{}}, nil},
		{"disk full and freed", []Fact{StorageIs{Fault: fault.StorageFull}, StorageIs{}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t).do(tc.facts...)
			for _, c := range w.view().Screen.(Menu).Choices {
				if c.Available == tc.off[c.Plan] {
					t.Errorf("%s: available %v because %v", c.Plan, c.Available, c.Because)
				}
				if tc.off[c.Plan] {
					if w.do(Start{Plan: c.Plan}); w.s.step != StepTop {
						t.Errorf("%s starts without its device", c.Plan)
					}
				}
			}
		})
	}
}

func TestIdle(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanManage}).keys("090")
	w.wait(120 * time.Second)
	if v := w.view(); v.Overlay == nil || v.Overlay.Kind != OverlayIdle || v.Deadline.LeftMS != 45000 {
		t.Fatalf("%+v %+v", v.Overlay, v.Deadline)
	}
	w.do(Key{Text: "5"}) // touching means staying, and types nothing
	if v := w.view(); v.Overlay != nil || v.Screen.(Entry).Text != "090" {
		t.Fatalf("%+v", v)
	}
	w.wait(165 * time.Second).at(StepGoodbye)
	if g := w.view().Screen.(Goodbye); g.Reason != "idle" {
		t.Fatalf("%+v", g)
	}
	w.wait(goodbyeFor).at(StepTop)
}

func TestIdleNeverCutsWork(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).at(StepReading)
	w.wait(limitSign + grace - time.Second).at(StepReading)
	w = newWorld(t).issue(PlanIssue).store("rec") // the slip prints for ever
	w.wait(limitPrint).at(StepIssued)
	// A printer that never answers does not keep ID and code on the screen for ever.
	w.wait(time.Hour).at(StepTop)
}

func TestACardLeftBehindIsRemembered(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).do(GoHome{}, GoHome{}).at(StepGoodbye)
	w.wait(goodbyeFor + time.Second).at(StepGoodbye)
	if SignalOf(w.s) != SignalLookAtScreen {
		t.Fatal("the lights are silent about the card")
	}
	w.lift().do(Tick{}).at(StepTop)
}

func TestHomeAsksWhereSomethingWouldBeLost(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanManage}, GoHome{}).at(StepTop)
	w.do(Start{Plan: PlanReserve}, Back{}).at(StepTop)
	w.do(Start{Plan: PlanManage}).keys("090").do(GoHome{}).at(StepGoodbye)
	w.do(Next{}, Start{Plan: PlanFull}, Back{}).at(StepTop)
	w.do(Start{Plan: PlanFull}, Pick{ID: "aeon-card-waon"}, GoHome{}).at(StepIssueTerms)
	if w.view().Overlay.Kind != OverlayHome {
		t.Fatal("not asked")
	}
	w.do(Back{}).at(StepIssueTerms)
	if w.view().Overlay != nil {
		t.Fatal("the question stays")
	}
	w.do(GoHome{}, Next{}).at(StepGoodbye)
}

func TestLookChangesAnywhereAndLosesNothing(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanManage}).keys("0901")
	w.do(Open{Overlay: OverlayLanguage}, SetLang{Lang: "en"}, SetSize{Size: 3}, SetContrast{Contrast: ContrastDark}, SetVolume{Volume: 0})
	v := w.view()
	if v.Lang != "en" || v.Look != (Look{3, ContrastDark, 0}) || v.Overlay != nil || v.Screen.(Entry).Text != "0901" {
		t.Fatalf("%+v", v)
	}
	w.do(GoHome{}, Next{}).at(StepTop)
	if v := w.view(); v.Lang != "ja" || v.Look.Size != 1 {
		t.Fatal("the next shopper gets the last one's look")
	}
}

func TestLateAnswersChangeNothing(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanManage}).keys(markPhone).do(Next{}).keys(markPassword).do(Next{})
	old := pop[LogIn](w)
	old.Password.Wipe()
	w.do(GoHome{}, GoHome{}).at(StepGoodbye)
	w.do(Next{}, Start{Plan: PlanManage}).keys(markPhone).do(Next{}).keys("x").at(StepManagePassword)
	w.do(LoggedIn{Ticket: old.Ticket}).at(StepManagePassword)
}

func TestFoundAfterRestart(t *testing.T) {
	w := newWorld(t).do(Found{Submissions: []FoundSubmission{{Kind: "application", Number: "7F3K"}}}).at(StepRecovered)
	w.do(Next{}).at(StepTop)
	w.do(Found{}).at(StepTop)
}

// Who was cut short is told in the language that was chosen, and goes on in it; whoever
// comes later finds the first one.
func TestFoundInTheShoppersLanguage(t *testing.T) {
	found := []FoundSubmission{{Kind: "application", Number: "7F3K"}}
	for _, c := range []struct{ lang, told string }{{"en", "en"}, {"ja", "ja"}, {"", "ja"}, {"xx", "ja"}} {
		w := newWorld(t).do(Found{Submissions: found, Lang: c.lang}).at(StepRecovered)
		if lang := w.view().Lang; lang != c.told {
			t.Errorf("found in %q, told in %q", c.lang, lang)
		}
		w.do(Next{}).at(StepTop)
		if lang := w.view().Lang; lang != c.told {
			t.Errorf("found in %q, goes on in %q", c.lang, lang)
		}
		w.wait(lookResetAfter)
		if lang := w.view().Lang; lang != "ja" {
			t.Errorf("the next one finds %q", lang)
		}
		w = newWorld(t).do(Found{Submissions: found, Lang: c.lang}).wait(foundFor).at(StepTop)
		if lang := w.view().Lang; lang != "ja" {
			t.Errorf("after nobody has read it the next one finds %q", lang)
		}
	}
}

func TestParseIntent(t *testing.T) {
	for _, tc := range []struct {
		typ, data string
		want      Fact
	}{
		{"start", `{"plan":"full"}`, Start{Plan: PlanFull}},
		{"next", ``, Next{}}, {"next", `null`, Next{}}, {"next", `{}`, Next{}},
		{"key", `{"text":"５"}`, Key{Text: "５"}},
		{"turn", `{"page":2}`, Turn{Page: 2}},
		{"open", `{"overlay":"language"}`, Open{Overlay: OverlayLanguage}},
		{"staff", `{"on":true}`, CallStaff{On: true}},
		{"start", `{"plan":"reserve_apply"}`, nil}, {"start", `{}`, nil}, {"start", ``, nil},
		{"next", `{"x":1}`, nil}, {"key", `{"text":""}`, nil}, {"key", `{"text":"123456789"}`, nil},
		{"key", `{"text":"1","more":1}`, nil}, {"key", `{"text":"1"}{}`, nil}, {"turn", `{"page":-1}`, nil},
		{"open", `{"overlay":"idle"}`, nil}, {"size", `{"size":9}`, nil}, {"rubbish", `{}`, nil}, {"", ``, nil},
	} {
		got, err := ParseIntent(tc.typ, json.RawMessage(tc.data))
		if !reflect.DeepEqual(got, tc.want) || (err == nil) != (tc.want != nil) {
			t.Errorf("%s %s: %#v, %v", tc.typ, tc.data, got, err)
		}
		if err != nil && fault.CodeOf(err) != fault.BadMessage {
			t.Errorf("%s %s: %v", tc.typ, tc.data, err)
		}
	}
}

func FuzzParseIntent(f *testing.F) {
	f.Add("key", []byte(`{"text":"1"}`))
	f.Add("start", []byte(`{"plan":"full"}`))
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		fact, err := ParseIntent(typ, data)
		if (fact == nil) == (err == nil) {
			t.Fatalf("%v, %v", fact, err)
		}
		if err != nil && len(data) > 12 && strings.Contains(err.Error(), string(data)) {
			t.Fatal("the error repeats what was sent")
		}
	})
}

func TestLeavingEarlyStillPrints(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign().store("r").at(StepReserved)
	w.do(GoHome{}).at(StepGoodbye)
	if p := pop[Print](w); !p.Slip.Queued || p.Submission != "r" {
		t.Fatalf("%+v", p)
	}
}

func TestHomeWaitsForTheOutbox(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign()
	w.do(GoHome{}, GoHome{}, Next{}).at(StepReading).store("r").at(StepReserved)
}
