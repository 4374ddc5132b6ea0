package doctor_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/doctor"
	"kioskd/internal/hw/board"
	"kioskd/internal/hw/board/boardtest"
	"kioskd/internal/hw/button"
	"kioskd/internal/hw/light"
	"kioskd/internal/hw/light/acs"
	"kioskd/internal/hw/light/fixture"
)

// readers is a card reader that takes every command.
type readers struct{ name string }

func (r readers) Preferred() string { return r.name }

func (r readers) Control(_ context.Context, _ string, command []byte) ([]byte, error) {
	if command[0] == 0xE0 {
		return append([]byte{0xE1}, command[1:]...), nil
	}
	return []byte{0x90, 0x00}, nil
}

// panel is a machine with lights in every place.
func panel(b *boardtest.Board, r readers) doctor.LightsOptions {
	log := slog.New(slog.DiscardHandler)
	tower := fixture.GPIO(b, []fixture.Wire{
		{Element: light.RedElement, Name: "LED_R"}, {Element: light.GreenElement, Name: "LED_G"}, {Element: light.AmberElement, Name: "LED_A"},
	}, false)
	mouth := fixture.LEDs(b, []fixture.Wire{{Element: light.WhiteElement, Name: "white:status"}})
	return doctor.LightsOptions{
		Group: light.NewGroup(
			light.Member{Role: light.Tower, Driver: "gpio", Lights: light.NewEngine(tower, log)},
			light.Member{Role: light.Reader, Driver: "card-reader", Lights: acs.New(r, true, log)},
			light.Member{Role: light.Mouth, Driver: "led", Lights: light.NewEngine(mouth, log)},
		),
		Button: button.New(b, button.Options{Line: "STAFF", ActiveLow: true, Log: log}),
	}
}

// examine gives the report, what was told meanwhile, and how long it took.
func examine(t *testing.T, opt doctor.LightsOptions, setup doctor.LightsSetup) (doctor.Report, string, time.Duration) {
	t.Helper()
	var told bytes.Buffer
	opt.Tell = &told
	began := time.Now()
	facts, err := doctor.ExamineLights(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return facts.Report(setup), told.String(), time.Since(began)
}

func TestLightsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := boardtest.New("LED_R", "LED_G", "LED_A", "STAFF")
		b.Light("white:status", 255, "none")
		r, told, took := examine(t, panel(b, readers{"ACS ACR1252 1S CL Reader PICC 0"}), doctor.LightsSetup{})
		if !r.OK || !slices.Equal(r.Lights.Shown, light.All()) {
			t.Errorf("%+v", r)
		}
		if least := time.Duration(len(light.All())) * 2 * time.Second; took < least || took > least+time.Second {
			t.Errorf("it took %v", took)
		}
		golden(t, "lights", r)
		goldenText(t, "lights-shown.txt", told)
		// Each line has shone while its signals were shown, and is dark and free now.
		for _, name := range []string{"LED_R", "LED_G", "LED_A"} {
			l := b.Of(name)
			if !slices.ContainsFunc(l.Changes(), func(c boardtest.Change) bool { return c.Level == 1 }) || l.High() || l.Held() {
				t.Errorf("%s: high %t, held %t, %v", name, l.High(), l.Held(), l.Changes())
			}
		}
	})
}

func TestLightsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := boardtest.New("LED_R", "LED_G", "LED_A", "STAFF")
		b.Light("white:status", 255, "none")
		opt := panel(b, readers{"ACS ACR122U PICC Interface 00 00"})
		opt.Still = true
		r, told, took := examine(t, opt, doctor.LightsSetup{Virtual: true})
		if !r.OK || len(r.Findings) != 1 || len(r.Lights.Shown) != 0 || told != "" || took > time.Second {
			t.Errorf("after %v: %q, %+v", took, told, r)
		}
	})
}

func TestLightsInTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := boardtest.New("LED_G", "LED_A")
		b.Of("LED_A").Busy(true)
		r, told, _ := examine(t, panel(b, readers{"Sony FeliCa Port/PaSoRi 4.0 00 00"}), doctor.LightsSetup{})
		if r.OK {
			t.Error("it is in order")
		}
		golden(t, "lights-trouble", r)
		goldenText(t, "lights-trouble-shown.txt", told)
	})
}

// A machine without any of it: nothing to show, and no longer a wait than for a
// reader to be found.
func TestLightsNothingThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, told, took := examine(t, panel(boardtest.New(), readers{}), doctor.LightsSetup{})
		if r.OK || told != "" || took > 4*time.Second {
			t.Errorf("after %v: %q", took, told)
		}
		golden(t, "lights-none", r)
		r, _, took = examine(t, doctor.LightsOptions{Group: light.NewGroup()}, doctor.LightsSetup{})
		if !r.OK || len(r.Findings) != 1 || took > time.Second {
			t.Errorf("without configuration, after %v: %+v", took, r)
		}
	})
}

func TestLightsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := boardtest.New("LED_R", "LED_G", "LED_A", "STAFF")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := doctor.ExamineLights(ctx, panel(b, readers{})); err == nil {
			t.Error("no error")
		}
		if b.Of("LED_A").Held() || b.Of("LED_A").High() {
			t.Error("it is left on")
		}
	})
}

func TestLightsJudge(t *testing.T) {
	for state, want := range map[board.State]bool{board.Ready: true, board.Waiting: false, board.Absent: false, board.Failed: false} {
		f := doctor.LightsFacts{Lights: []doctor.Light{{Role: light.Reader, Driver: "card-reader", Parts: []doctor.Part{{Name: "ACR", State: state}}}}}
		if r := f.Report(doctor.LightsSetup{}); r.OK != want {
			t.Errorf("%s: %+v", state, r)
		}
	}
}

func goldenText(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
