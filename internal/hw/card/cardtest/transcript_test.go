package cardtest_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kioskd/internal/hw/card/cardtest"
)

const stored = "testdata/transcripts"

func script(t testing.TB, text string) cardtest.Transcript {
	t.Helper()
	got, err := cardtest.ParseTranscript([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Each case of the suite has a transcript, and each transcript is of a case.
func TestTranscriptsAreThere(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(stored, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range cardtest.Cases() {
		want = append(want, filepath.Join(stored, cardtest.CaseFile(name)))
	}
	slices.Sort(want)
	if !slices.Equal(files, want) {
		t.Fatalf("transcripts %q, want %q", files, want)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := script(t, string(text)); cardtest.CaseFile(got.Name) != filepath.Base(file) {
			t.Errorf("%s is of %q", file, got.Name)
		}
		if s := string(text); strings.Contains(s, "1234") || strings.Contains(s, "31323334") {
			t.Errorf("%s holds a PIN", file)
		}
	}
}

// everything has each form of a line.
const everything = `transcript 1 "a \"day\""
state "A \"reader\" 00" my-number waon + "B" waon + "C"
put "taro"
state "A" + card 7 on "A" iso 3B00 + card 8 on "B" felica - + card 9 on "C" unknown 3F
connect 7 -> conn 1 on "A" 3B00 escapes
connect 7 -> fault reader_busy reader ended
connect 8 -> conn 2 on "B" -
send 1 00200080 04 *4 -> 63C2
send 1 - -> -
send 2 00B00000 00 -> *256 9000
send 2 *3 AB *1 -> fault internal -
escape 1 E000 -> fault card_mute card
close 2 -> fault card_mute card
send 2 00200080 -> fault card_mute card
close 1 -> ok
lift
unplug
state none
plug
`

func TestParseTranscript(t *testing.T) {
	if got := script(t, everything).String(); got != everything {
		t.Errorf("%s", got)
	}
	if got := script(t, "transcript 1 \"\"\n"); got.Name != "" || got.String() != "transcript 1 \"\"\n" {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{
		"", "\n", "transcript 1 \"x\"", "transcript 2 \"x\"\n", "transcript 1 x\n", "transcript 1 `x`\n", " transcript 1 \"x\"\n", "transcript 1 \"x\"\r\n",
	} {
		if _, err := cardtest.ParseTranscript([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	const open = "connect 1 -> conn 1 on \"A\" 3B00\n"
	for _, bad := range []string{
		"", "# said", "wave", "lift ", " lift", "lift up", "lift -> ok", "put", "put taro", "put \"taro", "put `taro`", "put \"taro\"x", "put \"taro\" \"taro\"", "put  \"taro\"",
		"state", "state \"A\" +", "state + \"A\"", "state \"A\"  + \"B\"", "state \"A\" waon my-number", "state none none", "state \"A\" visa",
		"state card 0 on \"A\" iso 3B", "state card 01 on \"A\" iso 3B", "state card 1 iso 3B", "state card 1 on \"A\" visa 3B", "state card 1 on \"A\" iso 3b",
		"state card 1 on \"A\" iso *2", "state card 1 on \"A\" iso 3B 00", "state card 1 on \"A\" iso", "state card 1 on \"A\" iso 3B + \"A\"",
		"connect", "connect 1", "connect 0 -> fault card_lifted card", "connect 1 -> ok", "connect 1 -> conn 1", "connect 1 -> conn 0 on \"A\" 3B", "connect 1 -> conn 1 on \"A\" 3B escapes twice",
		"connect 1 -> fault", "connect 1 -> fault card_lifted", "connect 1 -> fault on_fire card", "connect 1 -> fault card_lifted Card", "connect 1 -> fault card_lifted card late",
		"connect 99999999999999999999 -> fault card_lifted card",
		"send 1 00 -> 9000", "escape 1 00 -> 9000", "close 1 -> ok",
		open + "connect 2 -> conn 1 on \"A\" 3B00", open + "close 1 -> ok\nclose 1 -> ok", open + "close 1", open + "close 1 -> 9000", open + "close 1 -> ok ok",
		open + "send 1 -> 9000", open + "send 1 00", open + "send 1 00 ->", open + "send 1 0 -> 9000", open + "send 1 0g -> 9000", open + "send 1 00 -> 9000 -",
		open + "send 1 *0 -> 9000", open + "send 1 *01 -> 9000", open + "send 1 *-1 -> 9000", open + "send 1 *999999999 -> 9000", open + "send 1 ** -> 9000", open + "send 1 00 -> 90 -> 00",
		open + "send 2 00 -> 9000",
	} {
		if _, err := cardtest.ParseTranscript([]byte("transcript 1 \"x\"\n" + bad + "\n")); err == nil {
			t.Errorf("%q was read", bad)
		} else if !strings.HasPrefix(err.Error(), "cannot read line ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestEquivalent(t *testing.T) {
	const want = "transcript 1 \"x\"\nstate \"A\"\nput \"taro\"\nstate \"A\" + card 1 on \"A\" iso 3B\nconnect 1 -> fault card_mute card\n"
	for about, text := range map[string]string{
		"another number":                    strings.NewReplacer("card 1 ", "card 5 ", "connect 1", "connect 5").Replace(want),
		"a state on the way":                strings.Replace(want, "put", "state \"A\" waon\nstate \"A\"\nput", 1),
		"a state again":                     strings.Replace(want, "put \"taro\"", "put \"taro\"\nstate \"A\"", 1),
		"a state that nobody waited for":    want + "state none\nstate \"A\"\n",
		"a state twice, with a step within": strings.Replace(want, "connect", "state \"A\" + card 1 on \"A\" iso 3B\nconnect", 1),
	} {
		if err := cardtest.Equivalent(script(t, want), script(t, text)); err != nil {
			t.Errorf("%s: %v", about, err)
		}
	}
	for about, text := range map[string]string{
		"the number of another": strings.Replace(want, "connect 1", "connect 2", 1),
		"another card":          strings.Replace(want, "taro", "hanako", 1),
		"another fault":         strings.Replace(want, "mute", "lifted", 1),
		"another state":         strings.Replace(want, "state \"A\"\n", "state \"B\"\n", 1),
		"no state":              strings.Replace(want, "state \"A\"\n", "", 1),
		"one step more":         want + "lift\n",
	} {
		if cardtest.Equivalent(script(t, want), script(t, text)) == nil || cardtest.Equivalent(script(t, text), script(t, want)) == nil {
			t.Errorf("%s is taken for the same", about)
		}
	}
}

// Whatever is read is written again byte for byte, and can be played.
func FuzzParseTranscript(f *testing.F) {
	f.Add(everything)
	f.Add("transcript 1 \"\"\n")
	f.Add("transcript 1 \"x\"\nput \"\\u00e9\\n\"\nstate none\n")
	files, err := filepath.Glob(filepath.Join(stored, "*.txt"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := cardtest.ParseTranscript([]byte(text))
		if err != nil {
			return
		}
		if again := got.String(); again != text {
			t.Fatalf("%q was read, %q is written", text, again)
		}
		if err := cardtest.Equivalent(got, got); err != nil {
			t.Fatal(err)
		}
		p := cardtest.Playback(got)
		p.Bench().Lift()
		_ = p.Unused()
	})
}
