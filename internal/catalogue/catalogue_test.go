package catalogue

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func load(tb testing.TB) *Catalogue {
	tb.Helper()
	c, err := Load()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// The built-in catalogue covers every shape that a service can have, so that
// each screen for them is walked in the tests.
func TestBuiltInCoversEveryShape(t *testing.T) {
	shapes := map[string]bool{}
	for _, s := range load(t).Services {
		shapes["grants "+string(s.Grants)] = true
		shapes["kind "+s.Kind] = true
		shapes["id "+string(s.IDField.Charset)] = true
		shapes["tap "+s.IDField.Tap] = true
		if s.IDField.Min != s.IDField.Max {
			shapes["id of any length"] = true
		}
		shapes["codes "+strings.Repeat("*", len(s.CodeFields))] = true
		for _, f := range s.CodeFields {
			shapes["code "+string(f.Charset)] = true
		}
		if s.PhoneLast4 {
			shapes["phone"] = true
		} else {
			shapes["no phone"] = true
		}
		if s.Issue != nil {
			shapes["issued"] = true
		}
	}
	for _, want := range []string{
		"grants topup", "grants purchase", "kind card", "kind emoney", "kind qr", "id digits", "id letters", "tap ", "tap waon",
		"id of any length", "codes *", "codes **", "codes ***", "code digits", "code letters", "phone", "no phone", "issued",
	} {
		if !shapes[want] {
			t.Errorf("no service has the shape %q", want)
		}
	}
}

// Phone numbers in the catalogue are examples: nobody is rung by accident.
func TestHelpDesksAreExamples(t *testing.T) {
	number := regexp.MustCompile(`0120-000-\d{3}`)
	anyPhone := regexp.MustCompile(`0\d{1,4}-\d{1,4}-\d{3,4}`)
	for _, s := range load(t).Services {
		for lang, text := range s.Ask {
			if !number.MatchString(text) {
				t.Errorf("%s: ask in %s has no example number: %q", s.ID, lang, text)
			}
		}
		all, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range anyPhone.FindAllString(string(all), -1) {
			if !number.MatchString(found) {
				t.Errorf("%s: %s is not an example number", s.ID, found)
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		old, new string
		want     []string
	}{
		"unknown member": {`"version": "2026-04"`, `"version": "2026-04", "vresion": ""`, []string{`unknown field "vresion"`}},
		"not JSON":       {`{`, `[`, []string{"cannot read catalogue"}},
		"same id twice":  {`"id": "aeon-cash-debit"`, `"id": "aeon-card-waon"`, []string{"service aeon-card-waon: is there twice"}},
		"id":             {`"id": "waon"`, `"id": "W"`, []string{`service 3: id: must be 2 to 32`}},
		"kind":           {`"kind": "emoney"`, `"kind": "gold"`, []string{`kind: must be one of card, emoney, qr: "gold"`}},
		"grants":         {`"grants": "topup"`, `"grants": "never"`, []string{`grants: must be one of`}},
		"charset":        {`"charset": "digits"`, `"charset": "emoji"`, []string{`charset: must be one of`}},
		"picture":        {`"picture": "slip-id"`, `"picture": "cat"`, []string{`picture: must be one of`}},
		"check":          {`"check": "luhn"`, `"check": "sum"`, []string{`check: must be "" or "luhn": "sum"`}},
		"luhn letters":   {`"charset": "digits",` + "\n" + `        "min": 16`, `"charset": "letters",` + "\n" + `        "min": 16`, []string{"luhn needs", "a WAON number has 16 digits"}},
		"tap":            {`"tap": "waon"`, `"tap": "suica"`, []string{`tap: must be "" or "waon"`}},
		"length":         {`"min": 12`, `"min": 13`, []string{"1 ≤ min ≤ max", "add up"}},
		"groups":         {`"groups": [4, 4, 4]`, `"groups": [4, 4, 0]`, []string{"each must be at least 1", "add up"}},
		"pale mark":      {`"colour": "#8a1a5b"`, `"colour": "#ffcc00"`, []string{"a white mark on #ffcc00 cannot be read"}},
		"no colour":      {`"colour": "#8a1a5b"`, `"colour": "plum"`, []string{"write it as #rrggbb"}},
		"mark":           {`"mark": "A"`, `"mark": "AEON"`, []string{"mark: must be 1 to 3 letters"}},
		"no English":     {`"en": "AEON Bank"`, `"en": ""`, []string{`operator: has no text in "en"`}},
		"long paragraph": {`READ`, strings.Repeat("あ", 91), []string{"91 characters in ja do not fit"}},
		"several at once": {`"kind": "card",
      "mark": "A"`, `"kind": "gold", "mark": "4"`, []string{"kind: must be", "mark: must be"}},
	} {
		t.Run(name, func(t *testing.T) {
			old := tt.old
			if old == "READ" {
				old = "この端末に、お客さまの情報は残りません。"
			}
			if !strings.Contains(string(services), old) {
				t.Fatalf("the catalogue has no %q any more", old)
			}
			_, err := Read([]byte(strings.ReplaceAll(string(services), old, tt.new)))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error lacks %q:\n%v", want, err)
				}
			}
		})
	}
	if _, err := Read(append(slices.Clone(services), "{}"...)); err == nil || !strings.Contains(err.Error(), "after its end") {
		t.Errorf("a second document: %v", err)
	}
	if _, err := Read([]byte(`{}`)); err == nil || !strings.Contains(err.Error(), "version: is missing\nservices: there is none") {
		t.Errorf("an empty catalogue: %v", err)
	}
}

func TestTextIn(t *testing.T) {
	text := Text{"ja": "はい", "en": "yes"}
	for lang, want := range map[string]string{"ja": "はい", "en": "yes", "ko": "はい"} {
		if got := text.In(lang); got != want {
			t.Errorf("In(%q) = %q, want %q", lang, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	c := load(t)
	if s, ok := c.Find("waon"); !ok || s != &c.Services[2] {
		t.Error("cannot find waon")
	}
	if s, ok := c.Find("none"); ok {
		t.Errorf("found %v", s)
	}
}
