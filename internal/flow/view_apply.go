package flow

import (
	"time"

	"kioskd/internal/wire"
)

func (s *State) searchView() Services {
	a := &s.v.apply
	found := s.results()
	v := Services{
		Kind: "services", Step: s.step, Search: true, Query: a.query, Results: []ServiceRow{},
		Total: len(found), Page: a.page, Pages: pagesOf(len(found)), Selected: a.service,
	}
	for i := a.page * perPage; i < min(len(found), (a.page+1)*perPage); i++ {
		v.Results = append(v.Results, s.row(found[i]))
	}
	return v
}

func (s *State) serviceView() ServiceView {
	v := ServiceView{Kind: "service", Step: s.step, Carried: s.v.apply.carried}
	if svc, ok := s.service(); ok {
		v.Service, v.About, v.Reward, v.Ask = s.row(svc), svc.About.In(s.lang), svc.Reward.In(s.lang), svc.Ask.In(s.lang)
	}
	return v
}

func (s *State) applyTerms() TermsView {
	svc, ok := s.service()
	if !ok {
		return TermsView{Kind: "terms", Step: s.step, Paras: []string{}}
	}
	return s.terms(svc, svc.Terms, s.v.apply.terms)
}

// checkView shows everything that is applied for. Codes stay masked: they were
// typed from a card, or issued a moment ago.
func (s *State) checkView() Check {
	a := &s.v.apply
	c := Check{Kind: "check", Step: s.step, Service: s.rowOf(a.service), Rows: []CheckRow{}, PINKept: s.pinKept()}
	svc, ok := s.service()
	if !ok {
		return c
	}
	add := func(r CheckRow) {
		if r.Groups == nil {
			r.Groups = []int{}
		}
		c.Rows = append(c.Rows, r)
	}
	add(CheckRow{Key: "service", Value: svc.Name.In(s.lang), Edit: true})
	add(CheckRow{Key: "operator", Value: svc.Operator.In(s.lang)})
	add(CheckRow{Key: "grants", Value: string(svc.Grants)})
	add(CheckRow{Key: "service_id", Label: svc.IDField.Label.In(s.lang), Value: a.id, Groups: groups(svc.IDField), Edit: !a.carried})
	for i, f := range svc.CodeFields {
		add(CheckRow{Key: "code", Label: f.Label.In(s.lang), Masked: a.codes[i].Len(), Groups: groups(f), Edit: !a.carried})
	}
	if svc.PhoneLast4 {
		add(CheckRow{Key: "phone_last4", Value: a.last4, Edit: !a.carried})
	}
	if s.v.guardian {
		add(CheckRow{Key: "guardian"})
	}
	return c
}

// pinKept: the PIN typed in this visit is still good for the card that lies
// there, so the card signs at once.
func (s *State) pinKept() bool {
	c := &s.v.card
	return c.pin.Len() == pinLen && c.number != 0 && c.number == s.reader.ISO && c.pinFits()
}

func (s *State) appliedView() AppliedView {
	sub := &s.v.applied
	v := AppliedView{
		Kind: "applied", Step: s.step, Service: s.rowOf(s.v.apply.service), Number: sub.number,
		Delivery: sub.delivery, Because: sub.because, CompleteBy: moment(sub.verdict.CompleteBy),
		Slip: sub.slip.outcome, SlipBecause: sub.slip.because, Again: s.mayReprint(sub), Fix: sub.fix(),
	}
	if svc, ok := s.service(); ok {
		v.Ask = svc.Ask.In(s.lang)
	}
	return v
}

func (s *State) manageView() ManageView {
	m := &s.v.manage
	acc := m.account
	v := ManageView{
		Kind: "manage", Step: s.step, Service: s.rowOf(acc.Service), Status: string(acc.Status),
		AppliedAt: moment(acc.AppliedAt), CompleteBy: moment(acc.CompleteBy), PointsSum: acc.PointsSum,
		Points: []GrantRow{}, Page: m.page, Pages: pagesOf(len(acc.Points)), Fields: []ShownField{},
	}
	if acc.Status != wire.StatusCompleted {
		svc, _ := s.set.Catalogue.Find(acc.Service)
		v.Fields = s.shown(svc, acc.ServiceID, revealAll(m.codes))
	}
	for i := m.page * perPage; i < min(len(acc.Points), (m.page+1)*perPage); i++ {
		g := acc.Points[i]
		v.Points = append(v.Points, GrantRow{At: g.At, Points: g.Points, For: g.For})
	}
	return v
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
