// Package dock plays the hardware of a simulated kiosk: one handle for each
// thing that a person or the world could do to a real one. It exists only where
// the hardware is simulated, as a JSON API for the dock page, for tests and for
// whoever wants to try a fault from the command line. See docs/PROTOCOL.md.
//
// The handles are those of the test doubles themselves (cardtest, printertest,
// lighttest), so what a test sees in process and what the dock shows is one thing.
package dock

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/kiosk"
)

// Options are the doubles that the dock moves.
type Options struct {
	Kiosk *kiosk.Kiosk
	// Reader is where the simulated cards are laid; nil where cards are real.
	Reader *cardtest.Slot
	// Printer is what slips come out of; nil where it is a real one.
	Printer *printertest.Printer
	Lights  func() Light // what the lights show now
	Line    *Line
	// LinkChanged is told after the line was moved, as an operating system tells
	// of its network link.
	LinkChanged func()
	Clock       *kiosk.Clock
	Log         *slog.Logger
}

// Dock serves the API.
type Dock struct {
	Options
	mux     *http.ServeMux
	changed *bell
}

// New makes the dock.
func New(opt Options) *Dock {
	d := &Dock{Options: opt, mux: http.NewServeMux(), changed: newBell()}
	d.mux.HandleFunc("GET /dock/api/state", d.getState)
	d.mux.HandleFunc("GET /dock/api/events", d.events)
	d.mux.HandleFunc("GET /dock/api/slips/{file}", d.getSlip)
	d.mux.HandleFunc("DELETE /dock/api/slips", d.clearSlips)
	handle(d, "card", d.setCard)
	handle(d, "reader", d.setReader)
	handle(d, "tear", d.setTear)
	handle(d, "printer", d.setPrinter)
	handle(d, "line", d.setLine)
	handle(d, "clock", d.setClock)
	handle(d, "reset", d.reset)
	return d
}

// ServeHTTP implements http.Handler.
func (d *Dock) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

// State is everything that the dock shows.
type State struct {
	Personas []persona    `json:"personas"`
	Reader   readerState  `json:"reader"`
	Tear     tearState    `json:"tear"`
	Printer  printerState `json:"printer"`
	Slips    []slipState  `json:"slips"`
	Lights   Light        `json:"lights"`
	Line     lineState    `json:"line"`
	Clock    clockState   `json:"clock"`
	Visit    visitState   `json:"visit"`
}

// Light is what the lights show.
type Light struct {
	Signal  string `json:"signal"`
	Colour  string `json:"colour"`
	Pattern []Beat `json:"pattern"`
}

// Beat is one stretch of a light's rhythm.
type Beat struct {
	MS    int64   `json:"ms"`
	Level float64 `json:"level"` // 0 to 1
	Ramp  bool    `json:"ramp"`  // glides there from the level before
}

type (
	persona struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		Kind  string `json:"kind"`
		About string `json:"about"`
		PIN   string `json:"pin"`
	}
	readerState struct {
		Real    bool   `json:"real"` // cards are laid by hand: the dock moves none
		Power   bool   `json:"power"`
		Persona string `json:"persona"`
		Also    string `json:"also"` // lies there too, unseen by the reader
		Mute    bool   `json:"mute"`
		SlowMS  int64  `json:"slow_ms"`
	}
	tearState struct {
		At int `json:"at"`
	}
	printerState struct {
		Real  bool   `json:"real"` // it is handled by hand: the dock knows nothing of it
		Paper string `json:"paper"`
		Cover string `json:"cover"`
		Power string `json:"power"`
		// Trouble is what else is wrong, "" = nothing.
		Trouble printertest.Fault `json:"trouble"`
		Speed   int               `json:"speed"` // rows a second, 0 = no time passes
		// FailNext is the fault that waits for the next slip, "" = none.
		FailNext printertest.Fault `json:"fail_next"`
	}
	slipState struct {
		N        int       `json:"n"`
		At       time.Time `json:"at"`
		Complete bool      `json:"complete"`
		Width    int       `json:"width"`
		Height   int       `json:"height"`
	}
	lineState struct {
		Mode Mode `json:"mode"`
	}
	clockState struct {
		OffsetSec int64 `json:"offset_sec"`
	}
	visitState struct {
		Step string `json:"step"`
	}
)

// state collects what there is now.
func (d *Dock) state(ctx context.Context) (State, error) {
	frame, err := d.Kiosk.Look(ctx)
	if err != nil {
		return State{}, err
	}
	s := State{
		Personas: personas(),
		Reader:   d.reader(),
		Tear:     d.tear(),
		Printer:  d.printer(),
		Slips:    []slipState{},
		Lights:   d.Lights(),
		Line:     lineState{Mode: d.Line.Mode()},
		Clock:    clockState{OffsetSec: int64(d.Clock.Offset() / time.Second)},
		Visit:    visitState{Step: string(frame.Step)},
	}
	for i, slip := range d.slips() {
		s.Slips = append(s.Slips, slipState{
			N: i + 1, At: slip.At, Complete: slip.Complete, Width: slip.Bitmap.Width, Height: slip.Bitmap.Height,
		})
	}
	return s, nil
}

func personas() []persona {
	list := []persona{}
	for _, p := range cardtest.Personas() {
		list = append(list, persona{ID: p.ID, Name: p.Name, Kind: p.Kind, About: p.About, PIN: p.PIN})
	}
	return list
}

func (d *Dock) reader() readerState {
	if d.Reader == nil {
		return readerState{Real: true, Power: true}
	}
	return readerState{
		Power: d.Reader.Powered(), Persona: d.Reader.Persona(), Also: d.Reader.Also(),
		Mute: d.Reader.Muted(), SlowMS: d.Reader.Delays().APDU.Milliseconds(),
	}
}

func (d *Dock) tear() tearState {
	if d.Reader == nil {
		return tearState{At: -1}
	}
	return tearState{At: d.Reader.Tear()}
}

func (d *Dock) slips() []printertest.Slip {
	if d.Printer == nil {
		return nil
	}
	return d.Printer.Slips()
}

func (d *Dock) printer() printerState {
	if d.Printer == nil {
		return printerState{Real: true, Paper: string(printertest.PaperFull), Cover: "closed", Power: "on"}
	}
	now := d.Printer.Get()
	s := printerState{Paper: string(now.Paper), Cover: "closed", Power: "off", FailNext: d.Printer.Armed(), Trouble: trouble(now), Speed: d.Printer.Speed()}
	if now.Cover {
		s.Cover = "open"
	}
	if now.Power {
		s.Power = "on"
	}
	return s
}
