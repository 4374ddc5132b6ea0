package printer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"kioskd/internal/hw/printer/starprnt"
)

// star is the dialect of StarPRNT.
type star struct {
	h       heard
	demux   starprnt.Demux
	asked   bool
	counted bool // counter is known
	counter int  // of printed ends, modulo counts
	ends    []uint32
}

// counts is how many values the counter has.
const counts = 32

var _ dialect = (*star)(nil)

func newStar() *star { return &star{} }

func (s *star) heard() *heard { return &s.h }

func (s *star) fill() []byte { return make([]byte, maxCommand) }

func (s *star) forget() { s.ends = nil }

func (s *star) hello() []byte { return slices.Concat(starprnt.Init(), starprnt.AutoStatus()) }

func (s *star) reset(Profile) []byte { return s.hello() }

func (s *star) ask() []byte {
	s.asked = true
	return starprnt.Status()
}

func (s *star) open() bool { return s.asked }

func (s *star) asks() int { return 1 }

// marker is counted like a job, under no number.
func (s *star) marker() []byte {
	s.ends = append(s.ends, 0)
	return starprnt.End()
}

// clear: CAN is told to, but inside a picture it is a dot like others, and no answer
// says what became of it.
func (s *star) clear() []byte { return nil }

func (s *star) eject(p Profile) []byte {
	tail := starprnt.Blank(nil, tailFeed)
	if !p.Cutter {
		return starprnt.Blank(tail, tearFeed-tailFeed)
	}
	return append(tail, starprnt.CutOff()...)
}

func (s *star) finish(p Profile, job uint32) []byte {
	tail := starprnt.Blank(nil, tailFeed)
	if p.Cutter {
		tail = append(tail, starprnt.Cut()...)
	} else {
		tail = starprnt.Blank(tail, tearFeed-tailFeed)
	}
	if p.Completion {
		s.ends = append(s.ends, job)
		tail = append(tail, starprnt.End()...)
	}
	return tail
}

var errForeignPiece = errors.New("StarPRNT prints drawn slips only")

func (s *star) encode(piece Piece, _ Profile, most int, emit func([]byte) error) error {
	if p, ok := piece.(Picture); ok {
		return starprnt.Raster(p.Bitmap, most, emit)
	}
	return &encoding{fmt.Errorf("cannot encode a %T: %w", piece, errForeignPiece)}
}

func (s *star) take(b []byte) {
	for _, a := range s.demux.Feed(b) {
		if a.Report == nil {
			s.h.text = a.Identity
			s.h.texts++
			continue
		}
		s.report(a.Report)
	}
}

func (s *star) report(r *starprnt.Report) {
	s.h.status = status{
		offline: r.Offline, cover: r.Cover, cutter: r.Cutter, hot: r.Hot, broken: r.Broken,
		failed: r.Failed(), out: r.PaperOut, low: r.NearEnd,
	}
	s.h.observe()
	s.asked = false
	printed := 0
	if s.counted {
		printed = (r.Counter - s.counter + counts) % counts
	}
	s.counted, s.counter = true, r.Counter
	if printed > len(s.ends) { // it has forgotten what it had, so nothing of that was printed
		s.ends = nil
		return
	}
	for _, job := range s.ends[:printed] {
		if job != 0 {
			s.h.confirm(job)
		} else {
			s.h.passed++
		}
	}
	s.ends = s.ends[printed:]
}

// survey: everything that speaks StarPRNT counts what it has printed.
func (s *star) survey(p Profile, ask asker) (Profile, Identity, error) {
	p.Paced, p.Completion, p.Cutter, p.QR = true, true, true, false
	var id Identity
	before := s.h.texts
	ok, err := ask(starprnt.Identity(), probeTime, func() bool { return s.h.texts > before })
	if err != nil || !ok {
		return p, id, err
	}
	id.Maker = "Star"
	id.Model, id.Firmware, _ = strings.Cut(s.h.text, "Ver")
	return p, id, nil
}
