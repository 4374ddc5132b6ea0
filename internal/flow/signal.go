package flow

import "kioskd/internal/fault"

// SignalOf is what the lights say about a state. It is pure: the same state
// gives the same signal, whatever came before.
func SignalOf(s State) Signal {
	switch {
	case s.staff:
		return SignalStaffWanted
	case s.overlay == OverlayIdle:
		return SignalLookAtScreen
	case s.v == nil:
		return s.signalOutside()
	case s.v.pending != nil && s.v.pending.with == BusyCard, s.v.inspecting.on() && s.step == StepCard, s.v.tapping.on():
		return SignalReading
	case s.working():
		return SignalWorking
	}
	switch s.step {
	case StepCard, StepIssueCard, StepApplyID:
		if s.step == StepCard || s.wantsWAON() && s.reader.WAON && s.oneReader() {
			return SignalPutCard
		}
	case StepTrouble, StepLastTry:
		return SignalLookAtScreen
	case StepIssued:
		return s.v.issue.slip.signal()
	case StepReserved:
		return s.v.reserved.signal()
	case StepApplied:
		return s.v.applied.signal()
	default:
	}
	return SignalIdle
}

// oneReader: the light at the reader stands where WAON cards are read, too.
func (s *State) oneReader() bool {
	return s.set.Layout.WAON == "" || s.set.Layout.WAON == s.set.Layout.Reader
}

func (s *State) signalOutside() Signal {
	switch s.step {
	case StepRecovered:
		return SignalLookAtScreen
	case StepGoodbye:
		if s.reader.occupied() {
			return SignalLookAtScreen // the card is still there
		}
		if s.leaving == "finished" || s.slipTaken {
			return SignalDone
		}
		return SignalIdle // nothing to shine green for
	default:
	}
	for _, p := range Plans() {
		if ok, _ := s.offer(p); !ok {
			continue
		}
		if f := s.printer.Fault; f != "" && f != fault.HeadHot && !s.set.NoPrinter { // a hot head needs nobody
			return SignalStaffWanted
		}
		return SignalIdle
	}
	return SignalOutOfService
}

// signal: a refusal is nothing to shine green for.
func (sub *submission) signal() Signal {
	if sub.delivery == DeliveryRefused {
		return SignalLookAtScreen
	}
	return sub.slip.signal()
}

// signal: a shopper who waits for a slip that does not come has to read on.
func (st *slipState) signal() Signal {
	switch st.outcome {
	case SlipNot, SlipUnknown:
		return SignalLookAtScreen
	case "", SlipPrinting, SlipPrinted, SlipUnconfirmed:
	}
	return SignalDone
}
