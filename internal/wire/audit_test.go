package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// someLog makes a log of n entries.
func someLog(n int) []AuditEntry {
	prev := AuditStart()
	list := make([]AuditEntry, n)
	for i := range list {
		e := AuditEntry{N: int64(i + 1), At: 1790000000 + int64(i), Event: "committed", Subject: NewSubmissionID(), Detail: "accepted"}
		e.Hash = e.Sum(prev)
		list[i], prev = e, e.Hash
	}
	return list
}

func clone(list []AuditEntry) []AuditEntry {
	list = slices.Clone(list)
	for i := range list {
		list[i].Hash = bytes.Clone(list[i].Hash)
	}
	return list
}

// The hash of an entry never changes: logs of years ago must still verify.
func TestAuditSumIsFixed(t *testing.T) {
	e := AuditEntry{N: 1, At: 1790000001, Event: "started", Subject: "1DJGDFW40KP2K980J87D2YMM2Z"}
	const want = "5112eb5f82e242d8edee7ec1e3aa66e395ab70c1c0d493261f1d0a803165b548"
	if got := hexOf(e.Sum(AuditStart())); got != want {
		t.Errorf("the hash is %s", got)
	}
}

func hexOf(b []byte) string {
	var out strings.Builder
	for _, x := range b {
		out.WriteString(string(hexes[x>>4]) + string(hexes[x&15]))
	}
	return out.String()
}

// Whatever is done to a log is found, and what is cut off its end by its length and
// last hash.
func TestAnyChangeOfALogIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		was := someLog(rapid.IntRange(1, 12).Draw(t, "entries"))
		list := clone(was)
		i := rapid.IntRange(0, len(list)-1).Draw(t, "at")
		j := rapid.IntRange(0, len(list)-1).Draw(t, "and")
		how := rapid.SampledFrom([]string{"n", "at", "event", "subject", "detail", "hash", "rehash", "shift", "out", "cut", "swap", "twice", "extra"}).Draw(t, "how")
		switch e := &list[i]; how {
		case "n":
			e.N += rapid.Int64Range(1, 9).Draw(t, "by")
		case "at":
			e.At -= rapid.Int64Range(1, 1e9).Draw(t, "by")
		case "event":
			e.Event = "acknowledged"
		case "subject":
			e.Subject = NewSubmissionID()
		case "detail":
			e.Detail = rapid.StringMatching("[a-z]{0,7}").Draw(t, "detail")
		case "hash":
			e.Hash[rapid.IntRange(0, 31).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		case "rehash": // with a hash that fits, as one who can write would do
			prev := AuditStart()
			if i > 0 {
				prev = list[i-1].Hash
			}
			e.Detail = "x"
			e.Hash = e.Sum(prev)
		case "shift": // a letter goes over from one text to the next
			e.Event, e.Subject = e.Event+e.Subject[:1], e.Subject[1:]
		case "out":
			list = slices.Delete(list, i, i+1)
		case "cut":
			list = list[:i]
		case "swap":
			list[i], list[j] = list[j], list[i]
		case "twice":
			list = slices.Insert(list, i, list[i])
		case "extra":
			next := AuditEntry{N: int64(len(list) + 1), Event: "x"}
			next.Hash = next.Sum(list[len(list)-1].Hash)
			list = append(list, next)
		}
		same := slices.EqualFunc(was, list, func(a, b AuditEntry) bool { return sameTexts(a, b) && bytes.Equal(a.Hash, b.Hash) })
		err := CheckAudit(0, AuditStart(), list)
		head := len(list) == len(was) && bytes.Equal(list[len(list)-1].Hash, was[len(was)-1].Hash)
		if found := err != nil || !head; found == same {
			t.Fatalf("%s at %d: changed %v, found %v (%v)", how, i, !same, found, err)
		}
		if err != nil && !errors.Is(err, ErrAudit) {
			t.Fatal(err)
		}
	})
}

func sameTexts(a, b AuditEntry) bool {
	return a.N == b.N && a.At == b.At && a.Event == b.Event && a.Subject == b.Subject && a.Detail == b.Detail
}

func TestAuditEntriesHoldNothingPersonal(t *testing.T) {
	good := someLog(1)[0]
	for _, s := range []string{"", NewSubmissionID(), NewSubmissionID() + "/0-12"} {
		e := good
		e.Subject = s
		if err := e.Validate(); err != nil {
			t.Errorf("subject %q: %v", s, err)
		}
	}
	for _, s := range []string{"", "accepted", "hub_refused", "v1.2.3-4-gabcdef", "3", "999999", strings.Repeat("0f", 32), NewSubmissionID(), "k-abcdefghijklmnopqrstuvwxyz"} {
		e := good
		e.Detail = s
		if err := e.Validate(); err != nil {
			t.Errorf("detail %q: %v", s, err)
		}
	}
	personal := []string{
		"09012345678", "090-1234-5678", "6900123456789012", "6900 1234 5678 9012", "ヤマダ タロウ", "山田太郎", "Taro Yamada", "taro yamada",
		"1950-04-01", "taro@example.jp", "{\"pin\":1}", "123456789012", "Pass1234", "a b", "\x00", "\xff", "x\n", strings.Repeat("a", 65),
	}
	for _, s := range personal {
		for _, where := range []string{"event", "subject", "detail"} {
			e := good
			switch where {
			case "event":
				e.Event = s
			case "subject":
				e.Subject = s
			default:
				e.Detail = s
			}
			if err := e.Validate(); err == nil {
				t.Errorf("%q passes as %s", s, where)
			} else if strings.Contains(err.Error(), s) {
				t.Errorf("the error repeats %q", s)
			}
		}
	}
}

func TestAuditBatchLimits(t *testing.T) {
	good := func() AuditBatch {
		list := someLog(3)
		return AuditBatch{Log: NewSubmissionID(), Prev: AuditStart(), Head: 3, Entries: list}
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*AuditBatch){
		"no log":         func(b *AuditBatch) { b.Log = "" },
		"a name as log":  func(b *AuditBatch) { b.Log = "hub" },
		"prior":          func(b *AuditBatch) { b.Prior = "x" },
		"prior itself":   func(b *AuditBatch) { b.Prior = b.Log },
		"short prev":     func(b *AuditBatch) { b.Prev = b.Prev[1:] },
		"no entries":     func(b *AuditBatch) { b.Entries = nil },
		"too many":       func(b *AuditBatch) { b.Entries, b.Head = someLog(MaxAudit+1), MaxAudit+1 },
		"head behind":    func(b *AuditBatch) { b.Head = 2 },
		"one left out":   func(b *AuditBatch) { b.Entries = slices.Delete(b.Entries, 1, 2) },
		"from 0":         func(b *AuditBatch) { b.Entries[0].N = 0 },
		"hash left out":  func(b *AuditBatch) { b.Entries[2].Hash = nil },
		"number too big": func(b *AuditBatch) { b.Entries[2].N = 1 << 62 },
	} {
		b := good()
		spoil(&b)
		if err := b.Validate(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The longest batch is one that both sides read.
func TestTheLongestAuditBatchFits(t *testing.T) {
	b := AuditBatch{Log: NewSubmissionID(), Prior: NewSubmissionID(), Prev: AuditStart(), Head: 1<<63 - 1}
	for i := range MaxAudit {
		b.Entries = append(b.Entries, AuditEntry{
			N: 1<<63 - MaxAudit + int64(i), At: -1 << 63, Event: strings.Repeat("e", maxAuditEvent),
			Subject: NewSubmissionID() + "/ABCDEF-123456", Detail: strings.Repeat("d", maxAuditDetail), Hash: AuditStart(),
		})
	}
	if err := b.Validate(); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(b)
	if err != nil || len(text) > MaxBody {
		t.Errorf("%d bytes of %d (%v)", len(text), MaxBody, err)
	}
	if _, err := DecodeAuditBatch(text); err != nil {
		t.Error(err)
	}
}

func FuzzDecodeAuditBatch(f *testing.F) {
	b := AuditBatch{Log: "1DJGDFW40KP2K980J87D2YMM2Z", Prior: "5Q8F5Y3ERGE0SMB1MMEX5DE53D", Prev: AuditStart(), Head: 9, Entries: someLog(2)}
	text, err := json.Marshal(b)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(bytes.Replace(text, []byte(`"n":2`), []byte(`"n":3`), 1))
	f.Add(bytes.Replace(text, []byte("accepted"), []byte("09012345678"), 1))
	f.Add([]byte(`{"log":"","entries":[{}]}`))
	f.Add([]byte(`{"LOG":"","log":""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := DecodeAuditBatch(text)
		if err != nil {
			return
		}
		if len(b.Entries) > MaxAudit || b.Head < b.Entries[0].N {
			t.Fatalf("accepted %q", text)
		}
		for _, e := range b.Entries {
			for _, s := range []string{e.Event, e.Subject, e.Detail} {
				if len(s) > maxAuditDetail || strings.ContainsAny(s, " \n\"<>@") || strings.Trim(s, digits) == "" && len(s) > 6 {
					t.Fatalf("accepted %q", s)
				}
			}
		}
		again, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeAuditBatch(again); err != nil {
			t.Fatalf("%s was accepted, and is not any more: %v", again, err)
		}
	})
}
