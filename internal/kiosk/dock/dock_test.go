package dock

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image/png"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/flow"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/light"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/kiosk"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

type dark struct{}

func (dark) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (dark) Show(light.Signal)             {}

// bench is a dock on a server, before a kiosk without a hub.
type bench struct {
	t      *testing.T
	url    string
	client *http.Client
	reader *cardtest.Reader
	driver *printer.Driver
	paper  *printertest.Printer
	line   *Line
	clock  *kiosk.Clock
	kiosk  *kiosk.Kiosk
	links  atomic.Int32 // how often the link is said to have changed
}

func newBench(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	outbox, err := ksync.OpenOutbox(t.Context(), filepath.Join(t.TempDir(), "outbox.db"),
		func() (*wire.Enrolment, bool) { return nil, false }, log)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		t: t, reader: cardtest.NewReader(), paper: printertest.New(printer.Full().Dots),
		line: NewLine((&net.Dialer{}).DialContext), clock: kiosk.NewClock(time.Now),
	}
	b.driver = printer.New(b.paper.Dial, printer.Full(), log)
	b.kiosk = kiosk.New(kiosk.Options{
		Settings: flow.Settings{Catalogue: cat, Langs: []string{"ja", "en"}},
		Reader:   b.reader, Printer: b.driver, Lights: dark{}, Outbox: outbox, Kick: func() {},
		Identity: func() (string, bool) { return "", false }, Clock: b.clock, Log: log,
	})
	opt := Options{
		Kiosk: b.kiosk, Reader: b.reader.Slot, Printer: b.paper, Line: b.line, Clock: b.clock, Log: log,
		Lights: func() Light {
			return Light{Signal: "idle", Colour: "#102030", Pattern: []Beat{{MS: 500, Level: 0.5}}}
		}, LinkChanged: func() { b.links.Add(1) },
	}
	for _, f := range change {
		f(&opt)
	}
	dock := New(opt)
	server := httptest.NewServer(dock)
	b.url, b.client = server.URL+"/dock/api/", server.Client()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 3)
	for _, run := range []func(context.Context) error{b.kiosk.Run, b.reader.Run, b.driver.Run} {
		go func() { ended <- run(ctx) }()
	}
	t.Cleanup(func() {
		cancel()
		for range cap(ended) {
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		server.Close()
		b.paper.Close()
		if err := outbox.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// ask makes a request and gives status and body.
func (b *bench) ask(method, path, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func (b *bench) post(path, body string) {
	b.t.Helper()
	if status, answer := b.ask(http.MethodPost, path, body); status != http.StatusNoContent {
		b.t.Fatalf("POST %s %s: status %d: %s", path, body, status, answer)
	}
}

func (b *bench) state() State {
	b.t.Helper()
	status, body := b.ask(http.MethodGet, "state", "")
	var s State
	if err := json.Unmarshal([]byte(body), &s); err != nil || status != http.StatusOK {
		b.t.Fatalf("status %d: %s: %v", status, body, err)
	}
	return s
}

func TestHandles(t *testing.T) {
	b := newBench(t)
	s := b.state()
	if len(s.Personas) != len(cardtest.Personas()) || !s.Reader.Power || s.Tear.At != -1 || s.Line.Mode != Up ||
		s.Printer != (printerState{Paper: "full", Cover: "closed", Power: "on"}) || s.Visit.Step != "top" || len(s.Lights.Pattern) != 1 {
		t.Errorf("at first: %+v", s)
	}

	b.post("card", `{"persona":"taro"}`)
	b.post("tear", `{"at":3}`)
	b.post("printer", `{"paper":"out"}`)
	b.post("printer", `{"cover":"open"}`)
	b.post("printer", `{"trouble":"unplugged"}`)
	b.post("printer", `{"trouble":"cutter","speed":900}`)
	b.post("printer", `{"fail_at_byte":500,"fault":"head_hot"}`)
	b.post("line", `{"mode":"rubbish"}`)
	b.post("clock", `{"forward_sec":90}`)
	s = b.state()
	if s.Reader.Persona != "taro" || s.Tear.At != 3 || s.Printer != (printerState{Paper: "out", Cover: "open", Power: "on", Trouble: "cutter", Speed: 900, FailNext: "head_hot"}) ||
		s.Line.Mode != Rubbish || s.Clock.OffsetSec != 90 || b.links.Load() != 1 {
		t.Errorf("after the changes: %+v", s)
	}

	b.post("reader", `{"power":false}`)
	b.post("printer", `{"power":"off"}`)
	if s = b.state(); s.Reader.Power || s.Printer.Power != "off" {
		t.Errorf("after pulling the plugs: %+v", s)
	}
	b.post("reset", `{}`)
	s = b.state()
	if s.Reader.Persona != "" || !s.Reader.Power || s.Tear.At != -1 || s.Printer != (printerState{Paper: "full", Cover: "closed", Power: "on", Speed: 900}) || s.Line.Mode != Up {
		t.Errorf("after reset: %+v", s)
	}
}

// Real devices are moved by hand: the dock says so, and resets what is its own.
func TestRealDevices(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Reader, o.Printer = nil, nil })
	if s := b.state(); !s.Reader.Real || !s.Printer.Real || s.Printer.Power != "on" || len(s.Slips) != 0 {
		t.Errorf("the state is %+v", s)
	}
	for path, body := range map[string]string{"card": `{"persona":"taro"}`, "tear": `{"at":3}`, "printer": `{"paper":"out"}`} {
		if status, answer := b.ask(http.MethodPost, path, body); status != http.StatusBadRequest || !strings.Contains(answer, "real one") {
			t.Errorf("POST %s: status %d: %s", path, status, answer)
		}
	}
	if status, _ := b.ask(http.MethodGet, "slips/1.png", ""); status != http.StatusNotFound {
		t.Errorf("a slip: status %d", status)
	}
	if status, _ := b.ask(http.MethodDelete, "slips", ""); status != http.StatusNoContent {
		t.Errorf("delete: status %d", status)
	}
	b.post("line", `{"mode":"rubbish"}`)
	b.post("reset", "")
	if s := b.state(); s.Line.Mode != Up {
		t.Errorf("after reset: %+v", s)
	}
}

func TestResetEndsTheVisit(t *testing.T) {
	b := newBench(t)
	b.post("card", `{"persona":"taro"}`)
	for { // the reader's news has to reach the kiosk
		frame, err := b.kiosk.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.kiosk.Touch(t.Context(), frame.Seq, flow.Start{Plan: flow.PlanReserve}); err != nil {
			t.Fatal(err)
		}
		if b.state().Visit.Step != "top" {
			break
		}
	}
	b.post("reset", "")
	if s := b.state(); s.Visit.Step != "goodbye" {
		t.Errorf("after reset the screen is %s", s.Visit.Step)
	}
}

func TestMistakesAreTold(t *testing.T) {
	b := newBench(t)
	for path, bodies := range map[string][]string{
		"card":    {`{"persona":"nobody"}`, `{"person":"taro"}`, `[]`, `{`},
		"reader":  {`{}`, `{"power":"on"}`},
		"tear":    {`{}`, `{"at":-2}`, `{"at":"x"}`},
		"printer": {`{"paper":"wet"}`, `{"fail_at_byte":5}`, `{"fault":"mute"}`, `{"fail_at_byte":-1,"fault":"mute"}`, `{"fail_at_byte":5,"fault":"fire"}`, `{"cover":"ajar"}`, `{"power":true}`, `{"trouble":"fire"}`, `{"speed":-1}`},
		"line":    {`{}`, `{"mode":"sideways"}`},
		"clock":   {`{}`, `{"forward_sec":-1}`, `{"forward_sec":99999999}`},
		"reset":   {`{"what":1}`, strings.Repeat(" ", 5000)},
	} {
		for _, body := range bodies {
			status, answer := b.ask(http.MethodPost, path, body)
			if status != http.StatusBadRequest || !strings.Contains(answer, `"error":"cannot `) {
				t.Errorf("POST %s %.40s: status %d: %s", path, body, status, answer)
			}
		}
	}
	if status, _ := b.ask(http.MethodGet, "card", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("GET card: status %d", status)
	}
}

func TestSlips(t *testing.T) {
	b := newBench(t)
	picture := dots.New(printer.Full().Dots, 40)
	for x := range 400 {
		picture.Set(x, x%40)
	}
	draw := func(printer.Profile) iter.Seq2[printer.Piece, error] {
		return func(yield func(printer.Piece, error) bool) { yield(printer.Picture{Bitmap: picture}, nil) }
	}
	if _, err := b.driver.Print(t.Context(), printer.Job{ID: "test", Draw: draw}); err != nil {
		t.Fatal(err)
	}
	s := b.state()
	if len(s.Slips) != 1 || s.Slips[0].N != 1 || !s.Slips[0].Complete || s.Slips[0].Width != printer.Full().Dots {
		t.Fatalf("slips are %+v", s.Slips)
	}
	status, body := b.ask(http.MethodGet, "slips/1.png", "")
	img, err := png.Decode(bytes.NewReader([]byte(body)))
	if err != nil || status != http.StatusOK || img.Bounds().Dx() != s.Slips[0].Width || img.Bounds().Dy() != s.Slips[0].Height {
		t.Errorf("picture: status %d, %v", status, err)
	}
	for _, name := range []string{"0.png", "2.png", "1.gif", "1", "x.png"} {
		if status, _ := b.ask(http.MethodGet, "slips/"+name, ""); status != http.StatusNotFound {
			t.Errorf("%s: status %d", name, status)
		}
	}
	if status, _ := b.ask(http.MethodDelete, "slips", ""); status != http.StatusNoContent {
		t.Errorf("delete: status %d", status)
	}
	if s := b.state(); len(s.Slips) != 0 {
		t.Errorf("%d slips are left", len(s.Slips))
	}
}

func TestEventsFollowEachChange(t *testing.T) {
	b := newBench(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	until := func(what string, ok func(State) bool) {
		t.Helper()
		for lines.Scan() {
			raw, found := strings.CutPrefix(lines.Text(), "data: ")
			var s State
			if !found {
				continue
			}
			if err := json.Unmarshal([]byte(raw), &s); err != nil {
				t.Fatal(err)
			}
			if ok(s) {
				return
			}
		}
		t.Fatalf("the stream ended before %s: %v", what, lines.Err())
	}
	until("the first state", func(s State) bool { return s.Visit.Step == "top" })
	b.post("card", `{"persona":"waon-1"}`)
	until("the card", func(s State) bool { return s.Reader.Persona == "waon-1" })
	b.reader.Lift() // from elsewhere than the API
	until("the lifted card", func(s State) bool { return s.Reader.Persona == "" })
}
