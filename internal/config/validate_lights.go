package config

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Names are bounded by the kernel: 31 characters for a line, behind those of its
// chip where that is named too.
const (
	maxLine = 31 + len("gpiochip00-")
	maxLED  = 63
)

// lights checks each light, and that nothing is wired twice.
func (v *validator) lights(c Config) {
	lines, leds := map[string]string{}, map[string]string{} // name → key that has it
	for _, s := range c.Lights.sections() {
		v.driver(s)
		for _, e := range s.elements() {
			key := s.name + "." + e.key
			switch s.Driver {
			case LightGPIO:
				v.line(key, e.name, lines)
			case LightLED:
				v.led(key, e.name, leds)
			}
		}
	}
	if c.Button.Line != "" {
		v.line("button.line", c.Button.Line, lines)
	}
	v.between("button.debounce", c.Button.Debounce.Seconds(), MinPress.Seconds(), MaxPress.Seconds())
}

// driver checks what drives a light, and that it has what its driver needs.
func (v *validator) driver(s section) {
	key, hint := s.name+".driver", `write "gpio" or "led"; leave it out if there is no such light`
	if s.name == "lights.reader" {
		hint = `write "gpio", "led" or "card-reader"; leave it out if there is no such light`
	}
	elements := s.elements()
	switch s.Driver {
	case "":
		if len(elements) > 0 {
			v.add(key, hint, "is missing, but %s.%s names %q", s.name, elements[0].key, elements[0].name)
		}
		return
	case LightGPIO, LightLED:
		if len(elements) == 0 {
			v.add(key, "name at least one of red, green, blue, amber and white", "%q has nothing to light up", s.Driver)
		}
	case LightCardReader:
		if s.name != "lights.reader" {
			v.add(key, hint, "cannot be %q: only lights.reader can", s.Driver)
			return
		}
		if len(elements) > 0 {
			v.add(s.name+"."+elements[0].key, "leave it out: the reader has its own LEDs", "is of no use with the driver %q", s.Driver)
		}
	default:
		v.add(key, hint, "cannot be %q", s.Driver)
		return
	}
	if s.ActiveLow && s.Driver != LightGPIO {
		v.add(s.name+".active_low", `leave it out: it is for the driver "gpio"`, "is of no use with the driver %q", s.Driver)
	}
}

// onChip finds the name of a line behind that of its chip.
var onChip = regexp.MustCompile(`^gpiochip[0-9]+-(.+)$`)

// line also finds a line that is named once with its chip and once without: which
// chip's the bare name means, is known on the machine only.
func (v *validator) line(key, name string, taken map[string]string) {
	const (
		hint   = "write the name as gpioinfo shows it, such as LED_R"
		behind = "/" // of names that are taken with a chip; none begins so
	)
	same, bare := behind+name, ""
	if found := onChip.FindStringSubmatch(name); found != nil {
		same, bare = found[1], found[1]
	}
	if other, twice := taken[same]; twice {
		v.add(key, "give each its own; if they are on two chips, name the chip of both", "%q may be the line at %s", name, other)
	}
	v.wire(key, hint, name, maxLine, taken)
	if bare != "" {
		taken[behind+bare] = key
	}
}

func (v *validator) led(key, name string, taken map[string]string) {
	const hint = "write the name as ls /sys/class/leds shows it, such as red:status"
	v.wire(key, hint, name, maxLED, taken)
}

// wire checks a name, and that it is not connected to something else already.
func (v *validator) wire(key, hint, name string, longest int, taken map[string]string) {
	odd := func(r rune) bool { return r == '/' || unicode.IsControl(r) }
	other, twice := taken[name]
	switch {
	case strings.ContainsFunc(name, odd), strings.TrimSpace(name) != name, slices.Contains([]string{".", ".."}, name):
		v.add(key, hint, "cannot be %q", name)
	case len(name) > longest:
		v.add(key, hint, "cannot be longer than %d characters", longest)
	case twice:
		v.add(key, "give each its own", "%q is at %s already", name, other)
	default:
		taken[name] = key
	}
}
