package config

import (
	"errors"
	"fmt"
	"slices"
)

// Problem is one mistake in a configuration.
type Problem struct {
	File string // "" when the configuration did not come from a file
	Line int    // 0 when it is not known, or when it is a default
	Key  string // "idle.warn"; "" when the file as a whole is meant
	Text string // what is wrong
	Hint string // what to do
}

// Error is one line: "kiosk.toml:12: idle.warn: TEXT (HINT)".
func (p *Problem) Error() string {
	s := p.Text
	if p.Key != "" {
		s = p.Key + ": " + s
	}
	switch {
	case p.File != "" && p.Line > 0:
		s = fmt.Sprintf("%s:%d: %s", p.File, p.Line, s)
	case p.File != "":
		s = p.File + ": " + s
	}
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// Problems takes an error of this package apart, in the order of the lines. It
// is nil for every other error.
func Problems(err error) []*Problem {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		var all []*Problem
		for _, e := range many.Unwrap() {
			all = append(all, Problems(e)...)
		}
		return all
	}
	if one, ok := errors.AsType[*Problem](err); ok {
		return []*Problem{one}
	}
	return nil
}

func join(problems []*Problem) error {
	slices.SortStableFunc(problems, func(a, b *Problem) int { return a.Line - b.Line })
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// Check is what `kioskd check-config` prints: one line a mistake, or one that
// says that all is well.
func Check(path string) (lines []string, ok bool) {
	_, err := Load(path)
	if err == nil {
		return []string{path + ": no mistakes"}, true
	}
	for _, p := range Problems(err) {
		lines = append(lines, p.Error())
	}
	if lines == nil {
		lines = []string{err.Error()}
	}
	return lines, false
}
