// Package config reads the one TOML file of a kiosk. Defaults are in code, an
// unknown key is refused, and every mistake is listed at once with its line and
// what to do about it.
//
//	cfg, err := config.Load("/etc/kioskd/kioskd.toml")
//	for _, p := range config.Problems(err) { … }
package config

import "time"

// Config is the configuration of one kiosk. Make one with [Default], [Load] or
// [Parse].
type Config struct {
	Data      string   // folder of the outbox and of what else the daemon keeps
	Enrolment string   // file that ties the kiosk to its hub; may appear later
	Simulate  bool     // simulated hardware, with the dock
	Languages []string // the first is the default
	Kiosk     Kiosk
	Screen    Screen
	Layout    Layout
	Brand     Brand
	Idle      Idle
	Printer   Printer
}

// Kiosk is what screen and slip say about this kiosk.
type Kiosk struct {
	Name  string
	Phone string // where a shopper asks; may be empty
}

// Screen is how the browser reaches the daemon.
type Screen struct {
	Listen string // host:port
	// AllowRemote permits a Listen that other machines can reach. The screen has
	// no log-in: it is for a kiosk whose browser runs on another machine behind
	// the same wall.
	AllowRemote bool
}

// Layout is where the devices sit around the screen: left, right, above or below.
type Layout struct {
	Reader  string
	Printer string
}

// Brand is the store's own colour and logo.
type Brand struct {
	Colour string // #rrggbb; empty: the product's own
	Logo   string // path of an SVG or PNG file; empty: none
}

// Idle is how long a screen may stay untouched.
type Idle struct {
	Warn      time.Duration // until the warning
	Countdown time.Duration // from the warning until everything is wiped
}

// Printer is the slip printer.
type Printer struct {
	Width int // dots a line: 576 (80 mm), 512 (80 mm, narrow) or 384 (58 mm)
}

// The hard bounds of Idle: less would throw out slow readers, more would leave
// a stranger's visit open.
const (
	MinWarn      = 60 * time.Second
	MaxWarn      = 600 * time.Second
	MinCountdown = 20 * time.Second
	MaxCountdown = 120 * time.Second
)

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Data:      "/var/lib/kioskd",
		Enrolment: "/etc/kioskd/enrolment.json",
		Languages: []string{"ja", "en"},
		Kiosk:     Kiosk{Name: "kioskd"},
		Screen:    Screen{Listen: "127.0.0.1:8080"},
		Layout:    Layout{Reader: "right", Printer: "below"},
		Idle:      Idle{Warn: 90 * time.Second, Countdown: 30 * time.Second},
		Printer:   Printer{Width: 576},
	}
}
