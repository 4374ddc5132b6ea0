package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// setter puts a value of a file into the configuration. It returns what kind of
// value is wanted instead, or "".
type setter func(c *Config, v any) string

// keys is every key of the file.
func keys() map[string]setter {
	all := map[string]setter{
		"data":                text(func(c *Config) *string { return &c.Data }),
		"enrolment":           text(func(c *Config) *string { return &c.Enrolment }),
		"identity_key":        text(func(c *Config) *string { return &c.IdentityKey }),
		"simulate":            truth(func(c *Config) *bool { return &c.Simulate }),
		"languages":           texts(func(c *Config) *[]string { return &c.Languages }),
		"kiosk.name":          text(func(c *Config) *string { return &c.Kiosk.Name }),
		"kiosk.phone":         text(func(c *Config) *string { return &c.Kiosk.Phone }),
		"screen.listen":       text(func(c *Config) *string { return &c.Screen.Listen }),
		"screen.allow_remote": truth(func(c *Config) *bool { return &c.Screen.AllowRemote }),
		"screen.token":        text(func(c *Config) *string { return &c.Screen.Token }),
		"layout.reader":       text(func(c *Config) *string { return &c.Layout.Reader }),
		"layout.waon":         text(func(c *Config) *string { return &c.Layout.WAON }),
		"layout.printer":      text(func(c *Config) *string { return &c.Layout.Printer }),
		"brand.colour":        text(func(c *Config) *string { return &c.Brand.Colour }),
		"brand.logo":          text(func(c *Config) *string { return &c.Brand.Logo }),
		"idle.warn":           duration(func(c *Config) *time.Duration { return &c.Idle.Warn }),
		"idle.countdown":      duration(func(c *Config) *time.Duration { return &c.Idle.Countdown }),
		"reader.driver":       text(func(c *Config) *string { return &c.Reader.Driver }),
		"reader.my_number":    texts(func(c *Config) *[]string { return &c.Reader.MyNumber }),
		"reader.waon":         texts(func(c *Config) *[]string { return &c.Reader.WAON }),
		"reader.debounce":     duration(func(c *Config) *time.Duration { return &c.Reader.Debounce }),
		"reader.patience":     duration(func(c *Config) *time.Duration { return &c.Reader.Patience }),
		"reader.roots":        text(func(c *Config) *string { return &c.Reader.Roots }),
		"reader.vpcd":         text(func(c *Config) *string { return &c.Reader.VPCD }),
		"waon.services":       texts(func(c *Config) *[]string { return &c.WAON.Services }),
		"waon.strategies":     texts(func(c *Config) *[]string { return &c.WAON.Strategies }),
	}
	maps.Copy(all, printerKeys())
	maps.Copy(all, lightKeys())
	return all
}

func text(at func(*Config) *string) setter {
	return func(c *Config, v any) string {
		s, ok := v.(string)
		if !ok {
			return `write a text in double quotes`
		}
		*at(c) = s
		return ""
	}
}

func truth(at func(*Config) *bool) setter {
	return func(c *Config, v any) string {
		b, ok := v.(bool)
		if !ok {
			return "write true or false, without quotes"
		}
		*at(c) = b
		return ""
	}
}

func number(at func(*Config) *int) setter {
	return func(c *Config, v any) string {
		n, ok := v.(int64)
		if !ok {
			return "write a whole number, without quotes"
		}
		*at(c) = int(n)
		return ""
	}
}

func duration(at func(*Config) *time.Duration) setter {
	return func(c *Config, v any) string {
		const hint = `write a time with its unit in double quotes, such as "90s" or "2m"`
		s, ok := v.(string)
		if !ok {
			return hint
		}
		d, err := time.ParseDuration(s)
		if err != nil {
			return hint
		}
		*at(c) = d
		return ""
	}
}

func texts(at func(*Config) *[]string) setter {
	return func(c *Config, v any) string {
		const hint = `write a list of texts, such as ["one", "two"]`
		list, ok := v.([]any)
		if !ok {
			return hint
		}
		var out []string
		for _, one := range list {
			s, ok := one.(string)
			if !ok {
				return hint
			}
			out = append(out, s)
		}
		*at(c) = out
		return ""
	}
}

// suggest names the key that was probably meant.
func suggest(key string, known map[string]setter) string {
	best, least := "", 3 // more than two slips of the finger are another word
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if d := distance(key, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		// The right name in the wrong section.
		name := key[strings.LastIndex(key, ".")+1:]
		for _, k := range slices.Sorted(maps.Keys(known)) {
			if k == name || strings.HasSuffix(k, "."+name) {
				best = k
				break
			}
		}
	}
	if best == "" {
		return "remove it; docs/config.example.toml shows every key"
	}
	return fmt.Sprintf("do you mean %s?", best)
}

// distance counts the characters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
