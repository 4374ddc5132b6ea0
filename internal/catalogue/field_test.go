package catalogue

import (
	"testing"
	"unicode/utf8"
)

func TestFieldFold(t *testing.T) {
	for _, tt := range []struct{ typed, want string }{
		{"", ""},
		{"6900123412341234", "6900123412341234"},
		{"６９００ １２３４　1234 1234", "6900123412341234"},
		{"6900-1234－1234ー1234", "6900123412341234"},
		{"ab−CD‐Ef", "abCDEf"},
		{"ａｂＣ１", "abC1"},
		{"１２a＃", "12a#"}, // what does not belong there stays, to be told
		{"日", "日"},
	} {
		if got := (Field{}).Fold(tt.typed); got != tt.want {
			t.Errorf("Fold(%q) = %q, want %q", tt.typed, got, tt.want)
		}
	}
}

func TestFieldProblem(t *testing.T) {
	waon := Field{Charset: Digits, Min: 16, Max: 16, Check: "luhn"}
	letters := Field{Charset: Letters, Min: 6, Max: 8}
	for _, tt := range []struct {
		field Field
		text  string
		want  string
	}{
		{waon, "4111111111111111", ""},
		{waon, "4111111111111112", ProblemCheckDigit},
		{waon, "4111111111111", ProblemTooShort},
		{waon, "", ProblemTooShort},
		{waon, "41111111111111111", ProblemTooLong},
		{waon, "411111111111111a", ProblemCharset},
		{waon, "４111111111111111", ProblemCharset}, // not folded
		{letters, "aB3dE6", ""},
		{letters, "aB3dE", ProblemTooShort},
		{letters, "aB3dE6789", ProblemTooLong},
		{letters, "aB3-E6", ProblemCharset},
		{letters, "aB3dE\x00", ProblemCharset},
	} {
		if got := tt.field.Problem(tt.text); got != tt.want {
			t.Errorf("Problem(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestLuhn(t *testing.T) {
	for digits, want := range map[string]bool{
		"79927398713": true, "79927398710": false, "4111111111111111": true, "378282246310005": true, "00": true,
		"0": false, "": false, "7992739871x": false,
	} {
		if got := Luhn(digits); got != want {
			t.Errorf("Luhn(%q) = %v, want %v", digits, got, want)
		}
	}
	if d := LuhnDigit("12x"); d != 0 {
		t.Errorf("LuhnDigit of letters = %q", d)
	}
}

// One mistyped digit, and two neighbours exchanged (but 09 and 90), are found.
func TestLuhnFindsTypingErrors(t *testing.T) {
	payload := "690012345678901"
	good := payload + string(LuhnDigit(payload))
	if !Luhn(good) {
		t.Fatalf("LuhnDigit gives a wrong digit: %s", good)
	}
	for i := range good {
		for d := byte('0'); d <= '9'; d++ {
			if bad := good[:i] + string(d) + good[i+1:]; bad != good && Luhn(bad) {
				t.Errorf("%s passes for %s", bad, good)
			}
		}
		if i+1 < len(good) {
			a, b := good[i], good[i+1]
			swapped := good[:i] + string(b) + string(a) + good[i+2:]
			zeroNine := min(a, b) == '0' && max(a, b) == '9'
			if a != b && !zeroNine && Luhn(swapped) {
				t.Errorf("%s passes for %s", swapped, good)
			}
		}
	}
}

func FuzzFieldFold(f *testing.F) {
	for _, s := range []string{"６９００-１２３４", "ｱｲｳ", "\xff", "a\u0301", "ー−"} {
		f.Add(s)
	}
	field := Field{Charset: Letters, Min: 1, Max: 64}
	f.Fuzz(func(t *testing.T, typed string) {
		once := field.Fold(typed)
		if twice := field.Fold(once); twice != once {
			t.Errorf("Fold(%q) = %q, and again %q", typed, once, twice)
		}
		if field.Problem(once) == "" {
			for _, c := range []byte(once) {
				if c >= utf8.RuneSelf {
					t.Errorf("%q passes, with byte %#x", once, c)
				}
			}
		}
	})
}
