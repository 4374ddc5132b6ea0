package pcsc_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/pcsc"
	"kioskd/internal/hw/card/pcsc/pcsctest"
)

var update = flag.Bool("update", false, "write the transcripts of the conformance suite anew")

// The suite below a real pcscd is recorded, so that it can be played where there
// is none, and what the driver does is held against what it did when the stored
// transcripts were written. After a change that is meant to be one:
//
//	go test ./internal/hw/card/pcsc -run TestConformance -update
func TestConformance(t *testing.T) {
	cardtest.Conformance(t, func(t *testing.T) cardtest.Bench {
		service, slot := pcsctest.Start(t), cardtest.NewSlot()
		pcsctest.Attach(t, slot)
		rec := cardtest.Record(newDriver(t, pcsc.Options{}), cardtest.RecordOptions{Name: strings.ReplaceAll(filepath.Base(t.Name()), "_", " "), Public: true})
		t.Cleanup(func() { // after the suite has closed and ended everything
			if !t.Failed() {
				keep(t, rec.Transcript())
			}
		})
		restart := func(end func(), reader bool) func() {
			return func() { // a virtual reader cannot be pulled out of a pcscd that runs
				end()
				if err := service.Plug(reader); err != nil {
					t.Fatal(err)
				}
				service.Restart(t)
			}
		}
		return rec.Hand(cardtest.Bench{
			Put: func(id string) {
				if err := slot.Put(id); err != nil {
					t.Fatal(err)
				}
			},
			Lift:     slot.Lift,
			Unplug:   restart(service.Kill, false),
			Plug:     restart(service.Stop, true),
			Patience: patience,
		})
	})
}

// keep stores a transcript, or holds it against the one that is stored.
func keep(t *testing.T, got cardtest.Transcript) {
	t.Helper()
	file := filepath.Join("..", "cardtest", "testdata", "transcripts", cardtest.CaseFile(t.Name()))
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := cardtest.ParseTranscript(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := cardtest.Equivalent(want, got); err != nil {
		t.Errorf("%v\nrecorded now:\n%s", err, got)
	}
}
