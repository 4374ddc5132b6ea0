package flow

import (
	"slices"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
	"kioskd/internal/secret"
)

const (
	queryMax = 24
	last4Len = 4
	perPage  = 5 // rows on a page of a list
)

// carry takes ID, code and digits from the issuance of this visit.
func (t *turn) carry() {
	v := t.v
	a := &v.apply
	wipeAll(a.codes)
	a.service, a.id = v.issue.service, v.issue.serviceID
	a.codes = cloneAll(v.issue.codes)
	a.last4 = v.issue.phone[len(v.issue.phone)-last4Len:]
	a.carried = true
	a.terms = reading{}
}

// choose takes another service; what belonged to the one before is dropped.
func (t *turn) choose(id string) {
	svc, ok := t.set.Catalogue.Find(id)
	if !ok {
		return
	}
	v := t.v
	a := &v.apply
	if v.issue.done() && id == v.issue.service {
		t.carry()
	} else if id != a.service {
		wipeAll(a.codes)
		a.service, a.id, a.carried = id, "", false
		a.codes = make([]secret.Secret, len(svc.CodeFields))
		a.terms = reading{}
		if !svc.PhoneLast4 {
			a.last4 = ""
		} else if v.issue.done() {
			a.last4 = v.issue.phone[len(v.issue.phone)-last4Len:] // typed once already
		}
	}
	a.index = 0
	t.forward(StepService)
}

// service is the one being applied for.
func (s *State) service() (*catalogue.Service, bool) {
	return s.set.Catalogue.Find(s.v.apply.service)
}

func (s *State) termsVersion() string {
	if svc, ok := s.service(); ok {
		return svc.Terms.Version
	}
	return ""
}

func (s *State) idField() (catalogue.Field, bool) {
	svc, ok := s.service()
	if !ok {
		return catalogue.Field{}, false
	}
	return svc.IDField, true
}

func (s *State) codeField() (catalogue.Field, bool) {
	svc, ok := s.service()
	if !ok || s.v.apply.index >= len(svc.CodeFields) {
		return catalogue.Field{}, false
	}
	return svc.CodeFields[s.v.apply.index], true
}

func charsetOf(f catalogue.Field) charset {
	if f.Charset == catalogue.Digits {
		return digits
	}
	return letters
}

// results are the services that the search word finds, best first.
func (s *State) results() []*catalogue.Service {
	return s.set.Catalogue.Search(s.v.apply.query)
}

// touchApply handles a touch within apply.
func (t *turn) touchApply(f Fact) {
	a := &t.v.apply
	svc, _ := t.service()
	switch t.step {
	case StepSearch:
		t.touchSearch(f)
	case StepService:
		switch f.(type) {
		case Next:
			t.forward(StepApplyTerms)
		case Another:
			t.forward(StepSearch)
		default:
		}
	case StepApplyTerms:
		if svc != nil && t.touchTerms(f, &a.terms, len(svc.Terms.Pages)) {
			t.afterTerms()
		}
	case StepApplyID:
		t.touchApplyID(f)
	case StepApplyCode:
		t.touchApplyCode(f)
	case StepApplyPhone:
		a.last4 = t.typed(a.last4, f, digits, last4Len)
		if _, ok := f.(Next); ok {
			if len(a.last4) < last4Len {
				t.problemHere("last4", last4Len)
				return
			}
			t.toCheck()
		}
	case StepCheck:
		t.touchCheck(f)
	case StepApplied:
		t.touchApplied(f)
	default:
	}
}

func (t *turn) touchSearch(f Fact) {
	a := &t.v.apply
	switch f := f.(type) {
	case Pick:
		t.choose(f.ID)
	case Turn:
		if f.Page >= 0 && f.Page < pagesOf(len(t.results())) && f.Page != a.page {
			a.page = f.Page
			t.question++
		}
	case Key, Erase, Clear:
		a.query = typeInto(a.query, f, anyText, queryMax)
		a.page = 0
	default:
	}
}

// pagesOf is how many pages n rows take; an empty list has one.
func pagesOf(n int) int { return max(1, (n+perPage-1)/perPage) }

// afterTerms goes to the first thing that is not known yet.
func (t *turn) afterTerms() {
	if t.v.apply.carried {
		t.toCheck()
		return
	}
	t.v.apply.index = 0
	t.forward(StepApplyID)
}

func (t *turn) touchApplyID(f Fact) {
	a := &t.v.apply
	field, ok := t.idField()
	if !ok {
		return
	}
	a.id = t.typed(a.id, f, charsetOf(field), field.Max)
	if _, ok := f.(Next); !ok {
		return
	}
	if p := field.Problem(a.id); p != "" {
		t.problemHere(p, field.Min)
		return
	}
	if a.edited() && t.complete() {
		t.toCheck()
		return
	}
	a.index = 0
	t.forward(StepApplyCode)
}

func (t *turn) touchApplyCode(f Fact) {
	a := &t.v.apply
	field, ok := t.codeField()
	if !ok {
		return
	}
	code := &a.codes[a.index]
	t.typedSecret(code, f, charsetOf(field), field.Max)
	if _, ok := f.(Next); !ok {
		return
	}
	if p := field.ProblemBytes(code.Bytes()); p != "" {
		t.problemHere(p, field.Min)
		return
	}
	svc, _ := t.service()
	switch {
	case a.index+1 < len(a.codes):
		a.index++
		t.show(StepApplyCode)
	case a.edited() || !svc.PhoneLast4:
		t.toCheck()
	case len(a.last4) == last4Len:
		t.toCheck()
	default:
		t.forward(StepApplyPhone)
	}
}

// complete reports whether ID, codes and digits are all there and well formed:
// nothing else may be signed.
func (s *State) complete() bool {
	svc, ok := s.service()
	if !ok || len(s.v.apply.codes) != len(svc.CodeFields) || svc.IDField.Problem(s.v.apply.id) != "" {
		return false
	}
	for i, f := range svc.CodeFields {
		if f.ProblemBytes(s.v.apply.codes[i].Bytes()) != "" {
			return false
		}
	}
	return !svc.PhoneLast4 || len(s.v.apply.last4) == last4Len
}

// toCheck shows everything. A row that was edited came from there: Back then
// leads where it led before.
func (t *turn) toCheck() {
	edited := t.v.apply.edited()
	t.keepEdit()
	if edited {
		if n := len(t.v.trail); n > 0 && t.v.trail[n-1] == StepCheck {
			t.v.trail = t.v.trail[:n-1]
		}
		t.replace(StepCheck)
		return
	}
	// Whoever has gone through the fields once more comes back to them, not beyond.
	t.v.trail = slices.DeleteFunc(t.v.trail, func(s StepName) bool { return s == StepCheck })
	t.forward(StepCheck)
}

// edited reports whether one row of the check screen is being edited.
func (a *applyData) edited() bool { return a.before != nil && !a.before.through }

// keepEdit forgets what stood there before.
func (t *turn) keepEdit() {
	if b := t.v.apply.before; b != nil {
		wipeAll(b.codes)
		t.v.apply.before = nil
	}
}

// rememberEdit keeps what stands there, so that half an edit can be undone.
func (t *turn) rememberEdit(through bool) {
	t.keepEdit()
	a := &t.v.apply
	a.before = &applyValues{
		through: through, service: a.service, terms: a.terms, id: a.id, last4: a.last4, codes: cloneAll(a.codes), carried: a.carried,
	}
}

// undoEdit puts back what stood there before.
func (t *turn) undoEdit() {
	a := &t.v.apply
	if b := a.before; b != nil {
		wipeAll(a.codes)
		a.service, a.terms, a.id, a.last4, a.codes, a.carried = b.service, b.terms, b.id, b.last4, b.codes, b.carried
		a.before = nil
	}
}

// touchCheck: the last look before what cannot be undone.
func (t *turn) touchCheck(f Fact) {
	switch f := f.(type) {
	case Pick:
		t.edit(f.ID)
	case Next:
		if t.complete() {
			t.sign(forApply)
			return
		}
		t.toGap()
	default:
	}
}

// toGap goes to the first field that is missing or not well formed, and says so
// beside it: nothing else can be done from the check screen then.
func (t *turn) toGap() {
	a := &t.v.apply
	svc, ok := t.service()
	if !ok {
		t.forward(StepSearch)
		return
	}
	if p := svc.IDField.Problem(a.id); p != "" {
		t.forward(StepApplyID)
		t.problemHere(p, svc.IDField.Min)
		return
	}
	for i, f := range svc.CodeFields {
		if p := f.ProblemBytes(a.codes[i].Bytes()); p != "" {
			a.index = i
			t.forward(StepApplyCode)
			t.problemHere(p, f.Min)
			return
		}
	}
	t.forward(StepApplyPhone)
	t.problemHere("last4", last4Len)
}

func (t *turn) edit(row string) {
	a := &t.v.apply
	if row == "service" {
		t.rememberEdit(true)
		t.forward(StepSearch)
		return
	}
	if a.carried {
		return // as issued: nothing to correct
	}
	to := map[string]StepName{"service_id": StepApplyID, "code": StepApplyCode, "phone_last4": StepApplyPhone}[row]
	if to == "" {
		return
	}
	a.index = 0
	t.rememberEdit(false)
	t.forward(to)
}

// touchApplied: the end of apply.
func (t *turn) touchApplied(f Fact) {
	sub := &t.v.applied
	switch f.(type) {
	case Next:
		if sub.delivery != DeliverySending {
			t.finish("finished")
		}
	case Another:
		t.fixRefusal(sub.fix())
	case PrintAgain:
		t.printAgain(t.mayReprint(sub), func(again bool) { t.printSubmission(sub, again) })
	default:
	}
}

// fix names what can be done about a refused application; "" = nothing.
func (sub *submission) fix() string {
	if sub.delivery != DeliveryRefused {
		return ""
	}
	switch sub.because {
	case fault.ServiceIDWrong:
		return "id"
	case fault.NotReserved:
		return "reserve"
	default:
	}
	return ""
}

// fixRefusal: nothing has been applied for, so it can be done again, right.
func (t *turn) fixRefusal(how string) {
	v := t.v
	switch how {
	case "id":
		v.applied = submission{}
		v.apply.carried, v.apply.index = false, 0
		t.rememberEdit(true)
		t.settle(StepApplyID)
	case "reserve":
		v.applied = submission{}
		t.sign(forReserve)
	default:
		return
	}
	v.trail = []StepName{StepCheck} // never back to an end that is none any more
}
