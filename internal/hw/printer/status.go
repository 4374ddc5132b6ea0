package printer

import "kioskd/internal/fault"

// status is what the printer has said about itself.
type status struct {
	offline, cover, stopped, failed bool // DLE EOT 1 and 2, ASB byte 1
	cutter, hot, broken             bool // DLE EOT 3, ASB byte 2
	low, out                        bool // DLE EOT 4, ASB byte 3
	// partial: it has said that it is offline, but not yet why.
	partial bool
}

// take notes the answer to real-time query n.
func (s *status) take(n int, b byte) {
	switch n {
	case 1:
		s.offline = b&0x08 != 0
		s.partial = s.offline
	case 2:
		s.cover, s.stopped, s.failed = b&0x04 != 0, b&0x20 != 0, b&0x40 != 0
	case 3:
		s.cutter, s.broken, s.hot = b&0x08 != 0, b&0x24 != 0, b&0x40 != 0
	case 4:
		s.low, s.out = b&0x0C != 0, b&0x60 != 0
		s.partial = false
	}
}

// halts reports a state that only a person ends. A hot head only pauses, and of a
// printer that is offline the reason is awaited.
func (s *status) halts() bool {
	switch c := s.condition(); c {
	case CoverOpen, PaperOut, Cutter:
		return true
	case Offline:
		return !s.partial
	case Ready, NearEnd, HeadHot, Unplugged, Unknown:
	}
	return false
}

// takeAuto notes the four bytes that the printer sends by itself.
func (s *status) takeAuto(b []byte) {
	s.offline, s.cover = b[0]&0x08 != 0, b[0]&0x20 != 0
	s.cutter, s.broken, s.hot = b[1]&0x08 != 0, b[1]&0x24 != 0, b[1]&0x40 != 0
	s.failed = s.cutter || s.broken || s.hot
	s.low, s.out = b[2]&0x03 != 0, b[2]&0x0C != 0
	s.stopped = s.out
	s.partial = false
}

// condition names the one thing that a person must know first.
func (s *status) condition() Condition {
	switch {
	case s.cover:
		return CoverOpen
	case s.out, s.stopped:
		return PaperOut
	case s.cutter:
		return Cutter
	case s.hot:
		return HeadHot
	case s.broken, s.failed, s.offline:
		return Offline
	case s.low:
		return NearEnd
	}
	return Ready
}

// Fault gives the code that the shopper and the operator see, "" when it prints
// without remark.
func (c Condition) Fault() fault.Code {
	switch c {
	case Ready:
		return ""
	case NearEnd:
		return fault.PaperLow
	case PaperOut:
		return fault.PaperOut
	case CoverOpen:
		return fault.CoverOpen
	case Cutter:
		return fault.CutterJam
	case HeadHot:
		return fault.HeadHot
	case Unplugged:
		return fault.PrinterGone
	case Offline, Unknown:
		return fault.PrinterFailed
	}
	return fault.PrinterFailed
}

func hint(c Condition) string {
	switch c {
	case PaperOut:
		return "load a new roll, then close the cover"
	case CoverOpen:
		return "close the cover until it clicks"
	case Cutter:
		return "switch off, free the cutter, switch on"
	case HeadHot:
		return "wait: the head cools down by itself"
	case Offline:
		return "read the printer's lamps and manual"
	case Unplugged:
		return "check power and cable"
	case Unknown:
		return "it takes data but does not answer: check cable and profile"
	case Ready, NearEnd:
	}
	return ""
}
