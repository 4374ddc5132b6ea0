package kiosk

import (
	"slices"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/printer"
)

// readerFact translates what the readers' driver says. Of two cards of a family
// the one that lies on a reader for its kind counts, on the preferred one first; a
// card on the wrong reader is taken where no other is there. A silent card has no
// family: it is taken for an ISO card, whose dialogue tells what is wrong with it.
func readerFact(s card.State) flow.ReaderIs {
	fact := flow.ReaderIs{Ready: s.Ready(), WAON: s.ReadsWAON()}
	iso, felica := -1, -1 // how far off the best place each lies
	for _, lying := range s.Cards {
		place := slices.IndexFunc(s.Readers, func(r card.Reader) bool { return r.Name == lying.Reader })
		if place < 0 {
			continue
		}
		on := s.Readers[place]
		if lying.Tech == card.TechFeliCa {
			if !on.WAON {
				place += len(s.Readers)
			}
			if felica < 0 || place < felica {
				felica, fact.FeliCa, fact.Apart = place, lying.Number, !on.MyNumber
			}
			continue
		}
		if !on.MyNumber {
			place += len(s.Readers)
		}
		if iso < 0 || place < iso {
			iso, fact.ISO = place, lying.Number
		}
	}
	return fact
}

// printerFact translates what the printer's driver says.
func printerFact(c printer.Condition) flow.PrinterIs {
	switch c {
	case printer.Ready:
		return flow.PrinterIs{}
	case printer.NearEnd:
		return flow.PrinterIs{Low: true}
	case printer.PaperOut:
		return flow.PrinterIs{Fault: fault.PaperOut}
	case printer.CoverOpen:
		return flow.PrinterIs{Fault: fault.CoverOpen}
	case printer.Cutter:
		return flow.PrinterIs{Fault: fault.CutterJam}
	case printer.HeadHot:
		return flow.PrinterIs{Fault: fault.HeadHot}
	case printer.Unplugged:
		return flow.PrinterIs{Fault: fault.PrinterGone}
	case printer.Offline, printer.Unknown:
		return flow.PrinterIs{Fault: fault.PrinterFailed}
	}
	return flow.PrinterIs{Fault: fault.PrinterFailed}
}

// outcome translates what became of a slip.
func outcome(o printer.Outcome) flow.SlipOutcome {
	switch o {
	case printer.Printed:
		return flow.SlipPrinted
	case printer.Unconfirmed:
		return flow.SlipUnconfirmed
	case printer.Failed, printer.Expired:
		return flow.SlipNot
	case printer.Lost:
		return flow.SlipUnknown
	}
	return flow.SlipUnknown
}
