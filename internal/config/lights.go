package config

import "time"

// What drives a light.
const (
	LightGPIO       = "gpio"        // GPIO lines, by name
	LightLED        = "led"         // LEDs of the kernel, below /sys/class/leds
	LightCardReader = "card-reader" // the card reader's own
)

// Lights are the status lights, by where they are.
type Lights struct {
	Tower  Light // seen from afar
	Reader ReaderLight
	Mouth  Light // where slips come out
}

// Light is one status light. Its elements are names of GPIO lines or LEDs.
type Light struct {
	Driver                         string // LightGPIO, LightLED; empty: there is none
	Red, Green, Blue, Amber, White string // empty: it has none
	ActiveLow                      bool   // a line that is low shines
}

// ReaderLight is the light at the card reader. Its driver may be LightCardReader.
type ReaderLight struct {
	Light
	Beep bool // the card reader's buzzer sounds
}

// Button is the button by which a shopper calls staff.
type Button struct {
	Line      string // name of its GPIO line; empty: there is none
	ActiveLow bool   // pressed is low
	Debounce  time.Duration
}

// The hard bounds of Button.
const (
	MinPress = 5 * time.Millisecond
	MaxPress = 500 * time.Millisecond
)

// section is a light with its name in the file.
type section struct {
	name string
	Light
}

func (l Lights) sections() []section {
	return []section{{"lights.tower", l.Tower}, {"lights.reader", l.Reader.Light}, {"lights.mouth", l.Mouth}}
}

// element is one element of a light: a key of its section and what it says.
type element struct{ key, name string }

// elements are those that the light has.
func (l Light) elements() []element {
	var has []element
	for _, e := range []element{{"red", l.Red}, {"green", l.Green}, {"blue", l.Blue}, {"amber", l.Amber}, {"white", l.White}} {
		if e.name != "" {
			has = append(has, e)
		}
	}
	return has
}

// lightKeys are the keys of the lights and the button.
func lightKeys() map[string]setter {
	all := map[string]setter{
		"lights.reader.beep": truth(func(c *Config) *bool { return &c.Lights.Reader.Beep }),
		"button.line":        text(func(c *Config) *string { return &c.Button.Line }),
		"button.active_low":  truth(func(c *Config) *bool { return &c.Button.ActiveLow }),
		"button.debounce":    duration(func(c *Config) *time.Duration { return &c.Button.Debounce }),
	}
	for name, at := range map[string]func(*Config) *Light{
		"tower":  func(c *Config) *Light { return &c.Lights.Tower },
		"reader": func(c *Config) *Light { return &c.Lights.Reader.Light },
		"mouth":  func(c *Config) *Light { return &c.Lights.Mouth },
	} {
		for key, set := range map[string]setter{
			"driver":     text(func(c *Config) *string { return &at(c).Driver }),
			"red":        text(func(c *Config) *string { return &at(c).Red }),
			"green":      text(func(c *Config) *string { return &at(c).Green }),
			"blue":       text(func(c *Config) *string { return &at(c).Blue }),
			"amber":      text(func(c *Config) *string { return &at(c).Amber }),
			"white":      text(func(c *Config) *string { return &at(c).White }),
			"active_low": truth(func(c *Config) *bool { return &at(c).ActiveLow }),
		} {
			all["lights."+name+"."+key] = set
		}
	}
	return all
}
