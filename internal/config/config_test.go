package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the expected mistakes anew")

const example = "../../docs/config.example.toml"

func TestGoodSamples(t *testing.T) {
	store := Default()
	store.Data = "/srv/kioskd"
	store.Simulate = true
	store.Languages = []string{"en"}
	store.Kiosk = Kiosk{Name: "さくら店 2号機", Phone: "0120-000-000"}
	store.Layout = Layout{Reader: "left", Printer: "right"}
	store.Screen.Listen = "[::1]:0"
	store.Brand.Colour = "#0B5A8F"
	store.Idle = Idle{Warn: 2 * time.Minute, Countdown: 45 * time.Second}
	store.Printer.Width = 384
	remote := Default()
	remote.Screen = Screen{Listen: "192.0.2.10:8080", AllowRemote: true}
	token := Default()
	token.Simulate = true
	token.Screen.Token = TokenRequired
	readers := Default()
	readers.Simulate = true
	readers.Reader = Reader{
		Driver: ReaderPCSC, MyNumber: []string{"ACR1252.*PICC", "Identiv"}, WAON: []string{"PaSoRi"},
		Debounce: 150 * time.Millisecond, Patience: time.Second, VPCD: "127.0.0.1:35963",
	}
	readers.Layout.WAON = "left"
	readers.WAON = WAON{Services: []string{"67CF"}, Strategies: []string{"sony", "transparent"}}
	lights := Default()
	lights.Lights = Lights{
		Tower:  Light{Driver: LightGPIO, Red: "LED_R", Green: "LED_G", Amber: "gpiochip1-LED_A", ActiveLow: true},
		Reader: ReaderLight{Light: Light{Driver: LightCardReader}},
		Mouth:  Light{Driver: LightLED, Blue: "blue:status", White: "LED_R"}, // a line and an LED may share a name
	}
	lights.Button = Button{Line: "STAFF", Debounce: 50 * time.Millisecond}

	bridge := Default()
	bridge.Simulate, bridge.Reader.Driver, bridge.Reader.VPCD = true, ReaderPCSC, "/run/test/cards"

	for file, want := range map[string]Config{
		"testdata/good/bridge.toml":  bridge,
		"testdata/good/empty.toml":   Default(),
		"testdata/good/store.toml":   store,
		"testdata/good/remote.toml":  remote,
		"testdata/good/readers.toml": readers,
		"testdata/good/token.toml":   token,
		"testdata/good/lights.toml":  lights,
		example:                      Default(), // it shows the defaults
	} {
		t.Run(file, func(t *testing.T) {
			got, err := Load(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
			if lines, ok := Check(file); !ok || len(lines) != 1 {
				t.Errorf("Check = %q, %v", lines, ok)
			}
		})
	}
}

// Each bad sample gives exactly the lines of the .txt file beside it.
func TestBadSamples(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			lines, ok := Check(file)
			if ok {
				t.Fatal("no mistake was found")
			}
			got := strings.Join(lines, "\n") + "\n"
			golden := strings.TrimSuffix(file, ".toml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
		})
	}
}

// The example names every key, and nothing else.
func TestExampleIsComplete(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	lines := lineNumbers(data)
	for key := range keys() {
		if lines[key] == 0 {
			t.Errorf("the example lacks %s", key)
		}
	}
}

// Every field of Config can be set by a key of the file.
func TestEveryFieldHasAKey(t *testing.T) {
	fields := 0
	var count func(reflect.Type)
	count = func(typ reflect.Type) {
		for f := range typ.Fields() {
			if f.Type.Kind() == reflect.Struct {
				count(f.Type)
				continue
			}
			fields++
		}
	}
	count(reflect.TypeFor[Config]())
	if n := len(keys()); n != fields {
		t.Errorf("there are %d keys for %d fields", n, fields)
	}
}

func TestLoadWithoutFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.toml"))
	if problems := Problems(err); len(problems) != 1 || problems[0].Hint == "" {
		t.Errorf("error %v", err)
	}
	if lines, ok := Check(t.TempDir()); ok || len(lines) != 1 {
		t.Errorf("a folder: %q, %v", lines, ok)
	}
	_, err = Parse("big", []byte(strings.Repeat("#", maxSize+1)))
	if problems := Problems(err); len(problems) != 1 {
		t.Errorf("a large file: %v", err)
	}
}

func TestProblemsOfOtherErrors(t *testing.T) {
	if got := Problems(errors.New("other")); got != nil {
		t.Errorf("Problems = %v", got)
	}
	if got := Problems(nil); got != nil {
		t.Errorf("Problems(nil) = %v", got)
	}
}

func TestValidateWithoutFile(t *testing.T) {
	cfg := Default()
	if err := cfg.Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	cfg.Idle.Warn = time.Second
	cfg.Printer.Width = 1
	problems := Problems(cfg.Validate())
	if len(problems) != 2 {
		t.Fatalf("problems %v", problems)
	}
	if got, want := problems[0].Error(), "idle.warn: cannot be 1 seconds (60 to 600 seconds)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLogo(t *testing.T) {
	dir := t.TempDir()
	logo := filepath.Join(dir, "logo.svg")
	if err := os.WriteFile(logo, []byte("<svg/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Default()
	cfg.Brand.Logo = logo
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(logo, make([]byte, maxLogo+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err == nil {
		t.Error("a large logo is taken")
	}
}

// Whatever is in a file: no panic, and no configuration that Validate refuses.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.toml", example} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := Parse("fuzz.toml", data)
		if err == nil {
			err = cfg.Validate()
			if err != nil {
				t.Errorf("taken, but %v", err)
			}
			return
		}
		for _, p := range Problems(err) {
			if p.Text == "" || p.File == "" {
				t.Errorf("an empty problem: %#v", p)
			}
		}
	})
}

// A kiosk for real shoppers asks for the token whatever its file says; a
// simulation only when it is told to.
func TestTokenIsRequired(t *testing.T) {
	for _, c := range []struct {
		simulate bool
		token    string
		want     bool
	}{{false, "", true}, {false, TokenRequired, true}, {true, "", false}, {true, TokenRequired, true}, {true, TokenOff, false}} {
		cfg := Default()
		cfg.Simulate, cfg.Screen.Token = c.simulate, c.token
		if got := cfg.TokenRequired(); got != c.want || cfg.Validate() != nil {
			t.Errorf("simulate %t, token %q: required is %t, %v", c.simulate, c.token, got, cfg.Validate())
		}
	}
}
