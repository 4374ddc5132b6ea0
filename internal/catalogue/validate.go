package catalogue

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"kioskd/internal/colour"
	"kioskd/internal/secret"
)

// What fits: a page of terms is one screen in the largest type.
const (
	maxPages      = 4
	maxParas      = 5
	maxParaJa     = 90
	maxParaEn     = 180
	maxCodes      = 3
	maxIDLen      = 32
	waonNumberLen = 16
)

// Pictures lists the illustrations that a field may name.
func Pictures() []string {
	return []string{"app-code", "app-id", "card-back-code", "card-number", "slip-code", "slip-id", "waon-code", "waon-number"}
}

// Validate lists every mistake, each with the place where it is.
func (c *Catalogue) Validate() error {
	v := &validator{}
	if c.Version == "" {
		v.add("version", "is missing")
	}
	if len(c.Services) == 0 {
		v.add("services", "there is none")
	}
	seen := map[string]bool{}
	for i := range c.Services {
		s := &c.Services[i]
		at := "service " + s.ID
		if !regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`).MatchString(s.ID) {
			at = fmt.Sprintf("service %d", i+1)
			v.add(at+": id", "must be 2 to 32 of a-z, 0-9 and -, a letter first: %q", s.ID)
		}
		if seen[s.ID] {
			v.add(at, "is there twice")
		}
		seen[s.ID] = true
		v.service(at, s)
	}
	return errors.Join(v.mistakes...)
}

type validator struct{ mistakes []error }

func (v *validator) add(at, format string, args ...any) {
	v.mistakes = append(v.mistakes, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}

func (v *validator) service(at string, s *Service) {
	v.text(at+": name", s.Name)
	v.text(at+": operator", s.Operator)
	v.text(at+": about", s.About)
	v.text(at+": reward", s.Reward)
	v.text(at+": ask", s.Ask)
	v.oneOf(at+": kind", s.Kind, "card", "emoney", "qr")
	v.oneOf(at+": grants", string(s.Grants), string(OnTopUp), string(OnPurchase))
	if !regexp.MustCompile(`^[A-Za-z]{1,3}$`).MatchString(s.Mark) {
		v.add(at+": mark", "must be 1 to 3 letters: %q", s.Mark)
	}
	if rgb, err := colour.Parse(s.Colour); err != nil {
		v.add(at+": colour", "%v", err)
	} else if ratio := colour.Contrast(rgb, colour.White()); ratio < colour.MinContrast {
		v.add(at+": colour", "a white mark on %s cannot be read: contrast %.1f, at least %.1f is needed", s.Colour, ratio, colour.MinContrast)
	}
	for _, word := range s.Search {
		if fold(word) == "" {
			v.add(at+": search", "%q has neither letter nor digit", word)
		}
	}
	if s.Popular < 0 {
		v.add(at+": popular", "must not be negative")
	}

	v.field(at+": id_field", s.IDField, maxIDLen)
	if n := len(s.CodeFields); n < 1 || n > maxCodes {
		v.add(at+": code_fields", "there must be 1 to %d, there are %d", maxCodes, n)
	}
	for i, f := range s.CodeFields {
		code := fmt.Sprintf("%s: code_fields %d", at, i+1)
		v.field(code, f, secret.MaxLen)
		if f.Tap != "" {
			v.add(code+": tap", "a code is never read off a card")
		}
	}
	v.terms(at+": terms", s.Terms)
	if s.Issue != nil {
		v.field(at+": issue: card", s.Issue.Card, maxIDLen)
		v.terms(at+": issue: terms", s.Issue.Terms)
		// What is issued is generated from the format, so that must be exact.
		for _, f := range append([]Field{s.IDField}, s.CodeFields...) {
			if f.Min != f.Max {
				v.add(at+": issue", "%q of an issued service must have one length, not %d to %d", f.Label["ja"], f.Min, f.Max)
			}
		}
	}
}

func (v *validator) field(at string, f Field, longest int) {
	v.text(at+": label", f.Label)
	v.text(at+": hint", f.Hint)
	v.oneOf(at+": charset", string(f.Charset), string(Digits), string(Letters))
	if f.Picture != "" {
		v.oneOf(at+": picture", f.Picture, Pictures()...)
	}
	if f.Min < 1 || f.Max < f.Min || f.Max > longest {
		v.add(at, "min and max must be 1 ≤ min ≤ max ≤ %d, they are %d and %d", longest, f.Min, f.Max)
	}
	if len(f.Groups) > 0 {
		sum := 0
		for _, n := range f.Groups {
			sum += n
			if n < 1 {
				v.add(at+": groups", "each must be at least 1: %v", f.Groups)
			}
		}
		if f.Min != f.Max || sum != f.Max {
			v.add(at+": groups", "%v must add up to the one length of the field, which is %d to %d", f.Groups, f.Min, f.Max)
		}
	}
	switch f.Check {
	case "":
	case "luhn":
		if f.Charset != Digits || f.Min < 2 {
			v.add(at+": check", "luhn needs at least two digits")
		}
	default:
		v.add(at+": check", `must be "" or "luhn": %q`, f.Check)
	}
	switch f.Tap {
	case "":
	case "waon":
		if f.Charset != Digits || f.Min != waonNumberLen || f.Max != waonNumberLen {
			v.add(at+": tap", "a WAON number has %d digits", waonNumberLen)
		}
	default:
		v.add(at+": tap", `must be "" or "waon": %q`, f.Tap)
	}
}

func (v *validator) terms(at string, t Terms) {
	if t.Version == "" {
		v.add(at+": version", "is missing")
	}
	v.text(at+": title", t.Title)
	v.text(at+": tick", t.Tick)
	if n := len(t.Pages); n < 1 || n > maxPages {
		v.add(at+": pages", "there must be 1 to %d, there are %d", maxPages, n)
	}
	for i, p := range t.Pages {
		page := fmt.Sprintf("%s: page %d", at, i+1)
		v.text(page+": heading", p.Heading)
		if n := len(p.Paras); n < 1 || n > maxParas {
			v.add(page+": paras", "there must be 1 to %d, there are %d", maxParas, n)
		}
		for j, para := range p.Paras {
			here := fmt.Sprintf("%s: para %d", page, j+1)
			v.text(here, para)
			for lang, most := range map[string]int{"ja": maxParaJa, "en": maxParaEn} {
				if n := utf8.RuneCountInString(para[lang]); n > most {
					v.add(here, "%d characters in %s do not fit a screen, at most %d do", n, lang, most)
				}
			}
		}
	}
}

// text wants both languages.
func (v *validator) text(at string, t Text) {
	for _, lang := range []string{"ja", "en"} {
		if strings.TrimSpace(t[lang]) == "" {
			v.add(at, "has no text in %q", lang)
		} else if t[lang] != strings.TrimSpace(t[lang]) {
			v.add(at, "the text in %q begins or ends with a space", lang)
		}
	}
}

func (v *validator) oneOf(at, is string, choices ...string) {
	if !slices.Contains(choices, is) {
		v.add(at, "must be one of %s: %q", strings.Join(choices, ", "), is)
	}
}
