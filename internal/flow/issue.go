package flow

import (
	"strings"
	"time"
	"unicode/utf8"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
	"kioskd/internal/secret"
	"kioskd/internal/wire"
)

// Lengths of what issue asks for.
const (
	nameMax     = 30
	phoneLen    = 11
	otpLen      = 6
	passwordMin = 8
	passwordMax = 32
)

// touchIssue handles a touch within issue.
func (t *turn) touchIssue(f Fact) {
	d := &t.v.issue
	switch t.step {
	case StepIssueKind:
		if p, ok := f.(Pick); ok {
			t.pickIssuer(p.ID)
		}
	case StepIssueTerms:
		svc, ok := t.set.Catalogue.Find(d.service)
		if ok && svc.Issue != nil && t.touchTerms(f, &d.terms, len(svc.Issue.Terms.Pages)) {
			t.forward(StepIssueCard)
		}
	case StepIssueCard:
		t.touchIssueCard(f)
	case StepIssueName:
		d.name = t.typed(d.name, f, kana, nameMax)
		if _, ok := f.(Next); ok {
			t.problemOr(nameProblem(d.name), 0, StepIssueBirth)
		}
	case StepIssueBirth:
		t.touchBirth(f)
	case StepGuardian:
		t.touchGuardian(f)
	case StepIssuePhone:
		d.phone = t.typed(d.phone, f, digits, phoneLen)
		if _, ok := f.(Next); ok {
			t.sendCode()
		}
	case StepIssueCode:
		t.touchIssueCode(f)
	case StepIssuePassword:
		t.typedSecret(&d.password, f, printable, passwordMax)
		if _, ok := f.(Next); ok {
			t.setPassword()
		}
	case StepIssued:
		t.touchIssued(f)
	default:
	}
}

// typed applies a key to the text of the present field and takes the problem
// away with it.
func (t *turn) typed(text string, f Fact, set charset, limit int) string {
	switch f.(type) {
	case Key, Erase, Clear:
		t.v.problem = nil
	default:
	}
	return typeInto(text, f, set, limit)
}

func (t *turn) typedSecret(s *secret.Secret, f Fact, set charset, limit int) {
	switch f.(type) {
	case Key, Erase, Clear:
		t.v.problem = nil
	default:
	}
	typeSecret(s, f, set, limit)
}

// problemOr shows the problem, or goes on when there is none.
func (t *turn) problemOr(problem string, n int, to StepName) {
	if problem != "" {
		t.problemHere(problem, n)
		return
	}
	t.forward(to)
}

func (t *turn) pickIssuer(id string) {
	svc, ok := t.set.Catalogue.Find(id)
	if !ok || svc.Issue == nil {
		return
	}
	if t.v.issue.service != id {
		t.v.issue.terms = reading{}
	}
	t.v.issue.service = id
	t.forward(StepIssueTerms)
}

// touchTerms handles terms; it reports whether they are accepted now. The box
// can only be ticked on the last page, after all others.
func (t *turn) touchTerms(f Fact, r *reading, pages int) bool {
	switch f := f.(type) {
	case Turn:
		if f.Page >= 0 && f.Page < pages && f.Page <= r.highest+1 && f.Page != r.page {
			r.page = f.Page
			r.highest = max(r.highest, f.Page)
			t.question++
		}
	case Box:
		if r.highest >= pages-1 {
			r.ticked = f.On
		}
	case Next:
		return r.ticked && r.highest >= pages-1
	default:
	}
	return false
}

func (t *turn) touchIssueCard(f Fact) {
	d := &t.v.issue
	field := t.issueField()
	d.number = t.typed(d.number, f, digits, field.Max)
	if _, ok := f.(Next); ok {
		t.problemOr(field.Problem(d.number), field.Min, StepIssueName)
	}
}

// issueField is the shape of the payment card's number.
func (s *State) issueField() catalogue.Field {
	svc, ok := s.set.Catalogue.Find(s.v.issue.service)
	if !ok || svc.Issue == nil {
		return catalogue.Field{}
	}
	return svc.Issue.Card
}

// nameProblem: family and given name with one space between.
func nameProblem(name string) string {
	name = strings.TrimRight(name, " ")
	family, given, two := strings.Cut(name, " ")
	switch {
	case name == "":
		return "too_short"
	case !two || strings.Contains(given, " "):
		return "name_one_space"
	case utf8.RuneCountInString(family) > 20 || utf8.RuneCountInString(given) > 20:
		return "too_long"
	}
	return ""
}

func (t *turn) touchBirth(f Fact) {
	d := &t.v.issue
	switch f := f.(type) {
	case SetEra:
		if f.Era != d.era && (f.Era == EraWestern || eraOf[f.Era].base != 0) {
			d.era, d.birth = f.Era, ""
			t.v.problem = nil
		}
	case Next:
		date, problem := birthDate(d.era, d.birth, t.now)
		if problem == "" && underAge(date, t.now) {
			t.forward(StepGuardian)
			return
		}
		t.v.guardian = t.v.guardian && problem != ""
		t.problemOr(problem, birthLen(d.era), StepIssuePhone)
	default:
		d.birth = t.typed(d.birth, f, digits, birthLen(d.era))
	}
}

// touchGuardian: a legal guardian states that he or she acts for the child.
func (t *turn) touchGuardian(f Fact) {
	switch f := f.(type) {
	case Box:
		t.v.guardian = f.On
	case Next:
		switch {
		case !t.v.guardian:
		case t.v.procedure == Issue:
			t.forward(StepIssuePhone)
		default:
			t.replace(StepCard)
		}
	default:
	}
}

// phoneProblem: a Japanese mobile number, which can receive SMS.
func phoneProblem(phone string) string {
	switch {
	case len(phone) < phoneLen:
		return "phone_length"
	case !strings.HasPrefix(phone, "090") && !strings.HasPrefix(phone, "080") &&
		!strings.HasPrefix(phone, "070") && !strings.HasPrefix(phone, "060"):
		return "phone_prefix"
	}
	return ""
}

// startRequest is what the issuer is asked with.
func (s *State) startRequest() wire.IssueStart {
	d := &s.v.issue
	date, _ := birthDate(d.era, d.birth, s.now)
	return wire.IssueStart{
		Service: d.service, CardNumber: d.number, NameKana: strings.TrimRight(d.name, " "),
		Birth: wire.Private(date.Format("2006-01-02")), Phone: wire.Private(d.phone),
	}
}

// sendCode asks for the message, unless a live code for the same details is
// there already.
func (t *turn) sendCode() {
	d := &t.v.issue
	if p := phoneProblem(d.phone); p != "" {
		t.problemHere(p, phoneLen)
		return
	}
	start := t.startRequest()
	if d.session != "" && d.sentFor == start && d.verified {
		t.forward(StepIssuePassword)
		return
	}
	if d.session != "" && d.sentFor == start && !t.passed(d.expires) {
		t.forward(StepIssueCode)
		return
	}
	d.session, d.sentFor, d.verified = "", start, false
	d.code.Wipe()
	t.emit(SendCode{Ticket: t.await(BusySMS, limitHub), Start: start})
}

func (t *turn) codeSent(f CodeSent) {
	if !t.arrived(f.Ticket) {
		return
	}
	d := &t.v.issue
	again := t.step == StepIssueCode
	switch f.Problem.Code {
	case "":
		d.session = f.Started.Session
		d.expires = t.now.Add(seconds(f.Started.ExpiresInSec))
		d.resendAt = t.now.Add(seconds(f.Started.ResendInSec))
		d.resends, d.tries = f.Started.ResendsLeft, f.Started.TriesLeft
		d.code.Wipe()
		if again {
			t.v.problem = nil
			return
		}
		t.forward(StepIssueCode)
	case fault.SMSNotSent:
		t.problemHere("sms_not_sent", 0)
	case fault.OTPNoResend:
		if f.Problem.RetryAfter > 0 { // not now, but later
			d.resendAt = t.now.Add(f.Problem.RetryAfter)
			t.problemHere("otp_wait", int(f.Problem.RetryAfter/time.Second))
			return
		}
		d.resends = 0
		t.problemHere("otp_no_resend", 0)
	case fault.CardDeclined:
		t.fail(f.Problem.Code, "", "details", 0)
	case fault.AlreadyRegistered:
		t.fail(f.Problem.Code, "", "manage", 0)
	case fault.SessionLost:
		d.session = ""
		t.fail(f.Problem.Code, StepIssuePhone, "", 0)
	default:
		t.failHub(f.Problem, t.step)
	}
}

func (t *turn) touchIssueCode(f Fact) {
	d := &t.v.issue
	switch f.(type) {
	case Resend:
		if d.resends > 0 && t.passed(d.resendAt) {
			t.emit(SendCode{Ticket: t.await(BusySMS, limitHub), Session: d.session, Start: d.sentFor})
		}
	case Next:
		t.checkCode()
	default:
		t.typedSecret(&d.code, f, digits, otpLen)
		// Nothing can go wrong here that a new message would not mend, so the last
		// digit goes on by itself.
		if _, key := f.(Key); key && d.code.Len() == otpLen {
			t.checkCode()
		}
	}
}

func (t *turn) checkCode() {
	d := &t.v.issue
	switch {
	case d.code.Len() < otpLen:
		t.problemHere("too_short", otpLen)
	case t.passed(d.expires):
		d.code.Wipe()
		t.problemHere("otp_expired", 0)
	case d.tries == 0:
		d.code.Wipe()
		t.problemHere("otp_exhausted", 0)
	default:
		t.emit(CheckCode{Ticket: t.await(BusyOTP, limitHub), Session: d.session, Code: d.code.Clone()})
	}
}

func (t *turn) codeChecked(f CodeChecked) {
	if !t.arrived(f.Ticket) {
		return
	}
	d := &t.v.issue
	switch f.Problem.Code {
	case "":
		d.code.Wipe()
		d.verified = true
		t.replace(StepIssuePassword) // a used code is not typed again: Back leads to the phone number
	case fault.OTPWrong:
		d.code.Wipe()
		d.tries = f.Problem.TriesLeft
		t.problemHere("otp_wrong", d.tries)
	case fault.OTPExpired:
		d.code.Wipe()
		t.problemHere("otp_expired", 0)
	case fault.OTPExhausted:
		d.code.Wipe()
		d.tries = 0
		t.problemHere("otp_exhausted", 0)
	case fault.SessionLost:
		d.session = ""
		d.code.Wipe()
		t.fail(f.Problem.Code, StepIssuePhone, "", 0)
	default:
		t.failHub(f.Problem, StepIssueCode)
	}
}

// passwordRules are the programme's: half-width letters and digits, at least 8,
// at least one letter and one digit.
func passwordRules(s secret.Secret) []Rule {
	var letter, digit bool
	plain := true
	for _, c := range s.Bytes() {
		switch {
		case c >= '0' && c <= '9':
			digit = true
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letter = true
		default:
			plain = false
		}
	}
	return []Rule{
		{Code: "length", Met: s.Len() >= passwordMin},
		{Code: "letter", Met: letter},
		{Code: "digit", Met: digit},
		{Code: "charset", Met: plain},
	}
}

func allMet(rules []Rule) bool {
	for _, r := range rules {
		if !r.Met {
			return false
		}
	}
	return true
}

func (t *turn) setPassword() {
	d := &t.v.issue
	if !allMet(passwordRules(d.password)) {
		t.problemHere("password_rules", passwordMin)
		return
	}
	t.emit(IssueID{Ticket: t.await(BusyIssue, limitHub), Session: d.session, Password: d.password.Clone()})
}

func (t *turn) idIssued(f IDIssued) {
	if !t.arrived(f.Ticket) {
		wipeAll(f.Codes)
		return
	}
	d := &t.v.issue
	switch f.Problem.Code {
	case "":
		d.password.Wipe()
		d.ref, d.serviceID, d.codes = f.IssueRef, f.ServiceID, f.Codes
		t.settle(StepIssued)
		d.slip.outcome = SlipPrinting
		// The record goes to the outbox beside the screen; the slip waits for it. ID
		// and code are the shopper's already.
		d.recordID = f.RecordID
		t.record()
	case fault.SessionLost:
		d.session = ""
		t.fail(f.Problem.Code, StepIssuePhone, "", 0)
	case fault.AlreadyRegistered:
		t.fail(f.Problem.Code, "", "manage", 0)
	default:
		t.failHub(f.Problem, StepIssuePassword)
	}
}

// record puts the record of the issuance into the outbox.
func (t *turn) record() {
	d := &t.v.issue
	var k Ticket
	k, t.v.recording = t.errandFor(limitSubmit)
	t.emit(Submit{
		Ticket: k, ID: d.recordID, Visit: t.visit, Slip: SlipIssuance, Lang: t.lang,
		Payload: wire.Payload{Schema: wire.Schema, Kind: wire.KindIssuance, Issuance: &wire.Issuance{
			Time: t.now.UTC(), IssueRef: d.ref, Service: d.service,
		}},
	})
}

// recorded: the record stands in the outbox, or whoever carries out effects will bring it
// there, also when the visit is over. The slip does not wait any longer either way.
func (t *turn) recorded() {
	d := &t.v.issue
	t.v.recording = errand{}
	if d.slip.outcome == SlipPrinting && !d.slip.on() {
		t.printIssuance(false)
	}
}

// touchIssued: ID and code are on the screen.
func (t *turn) touchIssued(f Fact) {
	switch f.(type) {
	case Next:
		if t.v.plan == PlanIssue {
			if !t.canReserve() {
				t.finish("finished")
				return
			}
			t.v.plan = PlanFull
		}
		t.sign(forReserve)
	case Another:
		t.finish("finished")
	case PrintAgain:
		t.printAgain(t.mayPrintAgain(t.v.issue.slip), t.printIssuance)
	default:
	}
}

// canReserve reports whether reserve can follow now.
func (s *State) canReserve() bool {
	ok, _ := s.offer(PlanReserve)
	return ok
}
