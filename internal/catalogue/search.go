package catalogue

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// word is one text, folded, that finds a service.
type word struct {
	text  string
	minor bool // the operator's name: found, but after the services called so
}

// rank tells how well a service fits; smaller is better.
type rank int

const (
	rankExact rank = iota
	rankPrefix
	rankInside
	rankMinor
	rankNone
)

// Search gives the services that fit what a person typed so far, best first,
// the more popular first among equals. Width, case, hiragana and katakana, long
// vowels, spaces and punctuation make no difference. Several words must all
// fit. An empty query gives every service.
func (c *Catalogue) Search(query string) []*Service {
	words := c.index
	if words == nil { // made by hand, not by Read
		words = index(c.Services)
	}
	type hit struct {
		service *Service
		rank    rank
	}
	whole, parts := fold(query), foldParts(query)
	if whole == "" && strings.TrimSpace(query) != "" {
		return nil // nothing but punctuation
	}
	hits := make([]hit, 0, len(c.Services))
	for i := range c.Services {
		// "AEON Card" is one name, but also two words: the better one counts.
		best := rankOf(words[i], whole)
		worst := rankExact
		for _, part := range parts {
			worst = max(worst, rankOf(words[i], part))
		}
		if r := min(best, worst); r != rankNone {
			hits = append(hits, hit{&c.Services[i], r})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.service.Popular, a.service.Popular))
	})
	found := make([]*Service, len(hits))
	for i, h := range hits {
		found[i] = h.service
	}
	return found
}

func index(services []Service) [][]word {
	all := make([][]word, len(services))
	for i, s := range services {
		for _, name := range s.Name {
			all[i] = append(all[i], word{text: fold(name)})
		}
		for _, search := range s.Search {
			all[i] = append(all[i], word{text: fold(search)})
		}
		for _, operator := range s.Operator {
			all[i] = append(all[i], word{text: fold(operator), minor: true})
		}
	}
	return all
}

// rankOf holds one folded query against the words of a service. A single
// character only finds beginnings: inside a word it would find nearly anything.
func rankOf(words []word, query string) rank {
	if query == "" {
		return rankExact
	}
	best := rankNone
	for _, w := range words {
		r := rankNone
		switch {
		case w.text == query:
			r = rankExact
		case strings.HasPrefix(w.text, query):
			r = rankPrefix
		case utf8.RuneCountInString(query) > 1 && strings.Contains(w.text, query):
			r = rankInside
		}
		if w.minor && r != rankNone {
			r = rankMinor
		}
		best = min(best, r)
	}
	return best
}

// foldParts folds each word of a query.
func foldParts(query string) []string {
	var parts []string
	for part := range strings.FieldsSeq(query) {
		if f := fold(part); f != "" {
			parts = append(parts, f)
		}
	}
	return parts
}

// fold maps all ways of writing a word to one. Folding twice changes nothing.
func fold(s string) string {
	// The spacing sound marks belong to the kana before them; NFKC would put a
	// space in between.
	s = strings.NewReplacer("゛", "\u3099", "゜", "\u309a").Replace(strings.ToValidUTF8(s, "\ufffd"))
	s = norm.NFKC.String(s)
	s = norm.NFKC.String(strings.Map(unicode.ToLower, s))
	// What stood apart may compose once that between is gone.
	return norm.NFKC.String(strings.Map(foldRune, s))
}

func foldRune(r rune) rune {
	switch {
	case r == 'ー': // イオンカード is often typed イオンカド, or with a dash
		return -1
	case r >= 'ぁ' && r <= 'ゖ':
		r += 'ァ' - 'ぁ'
	case !unicode.IsLetter(r) && !unicode.IsDigit(r):
		return -1
	}
	return large(r)
}

// large makes small kana large: キヤッシュ, キャツシュ and キャッシュ are typed alike.
func large(r rune) rune {
	switch r {
	case 'ァ', 'ィ', 'ゥ', 'ェ', 'ォ', 'ッ', 'ャ', 'ュ', 'ョ', 'ヮ':
		return r + 1
	case 'ヵ':
		return 'カ'
	case 'ヶ':
		return 'ケ'
	}
	return r
}
