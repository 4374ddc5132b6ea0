package printer

import (
	"fmt"
	"slices"
	"strings"

	"kioskd/internal/hw/printer/escpos"
)

// tailFeed is how far the paper goes on past the last row before the cut, and
// tearFeed how far without a cutter: past the edge that tears it.
const (
	tailFeed = 24
	tearFeed = 160
)

// questions are the real-time queries in the order in which they are asked.
const questions = 4

// epson is the dialect of ESC/POS.
type epson struct {
	h     heard
	demux escpos.Demux
	asked int // real-time question that is open, 0 = none
	next  int // asked last
	jobs  map[escpos.JobID]uint32
	paper int // mm, 0 = not said
}

var _ dialect = (*epson)(nil)

func newEpson() *epson {
	return &epson{jobs: map[escpos.JobID]uint32{}}
}

func (e *epson) heard() *heard { return &e.h }

// fill is white for an open picture; outside a picture these bytes mean nothing.
func (e *epson) fill() []byte { return make([]byte, maxCommand) }

// forget: answers are counted, and those of before are in.
func (e *epson) forget() {}

func (e *epson) hello() []byte { return slices.Concat(escpos.Init(), escpos.AutoStatus()) }

func (e *epson) reset(p Profile) []byte {
	modes := e.hello() // not every manual says that the status survives
	if p.Text {
		modes = append(modes, escpos.TextMode()...)
	}
	return modes
}

// ask: the answers do not say what they answer, so the question is kept.
func (e *epson) ask() []byte {
	e.next = e.next%questions + 1
	e.asked = e.next
	return escpos.Status(e.asked)
}

func (e *epson) open() bool { return e.asked != 0 }

func (e *epson) asks() int { return questions }

func (e *epson) marker() []byte { return escpos.Marker() }

func (e *epson) clear() []byte { return escpos.Clear() }

func (e *epson) finish(p Profile, job uint32) []byte {
	var tail []byte
	if p.Cutter {
		tail = escpos.Cut(tailFeed)
	} else {
		tail = escpos.Blank(nil, tearFeed)
	}
	if p.Completion {
		id := escpos.NewJobID(job)
		e.jobs[id] = job
		tail = append(tail, escpos.Complete(id)...)
	}
	return tail
}

func (e *epson) eject(p Profile) []byte {
	if !p.Cutter {
		return escpos.Blank(nil, tearFeed)
	}
	return escpos.CutOff(tailFeed)
}

func (e *epson) encode(piece Piece, p Profile, most int, emit func([]byte) error) error {
	switch piece := piece.(type) {
	case Picture:
		return escpos.Raster(piece.Bitmap, most, emit)
	case QR:
		b, err := escpos.AppendQR(nil, piece.Content, piece.Module, escpos.M)
		if err != nil {
			return &encoding{err}
		}
		return emit(b)
	case Line:
		spans := make([]escpos.Span, len(piece.Spans))
		for i, s := range piece.Spans {
			spans[i] = escpos.Span{
				Style: escpos.Style{Bold: s.Bold, Wide: s.Size, High: s.Size, Reverse: s.Reverse},
				Text:  s.Text,
			}
		}
		b, err := escpos.AppendText(make([]byte, 0, 256), escpos.Align(piece.Align), spans)
		defer clear(b[:cap(b)])
		if err != nil {
			return &encoding{err}
		}
		return emit(b)
	}
	return &encoding{fmt.Errorf("cannot encode a %T", piece)}
}

func (e *epson) take(b []byte) {
	for _, a := range e.demux.Feed(b) {
		switch a.Kind {
		case escpos.RealTime:
			if e.asked != 0 {
				e.h.status.take(e.asked, a.Data[0])
				e.asked = 0
				e.h.observe()
			}
		case escpos.Auto:
			e.h.status.takeAuto(a.Data)
			e.h.observe()
		case escpos.Passed:
			e.h.passed++
		case escpos.Pause:
			e.h.paused = true
		case escpos.Resume:
			e.h.paused = false
		case escpos.Block:
			e.block(a)
		}
	}
}

func (e *epson) block(a escpos.Answer) {
	if id, ok := a.CompletedID(); ok {
		if job, ours := e.jobs[id]; ours {
			e.h.confirm(job)
		}
	}
	if a.Cleared() {
		e.h.cleared++
	}
	if mm, ok := a.PaperWidth(); ok {
		e.paper = mm
	}
	if text, ok := a.Identity(); ok {
		e.h.text = strings.TrimSpace(text)
		e.h.texts++
	}
}

// survey asks what every printer may leave unanswered, so each wait is short.
func (e *epson) survey(p Profile, ask asker) (Profile, Identity, error) {
	var id Identity
	h := &e.h
	before := h.passed
	// A printer that could not be cleared may still have to work off its past.
	patience := probeTime
	if !p.Clear {
		patience = surveyTime
	}
	ok, err := ask(e.marker(), patience, func() bool { return h.passed > before })
	if err != nil {
		return p, id, err
	}
	p.Paced = ok
	const test = ^uint32(0) // no job has this number
	name := escpos.NewJobID(test)
	e.jobs[name] = test
	// Init: a printer that does not know the question takes its last bytes for text.
	ok, err = ask(append(escpos.Complete(name), escpos.Init()...), probeTime, func() bool { return h.confirmed == test })
	if err != nil {
		return p, id, err
	}
	p.Completion = ok
	for _, q := range []struct {
		n  byte
		to *string
	}{{escpos.Maker, &id.Maker}, {escpos.Model, &id.Model}, {escpos.Firmware, &id.Firmware}, {escpos.Charset, &id.Charset}} {
		before := h.texts
		if ok, err = ask(escpos.Identity(q.n), probeTime, func() bool { return h.texts > before }); err != nil {
			return p, id, err
		}
		if !ok {
			break // it says nothing of itself
		}
		*q.to = h.text
	}
	if _, err = ask(escpos.AskPaperWidth(), probeTime, func() bool { return e.paper != 0 }); err != nil {
		return p, id, err
	}
	id.Paper = e.paper
	p.Kanji = strings.Contains(strings.ToUpper(id.Charset), "JAPANESE")
	return p, id, nil
}
