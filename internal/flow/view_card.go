package flow

func (s *State) cardView() CardView {
	c := &s.v.card
	v := CardView{
		Kind: "card", Step: s.step, Status: CardWaiting, Purpose: s.v.procedure, Guardian: s.v.guardian,
	}
	switch {
	case s.step == StepReading || s.v.inspecting.on():
		v.Status = CardReading
	case c.problem != "":
		v.Status, v.Problem = CardProblem, c.problem
	case !s.reader.Ready:
		v.Status, v.Problem = CardProblem, "reader_gone"
	}
	return v
}

func (s *State) pinView() PINView {
	c := &s.v.card
	return PINView{
		Kind: "pin", Step: s.step, Count: c.pin.Len(), TriesLeft: c.tries, TriesMax: triesMax,
		Purpose: s.v.procedure, Resume: c.purpose == forResume,
		Card: c.number != 0 && c.number == s.reader.ISO, Problem: s.v.problem,
	}
}

func (s *State) reservedView() ReservedView {
	sub := &s.v.reserved
	return ReservedView{
		Kind: "reserved", Step: s.step, Number: sub.number, MyKeyID: string(sub.verdict.MyKeyID),
		Delivery: sub.delivery, Because: sub.because,
		Slip: sub.slip.outcome, SlipBecause: sub.slip.because, Again: s.mayReprint(sub),
		Onward: s.onwardToApply(),
	}
}
