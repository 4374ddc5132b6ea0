package dock

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/wire"
)

// handle serves POST /dock/api/name: a strict JSON body, an action, no answer.
func handle[T any](d *Dock, name string, act func(context.Context, T) error) {
	d.mux.HandleFunc("POST /dock/api/"+name, func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, 4<<10)); err != nil {
			d.fail(w, errors.New("cannot read the request: it is too long or cut short"))
			return
		}
		if body.Len() == 0 {
			body.WriteString("{}")
		}
		in, err := wire.Decode[T](body.Bytes())
		if err != nil {
			d.fail(w, fmt.Errorf("cannot read the request: %w", err))
			return
		}
		if err := act(r.Context(), in); err != nil {
			d.fail(w, err)
			return
		}
		d.Kiosk.DockUsed(name)
		d.changed.ring()
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
	})
}

// fail answers 400 with the error's words.
func (d *Dock) fail(w http.ResponseWriter, err error) {
	d.answer(w, http.StatusBadRequest, struct {
		Error string `json:"error"`
	}{err.Error()})
}

func (d *Dock) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		d.Log.Debug("Cannot answer the dock", "err", err)
	}
}

func (d *Dock) getState(w http.ResponseWriter, r *http.Request) {
	s, err := d.state(r.Context())
	if err != nil {
		d.fail(w, err)
		return
	}
	d.answer(w, http.StatusOK, s)
}

// These refuse what only simulated devices can do.
var (
	errReal        = errors.New("cannot move cards: the reader is a real one, lay the card on it")
	errRealPrinter = errors.New("cannot set the printer: it is a real one, use its own cover and buttons")
)

type cardBody struct {
	Persona string `json:"persona"`
	// Also lays it on top of the card that lies there, instead of in its place.
	Also bool `json:"also"`
}

func (d *Dock) setCard(_ context.Context, in cardBody) error {
	switch {
	case d.Reader == nil:
		return errReal
	case in.Persona == "":
		d.Reader.Lift()
		return nil
	case in.Also:
		return d.Reader.PutAlso(in.Persona)
	default:
		return d.Reader.Put(in.Persona)
	}
}

type readerBody struct {
	Power  *bool  `json:"power"`
	Mute   *bool  `json:"mute"`
	SlowMS *int64 `json:"slow_ms"`
}

// maxSlow is longer than anybody waits for a card.
const maxSlow = 60_000

func (d *Dock) setReader(_ context.Context, in readerBody) error {
	switch {
	case d.Reader == nil:
		return errReal
	case in.Power == nil && in.Mute == nil && in.SlowMS == nil:
		return errors.New("cannot set the reader: power, mute and slow_ms are missing")
	case in.SlowMS != nil && (*in.SlowMS < 0 || *in.SlowMS > maxSlow):
		return fmt.Errorf("cannot set the reader: slow_ms is not between 0 and %d", maxSlow)
	}
	if in.Power != nil {
		d.Reader.Power(*in.Power)
	}
	if in.Mute != nil {
		d.Reader.Mute(*in.Mute)
	}
	if in.SlowMS != nil {
		d.Reader.Slow(time.Duration(*in.SlowMS) * time.Millisecond)
	}
	return nil
}

type tearBody struct {
	At *int `json:"at"`
}

func (d *Dock) setTear(_ context.Context, in tearBody) error {
	if d.Reader == nil {
		return errReal
	}
	if in.At == nil || *in.At < -1 {
		return errors.New("cannot set the tear: at must be the number of an APDU from now, or -1 for none")
	}
	d.Reader.TearAt(*in.At)
	return nil
}

type printerBody struct {
	Paper *string `json:"paper"`
	Cover *string `json:"cover"`
	Power *string `json:"power"`
	// Trouble is what else is wrong with it, "" for nothing; Speed how many rows a
	// second its head prints, 0 for no time at all.
	Trouble *printertest.Fault `json:"trouble"`
	Speed   *int               `json:"speed"`
	// FailAtByte makes Fault happen once so many bytes of the next slip have
	// arrived.
	FailAtByte *int               `json:"fail_at_byte"`
	Fault      *printertest.Fault `json:"fault"`
}

// maxFailAt is longer than any slip.
const maxFailAt = 1 << 20

func (b printerBody) checkFault() error {
	switch {
	case b.FailAtByte == nil && b.Fault == nil:
		return nil
	case b.FailAtByte == nil || b.Fault == nil:
		return errors.New("cannot set the printer: fail_at_byte and fault go together")
	case *b.FailAtByte < 0 || *b.FailAtByte > maxFailAt:
		return fmt.Errorf("cannot set the printer: fail_at_byte is not between 0 and %d", maxFailAt)
	case !slices.Contains(printertest.Faults(), *b.Fault):
		return fmt.Errorf("cannot set the printer: fault is one of %v", printertest.Faults())
	}
	return nil
}

// maxSpeed is faster than any printer.
const maxSpeed = 100_000

// troubles are what a printer can have besides paper, cover and power.
func troubles() []printertest.Fault {
	return []printertest.Fault{"", printertest.Jam, printertest.Overheat, printertest.GoOffline, printertest.Unplug, printertest.Mute}
}

// trouble is which of them a state has.
func trouble(s printertest.State) printertest.Fault {
	switch {
	case s.Unplugged:
		return printertest.Unplug
	case s.Mute:
		return printertest.Mute
	case s.Cutter:
		return printertest.Jam
	case s.Hot:
		return printertest.Overheat
	case s.Offline:
		return printertest.GoOffline
	}
	return ""
}

func (b printerBody) checkTrouble() error {
	switch {
	case b.Trouble != nil && !slices.Contains(troubles(), *b.Trouble):
		return fmt.Errorf("cannot set the printer: trouble is one of %q", troubles())
	case b.Speed != nil && (*b.Speed < 0 || *b.Speed > maxSpeed):
		return fmt.Errorf("cannot set the printer: speed is not between 0 and %d", maxSpeed)
	}
	return nil
}

func (d *Dock) setPrinter(_ context.Context, in printerBody) error {
	if d.Printer == nil {
		return errRealPrinter
	}
	paper, err := choice("paper", in.Paper, "full", "low", "out")
	cover, err2 := choice("cover", in.Cover, "closed", "open")
	power, err3 := choice("power", in.Power, "off", "on")
	if err := errors.Join(err, err2, err3, in.checkFault(), in.checkTrouble()); err != nil {
		return err
	}
	if in.Speed != nil {
		d.Printer.SetSpeed(*in.Speed)
	}
	if in.Fault != nil {
		d.Printer.FailAtByte(*in.FailAtByte, *in.Fault)
	}
	d.Printer.Set(func(s *printertest.State) {
		if paper >= 0 {
			s.Paper = printertest.Paper(*in.Paper)
		}
		if cover >= 0 {
			s.Cover = cover == 1
		}
		if power >= 0 {
			s.Power = power == 1
		}
		if t := in.Trouble; t != nil {
			s.Cutter, s.Hot, s.Offline = *t == printertest.Jam, *t == printertest.Overheat, *t == printertest.GoOffline
			s.Unplugged, s.Mute = *t == printertest.Unplug, *t == printertest.Mute
		}
	})
	return nil
}

// choice gives the place of v in the list, -1 where v was left out.
func choice(name string, v *string, list ...string) (int, error) {
	if v == nil {
		return -1, nil
	}
	for i, s := range list {
		if s == *v {
			return i, nil
		}
	}
	return -1, fmt.Errorf("cannot set %s: it is one of %s", name, strings.Join(list, ", "))
}

type lineBody struct {
	Mode Mode `json:"mode"`
}

func (d *Dock) setLine(_ context.Context, in lineBody) error {
	if !d.Line.Set(in.Mode) {
		return errors.New("cannot set the line: mode is one of up, down, slow, rubbish")
	}
	d.LinkChanged()
	return nil
}

// maxForward keeps the clock within what certificates and documents allow.
const maxForward = 366 * 24 * 60 * 60

type clockBody struct {
	ForwardSec int64 `json:"forward_sec"`
}

func (d *Dock) setClock(_ context.Context, in clockBody) error {
	if in.ForwardSec < 1 || in.ForwardSec > maxForward {
		return fmt.Errorf("cannot set the clock: forward_sec is not between 1 and %d", maxForward)
	}
	d.Clock.Forward(time.Duration(in.ForwardSec) * time.Second)
	return nil
}

// reset puts everything back as it is in the morning. The slips stay, and so
// does the clock: time does not run backwards.
func (d *Dock) reset(ctx context.Context, _ struct{}) error {
	if d.Reader != nil {
		d.Reader.Reset()
	}
	if d.Printer != nil {
		d.Printer.Repair()
	}
	d.Line.Set(Up)
	d.LinkChanged()
	return d.Kiosk.EndVisit(ctx)
}

func (d *Dock) getSlip(w http.ResponseWriter, r *http.Request) {
	name, isPNG := strings.CutSuffix(r.PathValue("file"), ".png")
	n, err := strconv.Atoi(name)
	slips := d.slips()
	if !isPNG || err != nil || n < 1 || n > len(slips) {
		d.answer(w, http.StatusNotFound, struct {
			Error string `json:"error"`
		}{"cannot find this slip"})
		return
	}
	picture, err := slips[n-1].PNG()
	if err != nil {
		d.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "no-store")
	if _, err := w.Write(picture); err != nil {
		d.Log.Debug("Cannot answer the dock", "err", err)
	}
}

func (d *Dock) clearSlips(w http.ResponseWriter, _ *http.Request) {
	if d.Printer != nil {
		d.Printer.Forget()
	}
	d.Kiosk.DockUsed("slips")
	d.changed.ring()
	w.WriteHeader(http.StatusNoContent)
}
