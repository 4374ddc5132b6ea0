package pcsc

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"kioskd/internal/hw/card"
)

// roles says which readers are served and for what.
type roles struct {
	myNumber, waon []*regexp.Regexp
}

// sam is a slot for a security module inside the reader, as ACR1252 has one.
// It shows up as a reader on which no shopper can lay a card.
var sam = regexp.MustCompile(`(?i)\bSAM\b`)

// contactless is how most makers tell the slot on top from the one in front.
var contactless = regexp.MustCompile(`(?i)\bPICC\b|\bCL\b|contactless|\bNFC\b|FeliCa|PaSoRi`)

// newRoles compiles the patterns. Without any every reader serves.
func newRoles(myNumber, waon []string) (roles, error) {
	var r roles
	var err error
	if r.myNumber, err = compile(myNumber); err != nil {
		return roles{}, err
	}
	if r.waon, err = compile(waon); err != nil {
		return roles{}, err
	}
	return r, nil
}

func compile(patterns []string) ([]*regexp.Regexp, error) {
	var list []*regexp.Regexp
	for _, p := range patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, fmt.Errorf("cannot use %q as a pattern of reader names: %w", p, err)
		}
		list = append(list, re)
	}
	return list, nil
}

// of says what the reader with this name is for, and how much it is preferred:
// less is more. A reader that is for nothing is not served.
func (r roles) of(name string) (card.Reader, int) {
	reader := card.Reader{Name: name}
	place, ok := rank(r.myNumber, name)
	reader.MyNumber = ok
	if len(r.waon) == 0 {
		reader.WAON = ok
		return reader, place
	}
	other, ok := rank(r.waon, name)
	reader.WAON = ok
	if !reader.MyNumber {
		place = other
	}
	return reader, place
}

func rank(patterns []*regexp.Regexp, name string) (int, bool) {
	if len(patterns) == 0 {
		switch {
		case sam.MatchString(name):
			return 0, false
		case contactless.MatchString(name):
			return 0, true
		default:
			return 1, true
		}
	}
	i := slices.IndexFunc(patterns, func(re *regexp.Regexp) bool { return re.MatchString(name) })
	return i, i >= 0
}

// served sorts out the readers, the preferred ones first: those for My Number
// cards, then by pattern, then by name.
func (r roles) served(names []string) []card.Reader {
	type placed struct {
		card.Reader
		place int
	}
	var list []placed
	for _, name := range names {
		if reader, place := r.of(name); reader.MyNumber || reader.WAON {
			list = append(list, placed{reader, place})
		}
	}
	slices.SortFunc(list, func(a, b placed) int {
		if a.MyNumber != b.MyNumber {
			if a.MyNumber {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.Name, b.Name))
	})
	readers := make([]card.Reader, len(list))
	for i, p := range list {
		readers[i] = p.Reader
	}
	return readers
}
