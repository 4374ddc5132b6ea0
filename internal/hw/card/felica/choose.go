package felica

import (
	"fmt"
	"slices"
	"strings"
)

// all lists every strategy. Their order is that of the documentation.
func all() []Strategy {
	return []Strategy{Passthrough{}, PN532{}, Transparent{}, Sony{}, SonyWin{}, SCM{}, None{}}
}

// StrategyNames lists the names that a configuration may give.
func StrategyNames() []string {
	var names []string
	for _, s := range all() {
		names = append(names, s.Name())
	}
	return names
}

// order is which strategies fit readers with one of these words in their names.
type order struct{ words, strategies []string }

// orders is by what readers call themselves under pcsc-lite and Windows. What
// fits best comes first. Readers that refuse a command so that the driver takes
// it for a failure are why not simply everything is tried.
func orders() []order {
	return []order{
		{[]string{"ACR122"}, []string{"pn532"}},
		{[]string{"ACR1251", "ACR1252", "ACM1252", "ACR1255"}, []string{"passthrough", "transparent"}},
		{[]string{"RC-S300", "RC-S660", "FeliCa Port", "PaSoRi"}, []string{"sony", "transparent", "sonywin"}},
		{[]string{"SCL3711", "uTrust", "Identiv"}, []string{"scm"}}, // Identiv was Identive
	}
}

// unknown is for readers of other makes.
func unknown() []string { return []string{"passthrough", "transparent", "pn532"} }

// Choose gives the strategies to try on a reader with this name. An override
// names them instead; it fails on a name that is none of StrategyNames.
func Choose(reader string, override []string) ([]Strategy, error) {
	names := override
	if len(names) == 0 {
		names = unknown()
		for _, o := range orders() {
			if slices.ContainsFunc(o.words, func(w string) bool { return contains(reader, w) }) {
				names = o.strategies
				break
			}
		}
	}
	chosen := make([]Strategy, 0, len(names))
	for _, name := range names {
		i := slices.IndexFunc(all(), func(s Strategy) bool { return s.Name() == name })
		if i < 0 {
			return nil, fmt.Errorf("cannot choose the way to FeliCa cards: %q is not one of %s", name, strings.Join(StrategyNames(), ", "))
		}
		chosen = append(chosen, all()[i])
	}
	return chosen, nil
}

// contains looks for a word without regard to case: drivers spell names as they like.
func contains(s, word string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(word))
}
