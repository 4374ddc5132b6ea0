package flow

import (
	"strings"
	"unicode/utf8"

	"kioskd/internal/catalogue"
	"kioskd/internal/secret"
)

// entry draws the steps that ask for one field. A secret is only counted.
func (s *State) entry() Entry {
	v := s.v
	e := Entry{Kind: "entry", Step: s.step, Keyboard: KeyboardDigits, Problem: v.problem, Groups: []int{}, Rules: []Rule{}}
	switch s.step {
	case StepIssueCard:
		s.catalogued(&e, s.issueField(), v.issue.number)
	case StepIssueName:
		e.Keyboard, e.Min, e.Max = KeyboardKana, 3, nameMax
		e.text(v.issue.name)
		e.Complete = nameProblem(v.issue.name) == ""
	case StepIssuePhone:
		e.phone(v.issue.phone)
		e.Picture = "phone-code"
	case StepManagePhone:
		e.phone(v.manage.phone)
	case StepIssueCode:
		e.Min, e.Max, e.Groups, e.Picture = otpLen, otpLen, []int{3, 3}, "phone-code"
		e.secret(v.issue.code)
		e.To = lastDigits(v.issue.phone)
		e.Resend = &ResendView{
			Allowed: v.issue.resends > 0 && s.passed(v.issue.resendAt),
			InMS:    max(0, ms(v.issue.resendAt.Sub(s.now))), Left: v.issue.resends,
		}
	case StepIssuePassword:
		e.Keyboard, e.Min, e.Max = KeyboardLetters, passwordMin, passwordMax
		e.secret(v.issue.password)
		e.Rules = passwordRules(v.issue.password)
		e.Complete = allMet(e.Rules)
	case StepManagePassword:
		e.Keyboard, e.Min, e.Max = KeyboardLetters, 1, passwordMax
		e.secret(v.manage.password)
	case StepApplyID:
		f, _ := s.idField()
		s.catalogued(&e, f, v.apply.id)
	case StepApplyCode:
		f, ok := s.codeField()
		if !ok {
			return e
		}
		s.labelled(&e, f)
		e.secret(v.apply.codes[v.apply.index])
		e.Index, e.Of = v.apply.index, len(v.apply.codes)
	case StepApplyPhone:
		e.Min, e.Max, e.Groups = last4Len, last4Len, []int{4}
		e.text(v.apply.last4)
	case StepTop, StepRecovered, StepIssueKind, StepIssueTerms, StepIssueBirth, StepGuardian, StepIssued,
		StepCard, StepPIN, StepLastTry, StepReading, StepReserved, StepSearch, StepService, StepApplyTerms,
		StepCheck, StepApplied, StepManage, StepTrouble, StepGoodbye: // not fields
	}
	return e
}

// text shows what was typed.
func (e *Entry) text(typed string) {
	e.Text, e.Count = typed, utf8.RuneCountInString(typed)
	e.Complete = e.Count >= e.Min
}

// secret shows only how much was typed.
func (e *Entry) secret(typed secret.Secret) {
	e.Secret, e.Count = true, typed.Len()
	e.Complete = e.Count >= e.Min
}

func (e *Entry) phone(typed string) {
	e.Min, e.Max, e.Groups = phoneLen, phoneLen, []int{3, 4, 4}
	e.text(typed)
}

// labelled gives an entry the service's own words and shape.
func (s *State) labelled(e *Entry, f catalogue.Field) {
	if f.Charset != catalogue.Digits {
		e.Keyboard = KeyboardLetters
	}
	e.Label, e.Hint, e.Picture = f.Label.In(s.lang), f.Hint.In(s.lang), f.Picture
	e.Min, e.Max, e.Groups = f.Min, f.Max, groups(f)
}

func (s *State) catalogued(e *Entry, f catalogue.Field, typed string) {
	s.labelled(e, f)
	e.text(typed)
	e.Tap = f.Tap == "waon" && s.reader.WAON
}

// lastDigits masks a phone number but for its end.
func lastDigits(phone string) string {
	if len(phone) < last4Len {
		return ""
	}
	return strings.Repeat("*", len(phone)-last4Len) + phone[len(phone)-last4Len:]
}
