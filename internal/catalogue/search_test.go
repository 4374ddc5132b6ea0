package catalogue

import (
	"slices"
	"strings"
	"testing"
)

func ids(services []*Service) []string {
	found := make([]string, len(services))
	for i, s := range services {
		found[i] = s.ID
	}
	return found
}

func TestSearch(t *testing.T) {
	aeon := []string{"aeon-card-waon", "waon", "aeon-cash-debit"}
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"イオン", aeon},
		{"いおん", aeon},
		{"AEON", aeon},
		{"aeon", aeon},
		{"ＡＥＯＮ", aeon},
		{"ｲｵﾝ", aeon},
		{"イオ", aeon},
		{"い", aeon},
		{" イ オ ン ", aeon},
		{"いおんかーど", []string{"aeon-card-waon"}},
		{"イオン-カード", []string{"aeon-card-waon"}},
		{"カード イオン", []string{"aeon-card-waon", "waon"}},
		{"aeon card", []string{"aeon-card-waon", "waon"}},
		{"カード　いおん　一体", []string{"aeon-card-waon"}},
		{"Cash + Debit", []string{"aeon-cash-debit"}},
		{"キヤツシユ", []string{"aeon-cash-debit"}},
		{"わおん", []string{"waon", "aeon-card-waon", "aeon-cash-debit"}},
		{"つばめ", []string{"tsubame-pay"}},
		{"ﾂﾊﾞﾒ", []string{"tsubame-pay"}},
		{"つは゛め", []string{"tsubame-pay"}},
		{"ドングリペー", []string{"donguri-pay"}},
		{"どんぐりぺい", []string{"donguri-pay"}},
		{"かえで通信", []string{"kaede-pay"}},
		{"イオン銀行", []string{"aeon-cash-debit", "aeon-card-waon"}},
		{"存在しない", nil},
		{"!?・", nil},
	} {
		t.Run(tt.query, func(t *testing.T) {
			if got := ids(load(t).Search(tt.query)); !slices.Equal(got, tt.want) {
				t.Errorf("Search(%q) = %v, want %v", tt.query, got, tt.want)
			}
		})
	}
}

func TestSearchWithoutQueryGivesAllPopularFirst(t *testing.T) {
	c := load(t)
	for _, query := range []string{"", " ", "　"} {
		found := c.Search(query)
		if len(found) != len(c.Services) {
			t.Fatalf("Search(%q) gives %d of %d", query, len(found), len(c.Services))
		}
		if !slices.IsSortedFunc(found, func(a, b *Service) int { return b.Popular - a.Popular }) {
			t.Errorf("Search(%q) is not in the order of popularity: %v", query, ids(found))
		}
	}
}

// Every service is found by its own names and words, whichever way it was made.
func TestEveryServiceIsFound(t *testing.T) {
	read := load(t)
	byHand := &Catalogue{Version: read.Version, Services: read.Services}
	for i := range read.Services {
		s := &read.Services[i]
		for _, query := range append([]string{s.Name["ja"], s.Name["en"], s.Operator["ja"], s.Operator["en"]}, s.Search...) {
			for name, c := range map[string]*Catalogue{"read": read, "by hand": byHand} {
				if !slices.Contains(c.Search(query), s) {
					t.Errorf("%s: %q does not find %s", name, query, s.ID)
				}
			}
		}
	}
}

func TestFold(t *testing.T) {
	for _, same := range [][]string{
		{"イオンカード", "いおんかーど", "ｲｵﾝｶｰﾄﾞ", "イオン カド", "いおん・かど", "イオンカ－ド"},
		{"AEON", "aeon", "Ａｅｏｎ", "a e o n", "A.E.O.N."},
		{"キャッシュ", "きゃっしゅ", "キヤツシユ"},
		{"が", "か゛", "か\u3099", "ｶﾞ", "ガ"},
		{"ぱ", "は゜", "ﾊﾟ"},
	} {
		for _, s := range same[1:] {
			if fold(s) != fold(same[0]) {
				t.Errorf("fold(%q) = %q, but fold(%q) = %q", s, fold(s), same[0], fold(same[0]))
			}
		}
	}
}

func FuzzSearch(f *testing.F) {
	for _, s := range []string{"イオン", "ｲｵﾝ", "か゛", "ヴ", "AEON card", "\xff", "İ", "ſ", "㌔", "ﾞ"} {
		f.Add(s)
	}
	c := load(f)
	f.Fuzz(func(t *testing.T, query string) {
		once := fold(query)
		if twice := fold(once); twice != once {
			t.Errorf("fold(%q) = %q, and again %q", query, once, twice)
		}
		found := c.Search(query)
		// Width, case and kana make no difference.
		if folded := c.Search(once); strings.TrimSpace(once) != "" && len(strings.Fields(query)) == 1 && !slices.Equal(found, folded) {
			t.Errorf("Search(%q) = %v, but Search(%q) = %v", query, ids(found), once, ids(folded))
		}
		seen := map[string]bool{}
		for _, s := range found {
			if seen[s.ID] {
				t.Errorf("Search(%q) gives %s twice", query, s.ID)
			}
			seen[s.ID] = true
		}
	})
}
