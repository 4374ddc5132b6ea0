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
	Data      string // folder of the outbox and of what else the daemon keeps
	Enrolment string // file that ties the kiosk to its hub; may appear later
	// IdentityKey is the file of the kiosk's private key; empty: identity.key beside
	// the enrolment.
	IdentityKey string
	Simulate    bool     // simulated hardware, with the dock
	Languages   []string // the first is the default
	Kiosk       Kiosk
	Screen      Screen
	Layout      Layout
	Brand       Brand
	Idle        Idle
	Reader      Reader
	WAON        WAON
	Printer     Printer
	Lights      Lights
	Button      Button
}

// Kiosk is what screen and slip say about this kiosk.
type Kiosk struct {
	Name  string
	Phone string // where a shopper asks; may be empty
}

// Screen is how the browser reaches the daemon.
type Screen struct {
	Listen string // host:port
	// AllowRemote permits a Listen that other machines can reach, for a kiosk whose
	// browser runs on another machine behind the same wall. What passes is not
	// encrypted.
	AllowRemote bool
	// Token is TokenRequired or TokenOff; empty: off where the hardware is simulated,
	// else required. See [Config.TokenRequired].
	Token string
}

// Whether a browser needs the token of this start to see the visit.
const (
	TokenRequired = "required"
	TokenOff      = "off"
)

// TokenRequired is Screen.Token with the default resolved.
func (c Config) TokenRequired() bool {
	return c.Screen.Token == TokenRequired || c.Screen.Token == "" && !c.Simulate
}

// Layout is where the devices sit around the screen: left, right, above or below.
type Layout struct {
	Reader  string
	WAON    string // of the reader for WAON cards; empty: it is the same
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

// What serves cards.
const (
	ReaderPCSC    = "pcsc"    // the readers that pcscd serves
	ReaderVirtual = "virtual" // the dock's own, in this process
)

// Reader is how cards are read.
type Reader struct {
	// Driver is ReaderPCSC or ReaderVirtual; empty: virtual where the hardware is
	// simulated, else pcsc. See [Config.ReaderDriver].
	Driver string
	// MyNumber and WAON are patterns (RE2) of reader names, the preferred first.
	// MyNumber empty: every reader. WAON empty: the readers for My Number cards.
	MyNumber, WAON []string
	Debounce       time.Duration // a card must be away so long to be told gone
	Patience       time.Duration // how long another program may keep the card
	// Roots is a PEM file of the authorities whose cards are taken; empty leaves
	// that to the hub. Simulated hardware has its own.
	Roots string
	// VPCD is where a virtual reader below pcscd takes the dock's cards: a loopback
	// address, or the path of a Unix socket; empty: none.
	VPCD string
}

// ReaderDriver is what serves cards, the default resolved.
func (c Config) ReaderDriver() string {
	switch {
	case c.Reader.Driver != "":
		return c.Reader.Driver
	case c.Simulate:
		return ReaderVirtual
	default:
		return ReaderPCSC
	}
}

// WAON is how the number of a WAON card is read.
type WAON struct {
	Services   []string // service codes in hex, tried in this order; empty: the known ones
	Strategies []string // ways to reach the card through the reader, by name; empty: by the reader's name
}

// The hard bounds of Reader.
const (
	MinDebounce = 50 * time.Millisecond
	MaxDebounce = 2 * time.Second
	MinPatience = 200 * time.Millisecond
	MaxPatience = 10 * time.Second
)

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
		Reader:    Reader{Debounce: 300 * time.Millisecond, Patience: 2 * time.Second},
		Printer:   Printer{Baud: 115200, Flow: "none", Mode: PrinterDrawn},
		Lights:    Lights{Reader: ReaderLight{Beep: true}},
		Button:    Button{ActiveLow: true, Debounce: 30 * time.Millisecond},
	}
}
