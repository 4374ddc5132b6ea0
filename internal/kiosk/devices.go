package kiosk

import (
	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/printer"
)

// readerFact translates what the readers' driver says. Of two cards of a family
// the one that came first counts, until it leaves. A silent card has no family:
// it is taken for an ISO card, whose dialogue tells what is wrong with it.
func readerFact(s card.State) flow.ReaderIs {
	fact := flow.ReaderIs{Ready: s.Ready(), WAON: s.ReadsWAON()}
	for _, lying := range s.Cards {
		switch {
		case lying.Tech != card.TechFeliCa && fact.ISO == 0:
			fact.ISO = lying.Number
		case lying.Tech == card.TechFeliCa && fact.FeliCa == 0:
			on, _ := s.On(lying.Reader)
			fact.FeliCa, fact.Apart = lying.Number, !on.MyNumber
		}
	}
	return fact
}

// printerFact translates what the printer's driver says.
func printerFact(c printer.Condition) flow.PrinterIs {
	switch c {
	case printer.Ready, printer.Unknown:
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
	case printer.Offline:
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
	case printer.Failed:
		return flow.SlipNot
	case printer.Lost:
		return flow.SlipUnknown
	}
	return flow.SlipUnknown
}
