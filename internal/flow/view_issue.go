package flow

import "kioskd/internal/catalogue"

func (s *State) row(svc *catalogue.Service) ServiceRow {
	if svc == nil {
		return ServiceRow{}
	}
	return ServiceRow{
		ID: svc.ID, Name: svc.Name.In(s.lang), Operator: svc.Operator.In(s.lang),
		Mark: svc.Mark, Colour: svc.Colour, Grants: string(svc.Grants),
	}
}

func (s *State) rowOf(id string) ServiceRow {
	svc, _ := s.set.Catalogue.Find(id)
	return s.row(svc)
}

// issuers is the list of payment cards whose ID can be issued here.
func (s *State) issuers() Services {
	v := Services{Kind: "services", Step: s.step, Results: []ServiceRow{}, Pages: 1, Selected: s.v.issue.service}
	for _, svc := range s.set.Catalogue.Search("") {
		if svc.Issue != nil {
			v.Results = append(v.Results, s.row(svc))
		}
	}
	v.Total = len(v.Results)
	return v
}

func (s *State) issueTerms() TermsView {
	svc, _ := s.set.Catalogue.Find(s.v.issue.service)
	if svc == nil || svc.Issue == nil {
		return TermsView{Kind: "terms", Step: s.step, Paras: []string{}}
	}
	return s.terms(svc, svc.Issue.Terms, s.v.issue.terms)
}

func (s *State) terms(svc *catalogue.Service, terms catalogue.Terms, r reading) TermsView {
	v := TermsView{
		Kind: "terms", Step: s.step, Service: s.row(svc), Title: terms.Title.In(s.lang), Paras: []string{},
		Page: r.page, Pages: len(terms.Pages), AllSeen: r.highest >= len(terms.Pages)-1, Ticked: r.ticked,
		Tick: terms.Tick.In(s.lang),
	}
	if r.page < len(terms.Pages) {
		page := terms.Pages[r.page]
		v.Heading = page.Heading.In(s.lang)
		for _, p := range page.Paras {
			v.Paras = append(v.Paras, p.In(s.lang))
		}
	}
	return v
}

func (s *State) birthView() Birth {
	d := &s.v.issue
	date, problem := birthDate(d.era, d.birth, s.now)
	b := Birth{
		Kind: "birth", Step: s.step, Era: d.era, Eras: Eras(), Digits: d.birth,
		Complete: len(d.birth) == birthLen(d.era), Problem: s.v.problem,
	}
	if problem == "" {
		b.Date = date.Format("2006-01-02")
	}
	return b
}

func (s *State) issuedView() IssuedView {
	d := &s.v.issue
	svc, _ := s.set.Catalogue.Find(d.service)
	return IssuedView{
		Kind: "issued", Step: s.step, Service: s.row(svc), Fields: s.shown(svc, d.serviceID, revealAll(d.codes)),
		Slip: d.slip.outcome, Because: d.slip.because, Again: s.mayPrintAgain(d.slip), Onward: s.canReserve(),
	}
}

// shown is ID and codes with the service's own labels. It and revealAll are the
// only way for an issued code to a screen: the issued screen and the management
// page exist to show it.
func (s *State) shown(svc *catalogue.Service, id string, codes []string) []ShownField {
	fields := []ShownField{}
	if svc == nil || id == "" {
		return fields
	}
	fields = append(fields, ShownField{Label: svc.IDField.Label.In(s.lang), Value: id, Groups: groups(svc.IDField)})
	for i, c := range codes {
		if i < len(svc.CodeFields) {
			f := svc.CodeFields[i]
			fields = append(fields, ShownField{Label: f.Label.In(s.lang), Value: c, Groups: groups(f)})
		}
	}
	return fields
}

func revealAll(codes []Code) []string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = c.Text()
	}
	return out
}

func groups(f catalogue.Field) []int {
	if f.Groups == nil {
		return []int{}
	}
	return f.Groups
}
