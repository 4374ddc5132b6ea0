package config

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"kioskd/internal/colour"
)

const (
	maxName = 40
	maxLogo = 256 << 10
)

// Validate lists every mistake, as [Load] does.
func (c Config) Validate() error { return join(c.problems()) }

func (c Config) problems() []*Problem {
	v := &validator{}
	v.path("data", c.Data)
	v.path("enrolment", c.Enrolment)
	v.languages(c.Languages)
	v.kiosk(c.Kiosk)
	v.listen(c.Screen)
	v.screen(c)
	v.place("layout.reader", c.Layout.Reader)
	if c.Layout.WAON != "" {
		v.place("layout.waon", c.Layout.WAON)
	}
	v.place("layout.printer", c.Layout.Printer)
	v.brand(c.Brand)
	v.between("idle.warn", c.Idle.Warn.Seconds(), MinWarn.Seconds(), MaxWarn.Seconds())
	v.between("idle.countdown", c.Idle.Countdown.Seconds(), MinCountdown.Seconds(), MaxCountdown.Seconds())
	v.reader(c)
	v.waon(c.WAON)
	v.printer(c)
	v.lights(c)
	return v.problems
}

type validator struct{ problems []*Problem }

func (v *validator) add(key, hint, format string, args ...any) {
	v.problems = append(v.problems, &Problem{Key: key, Text: fmt.Sprintf(format, args...), Hint: hint})
}

func (v *validator) path(key, path string) {
	if path == "" {
		v.add(key, "write a path", "is empty")
	}
}

func (v *validator) languages(langs []string) {
	const hint = `choose from "ja" and "en"; the first one is shown first`
	if len(langs) == 0 {
		v.add("languages", hint, "there is none")
	}
	for i, lang := range langs {
		switch {
		case lang != "ja" && lang != "en":
			v.add("languages", hint, "there are no texts in %q", lang)
		case slices.Contains(langs[:i], lang):
			v.add("languages", hint, "%q is there twice", lang)
		}
	}
}

func (v *validator) kiosk(k Kiosk) {
	if n := utf8.RuneCountInString(k.Name); strings.TrimSpace(k.Name) == "" || n > maxName {
		v.add("kiosk.name", fmt.Sprintf("1 to %d characters, as shoppers know the store", maxName), "cannot have %d characters", n)
	}
	if strings.ContainsFunc(k.Name, unicode.IsControl) {
		v.add("kiosk.name", "one line, no control characters", "cannot be %q", k.Name)
	}
	if k.Phone != "" && !regexp.MustCompile(`^[0-9][0-9-]{4,14}[0-9]$`).MatchString(k.Phone) {
		v.add("kiosk.phone", "digits and dashes, such as 0120-000-000, or empty", "cannot be %q", k.Phone)
	}
}

func (v *validator) listen(s Screen) {
	const key = "screen.listen"
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		v.add(key, "write it as 127.0.0.1:8080", "cannot be %q", s.Listen)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		v.add(key, "0 to 65535; 0 takes any free one", "cannot have port %q", port)
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case host == "localhost" || err == nil && addr.IsLoopback():
	case err != nil && host != "":
		v.add(key, "write an IP address, such as 127.0.0.1", "cannot have host %q", host)
	case !s.AllowRemote:
		v.add(key, "use 127.0.0.1; only if the browser runs on another machine, set screen.allow_remote = true",
			"%q can be reached from other machines", s.Listen)
	}
}

// screen refuses what would show a visit, or the dock, to whoever asks.
func (v *validator) screen(c Config) {
	if !slices.Contains([]string{"", TokenRequired, TokenOff}, c.Screen.Token) {
		v.add("screen.token", `write "required", or "off" with simulate = true`, "cannot be %q", c.Screen.Token)
	}
	if c.Screen.Token == TokenOff && !c.Simulate {
		v.add("screen.token", "leave it out", "cannot be %q on a kiosk for real shoppers", TokenOff)
	}
	if c.Simulate && c.Screen.AllowRemote {
		v.add("screen.allow_remote", "leave it out, or set simulate = false", "would let other machines play the simulated hardware")
	}
}

func (v *validator) place(key, place string) {
	if !slices.Contains([]string{"left", "right", "above", "below"}, place) {
		v.add(key, "write left, right, above or below", "cannot be %q", place)
	}
}

func (v *validator) brand(b Brand) {
	if b.Colour != "" {
		rgb, err := colour.Parse(b.Colour)
		if err != nil {
			v.add("brand.colour", "write it as #rrggbb", "cannot be %q", b.Colour)
		} else if ratio := colour.Contrast(rgb, colour.White()); ratio < colour.MinContrast {
			v.add("brand.colour", "choose a darker one", "%s cannot be read on white: contrast %.1f, at least %.1f is needed",
				b.Colour, ratio, colour.MinContrast)
		}
	}
	if b.Logo == "" {
		return
	}
	const key, hint = "brand.logo", "an SVG or PNG file of at most 256 KiB"
	if ext := strings.ToLower(filepath.Ext(b.Logo)); ext != ".svg" && ext != ".png" {
		v.add(key, hint, "cannot be %q", b.Logo)
	}
	info, err := os.Stat(b.Logo)
	switch {
	case err != nil:
		v.add(key, hint, "cannot be read: %v", err)
	case !info.Mode().IsRegular() || info.Size() > maxLogo:
		v.add(key, hint, "%q is no file or too large", b.Logo)
	}
}

func (v *validator) between(key string, is, least, most float64) {
	if is < least || is > most {
		v.add(key, fmt.Sprintf("%g to %g seconds", least, most), "cannot be %g seconds", is)
	}
}
