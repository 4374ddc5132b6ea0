package wire

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func someApplication() Document {
	return Document{
		Schema: Schema, Kind: KindApplication, Kiosk: "kiosk-1",
		Time:  time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC),
		Nonce: "AAECAwQFBgcICQoLDA0ODw",
		Application: &Application{
			Service: "aeon-waon", ServiceID: "6900123456789012", Codes: []Private{"123456"},
			PhoneLast4: "5678", Terms: "2026-04",
		},
	}
}

const someApplicationText = `{"schema":1,"kind":"application","kiosk":"kiosk-1","time":"2026-11-01T09:30:00Z",` +
	`"nonce":"AAECAwQFBgcICQoLDA0ODw","application":{"service":"aeon-waon","service_id":"6900123456789012",` +
	`"codes":["123456"],"phone_last4":"5678","terms":"2026-04","guardian":false}}`

func TestDocumentHasOneEncoding(t *testing.T) {
	b, err := EncodeDocument(someApplication())
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != someApplicationText {
		t.Fatalf("canonical form changed: signatures of the field would break\n%s", b)
	}
	d, err := DecodeDocument(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(someApplication(), d); diff != "" {
		t.Fatal(diff)
	}
}

// Two readers must not see two different messages: names that encoding/json takes
// for the same field count as one, in all of Unicode, also inside.
func TestDecodeRefusesRepeatedMembers(t *testing.T) {
	type message struct {
		Kiosk string            `json:"kiosk"`
		Sub   []map[string]int  `json:"sub"`
		Names map[string]string `json:"names"`
	}
	for text, want := range map[string]bool{
		`{"kiosk":"a","sub":[{"x":1},{"x":2}],"names":{"x":"{\"x\":"}}`: true,
		`{"kiosk":"a","names":{"a\\":"1","b":"\\\""}}  `:                true,
		`{"kiosk":"a","\u006biosk":"b"}`:                                false,
		`{"kiosk":"a","KIOSK":"b"}`:                                     false,
		"{\"kiosk\":\"a\",\"\u212aiosk\":\"b\"}":                        false, // Kelvin's K
		"{\"kiosk\":\"a\",\"kio\u017fk\":\"b\"}":                        false, // long s
		`{"sub":[{"x":1,"x":2}]}`:                                       false,
		`{"names":{"a\"b":"1","a\u0022b":"2"}}`:                         false,
		`{"kiosk":"a"}{}`:                                               false,
		`{"kiosk":"a"}]`:                                                false,
		`{"kiosk":"a`:                                                   false,
		`{"kiosk":"a\`:                                                  false,
	} {
		if _, err := Decode[message]([]byte(text)); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestDecodeDocumentRefuses(t *testing.T) {
	change := func(from, to string) string {
		if !strings.Contains(someApplicationText, from) {
			t.Fatalf("no %q in the sample", from)
		}
		return strings.Replace(someApplicationText, from, to, 1)
	}
	for name, text := range map[string]string{
		"empty":             "",
		"null":              "null",
		"cut short":         someApplicationText[:60],
		"something follows": someApplicationText + " ",
		"second value":      someApplicationText + "{}",
		"space":             change(`{"schema"`, `{ "schema"`),
		"unknown member":    change(`"schema":1`, `"schema":1,"extra":0`),
		"repeated member":   change(`"kiosk":"kiosk-1"`, `"kiosk":"kiosk-2","kiosk":"kiosk-1"`),
		"other case":        change(`"kiosk"`, `"Kiosk"`),
		"order":             change(`"schema":1,"kind":"application"`, `"kind":"application","schema":1`),
		"escape":            change(`kiosk-1`, `\u006biosk-1`),
		"schema":            change(`"schema":1`, `"schema":2`),
		"two contents":      change(`"application":{`, `"inquiry":{},"application":{`),
		"other kind":        change(`"kind":"application"`, `"kind":"reservation"`),
		"unknown kind":      change(`"kind":"application"`, `"kind":"wish"`),
		"fraction":          change(`09:30:00Z`, `09:30:00.5Z`),
		"zone":              change(`09:30:00Z`, `18:30:00+09:00`),
		"short nonce":       change(`AAECAwQFBgcICQoLDA0ODw`, `AAECAwQFBgcICQoLDA0O`),
		"padded nonce":      change(`ODw"`, `ODw=="`),
		"loose nonce":       change(`ODw"`, `ODx"`),
		"no codes":          change(`["123456"]`, `[]`),
		"four codes":        change(`["123456"]`, `["1","2","3","4"]`),
		"phone":             change(`"5678"`, `"567x"`),
		"long service":      change(`aeon-waon`, strings.Repeat("a", 65)),
		"control":           change(`aeon-waon`, `aeon\nwaon`),
		"not UTF-8":         change(`aeon-waon`, "\xff"),
		"too long":          change(`{`, "{"+strings.Repeat(" ", MaxDocument)),
		"deep":              strings.Repeat("[", 100) + strings.Repeat("]", 100),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeDocument([]byte(text))
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("err = %v, want ErrMalformed", err)
			}
			if strings.Contains(err.Error(), "6900123456789012") || strings.Contains(err.Error(), "123456") {
				t.Fatalf("the error repeats personal content: %v", err)
			}
		})
	}
}

// anyText draws what validation lets through, with multi-byte text among it.
func anyText(limit int) *rapid.Generator[string] {
	return rapid.StringMatching(`[ -~あ-んァ-ヶ\x{2028}&<>"\\]{1,30}`).Filter(func(s string) bool { return len(s) <= limit })
}

func anyDocument(t *rapid.T) Document {
	d := Document{
		Schema: Schema, Kiosk: anyText(maxName).Draw(t, "kiosk"), Nonce: NewNonce(),
		Time: time.Unix(rapid.Int64Range(0, 253402300799).Draw(t, "time"), 0).UTC(),
	}
	switch rapid.SampledFrom([]Kind{KindReservation, KindApplication, KindInquiry}).Draw(t, "kind") {
	case KindReservation:
		d.Kind, d.Reservation = KindReservation, &Reservation{Guardian: rapid.Bool().Draw(t, "guardian")}
	case KindInquiry:
		d.Kind, d.Inquiry = KindInquiry, &Inquiry{}
	default:
		d.Kind, d.Application = KindApplication, &Application{
			Service:    anyText(maxName).Draw(t, "service"),
			ServiceID:  anyText(maxName).Draw(t, "id"),
			Codes:      rapid.SliceOfN(rapid.Map(anyText(maxCode), func(s string) Private { return Private(s) }), 1, maxCodes).Draw(t, "codes"),
			PhoneLast4: Private(rapid.StringMatching(`([0-9]{4})?`).Draw(t, "phone")),
			Terms:      anyText(maxName).Draw(t, "terms"),
			Guardian:   rapid.Bool().Draw(t, "guardian"),
		}
	}
	return d
}

func TestDocumentRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDocument(t)
		b, err := EncodeDocument(d)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeDocument(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, back); diff != "" {
			t.Fatal(diff)
		}
	})
}

func mustSealKey(tb testing.TB) SealPrivateKey {
	tb.Helper()
	k, err := NewSealKey()
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func somePayload(tb testing.TB) Payload {
	tb.Helper()
	b, err := EncodeDocument(someApplication())
	if err != nil {
		tb.Fatal(err)
	}
	return Payload{Schema: Schema, Kind: KindApplication, Signed: &Signed{
		Document: b, Signature: bytes.Repeat([]byte{7}, 256), Certificate: bytes.Repeat([]byte{9}, 1900),
	}}
}

func TestSealOpens(t *testing.T) {
	priv := mustSealKey(t)
	pub, err := ParseSealPublicKey(priv.Public().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	stored, err := priv.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseSealPrivateKey(stored)
	if err != nil {
		t.Fatal(err)
	}
	if pub.ID() != priv.ID() || again.ID() != priv.ID() {
		t.Fatal("the key's name changed on the way")
	}
	p := somePayload(t)
	s, err := Seal(pub, "kiosk-1", NewSubmissionID(), p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Open(again, s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Fatal(diff)
	}
	if bytes.Contains(s.Sealed, []byte("6900123456789012")) {
		t.Fatal("content in clear")
	}
	if text := fmt.Sprintf("%v %+v %#v %s %d", priv, priv, priv, priv, priv); strings.Trim(text, "* ") != "" {
		t.Fatalf("the private key prints: %s", text)
	}
}

func TestSealHidesTheKindBySize(t *testing.T) {
	pub := mustSealKey(t).Public()
	small := Payload{Schema: Schema, Kind: KindIssuance, Issuance: &Issuance{
		Kiosk: "k", Time: time.Unix(0, 0).UTC(), IssueRef: "r", Service: "s",
	}}
	a, err := Seal(pub, "k", NewSubmissionID(), small)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Seal(pub, "k", NewSubmissionID(), somePayload(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Sealed) != len(b.Sealed) {
		t.Fatalf("sizes %d and %d tell the kinds apart", len(a.Sealed), len(b.Sealed))
	}
}

func TestOpenRefusesWhatIsNotBound(t *testing.T) {
	priv, other := mustSealKey(t), mustSealKey(t)
	good, err := Seal(priv.Public(), "kiosk-1", NewSubmissionID(), somePayload(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Submission){
		"id":       func(s *Submission) { s.ID = NewSubmissionID() },
		"bad id":   func(s *Submission) { s.ID = "Z" + s.ID[1:] },
		"kiosk":    func(s *Submission) { s.Kiosk = "kiosk-2" },
		"no kiosk": func(s *Submission) { s.Kiosk = "" },
		"schema":   func(s *Submission) { s.Schema = 2 },
		"key":      func(s *Submission) { s.KeyID = other.ID() },
		"bit":      func(s *Submission) { s.Sealed[len(s.Sealed)/2] ^= 1 },
		"cut":      func(s *Submission) { s.Sealed = s.Sealed[:len(s.Sealed)-1] },
		"empty":    func(s *Submission) { s.Sealed = nil },
		"short":    func(s *Submission) { s.Sealed = s.Sealed[:10] },
	} {
		s := good
		s.Sealed = bytes.Clone(good.Sealed)
		change(&s)
		if _, err := Open(priv, s); !errors.Is(err, ErrUnsealable) {
			t.Errorf("%s: err = %v, want ErrUnsealable", name, err)
		}
	}
	if _, err := Open(other, good); !errors.Is(err, ErrUnsealable) {
		t.Errorf("another key: err = %v", err)
	}
}

func TestSealRefuses(t *testing.T) {
	pub := mustSealKey(t).Public()
	inquiry := somePayload(t)
	inquiry.Kind = KindInquiry
	mismatch := somePayload(t)
	mismatch.Kind = KindReservation
	both := somePayload(t)
	both.Issuance = &Issuance{}
	unsigned := somePayload(t)
	unsigned.Signed.Signature = nil
	for name, p := range map[string]Payload{
		"inquiry": inquiry, "mismatch": mismatch, "both": both, "unsigned": unsigned, "zero": {},
	} {
		if _, err := Seal(pub, "k", NewSubmissionID(), p); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
	if _, err := Seal(SealPublicKey{}, "k", NewSubmissionID(), somePayload(t)); err == nil {
		t.Error("sealed with no key")
	}
}

func someAck() AckBody {
	sum := Digest([]byte("sealed"))
	return AckBody{
		Schema: Schema, ID: NewSubmissionID(), Hash: sum[:], Kiosk: "kiosk-1",
		StoredAt: time.Unix(1790000000, 0).UTC(), Verdict: Verdict{Accepted: true, MyKeyID: "M1"},
	}
}

func TestAck(t *testing.T) {
	priv, err := NewAckKey()
	if err != nil {
		t.Fatal(err)
	}
	key := AckKeyOf(priv.Public().(ed25519.PublicKey))
	v, err := NewAckVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	body := someAck()
	s, err := SignAck(priv, key.ID, body)
	if err != nil {
		t.Fatal(err)
	}
	ack, err := v.Verify(s, body.ID, body.Hash, body.Kiosk)
	if err != nil {
		t.Fatal(err)
	}
	if !ack.Proven() || ack.ID() != body.ID || !ack.HashIs(body.Hash) || ack.Verdict() != body.Verdict || !ack.StoredAt().Equal(body.StoredAt) {
		t.Fatalf("ack = %+v", ack)
	}
	if (Ack{}).Proven() || (Ack{}).HashIs(nil) {
		t.Fatal("the zero Ack proves something")
	}

	forger, err := NewAckKey()
	if err != nil {
		t.Fatal(err)
	}
	forged, err := SignAck(forger, key.ID, body)
	if err != nil {
		t.Fatal(err)
	}
	changed := s
	changed.Body = bytes.Replace(s.Body, []byte("M1"), []byte("M2"), 1)
	foreign := s
	foreign.KeyID = "ack-0000000000000000"
	rubbish := SignedAck{KeyID: key.ID, Body: []byte("{}"), Sig: ed25519.Sign(priv, ackMessage([]byte("{}")))}
	bare := SignedAck{KeyID: key.ID, Body: s.Body, Sig: ed25519.Sign(priv, s.Body)} // without the context
	otherHash := Digest([]byte("other"))
	for name, c := range map[string]struct {
		s     SignedAck
		id    string
		hash  []byte
		kiosk string
	}{
		"forged":       {forged, body.ID, body.Hash, body.Kiosk},
		"changed":      {changed, body.ID, body.Hash, body.Kiosk},
		"foreign key":  {foreign, body.ID, body.Hash, body.Kiosk},
		"rubbish":      {rubbish, body.ID, body.Hash, body.Kiosk},
		"no context":   {bare, body.ID, body.Hash, body.Kiosk},
		"empty":        {SignedAck{}, body.ID, body.Hash, body.Kiosk},
		"other id":     {s, NewSubmissionID(), body.Hash, body.Kiosk},
		"other hash":   {s, body.ID, otherHash[:], body.Kiosk},
		"no hash":      {s, body.ID, nil, body.Kiosk},
		"other kiosk":  {s, body.ID, body.Hash, "kiosk-2"},
		"empty wishes": {s, "", nil, ""},
	} {
		if got, err := v.Verify(c.s, c.id, c.hash, c.kiosk); !errors.Is(err, ErrAck) || got.Proven() {
			t.Errorf("%s: err = %v, want ErrAck", name, err)
		}
	}
}

func TestAckKeysAreNamedByTheirHash(t *testing.T) {
	priv, err := NewAckKey()
	if err != nil {
		t.Fatal(err)
	}
	key := AckKeyOf(priv.Public().(ed25519.PublicKey))
	key.ID = "ack-0000000000000000"
	if _, err := NewAckVerifier(key); err == nil {
		t.Fatal("a key under another name was trusted")
	}
	if _, err := NewAckVerifier(); err == nil {
		t.Fatal("a verifier that trusts nobody was made")
	}
}

func TestSignAckRefusesNonsense(t *testing.T) {
	priv, err := NewAckKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*AckBody){
		"no reason":           func(b *AckBody) { b.Verdict = Verdict{} },
		"accepted and reason": func(b *AckBody) { b.Verdict.Code = "x" },
		"hash":                func(b *AckBody) { b.Hash = nil },
		"id":                  func(b *AckBody) { b.ID = "1" },
	} {
		b := someAck()
		change(&b)
		if _, err := SignAck(priv, "k", b); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func TestSubmissionIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewSubmissionID()
		if !ValidID(id) || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
	for _, id := range []string{"", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "0123456789ABCDEFGHJKMNPQR", "0123456789abcdefghjkmnpqrs", "0123456789ABCDEFGHJKMNPQRU"} {
		if ValidID(id) {
			t.Errorf("%q passed", id)
		}
	}
}

func TestNumberFindsMistakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := NumberOf(rapid.StringMatching(`[0-7][0-9A-HJKMNP-TV-Z]{25}`).Draw(t, "id"))
		if back, err := ParseNumber(n); err != nil || back != n {
			t.Fatalf("%q reads as %q: %v", n, back, err)
		}
		plain := []byte(strings.ReplaceAll(n, "-", ""))
		i := rapid.IntRange(0, len(plain)-1).Draw(t, "i")
		j := rapid.IntRange(0, len(plain)-1).Draw(t, "j")
		c := crockford[rapid.IntRange(0, 31).Draw(t, "c")]
		wrong := bytes.Clone(plain)
		wrong[i] = c
		if _, err := ParseNumber(string(wrong)); c != plain[i] && err == nil {
			t.Fatalf("one wrong character passed: %s for %s", wrong, plain)
		}
		swapped := bytes.Clone(plain)
		swapped[i], swapped[j] = swapped[j], swapped[i]
		if _, err := ParseNumber(string(swapped)); plain[i] != plain[j] && err == nil {
			t.Fatalf("two swapped characters passed: %s for %s", swapped, plain)
		}
	})
}

func TestNumberAsTyped(t *testing.T) {
	const id = "0123456789ABCDEFGHJKMNPQRS"
	want := NumberOf(id)
	full := strings.Map(func(r rune) rune { return r - '!' + '！' }, strings.ReplaceAll(want, "-", ""))
	for _, typed := range []string{
		want, strings.ToLower(want), strings.ReplaceAll(want, "-", " "), full,
		strings.NewReplacer("0", "o", "1", "l").Replace(want),
	} {
		if got, err := ParseNumber(typed); err != nil || got != want {
			t.Errorf("%q reads as %q, %v; want %q", typed, got, err, want)
		}
	}
	for _, typed := range []string{"", "-", want[:10], want + "0", "UUUU-UUUU-U", strings.Repeat("0", 1000)} {
		if _, err := ParseNumber(typed); !errors.Is(err, ErrNumber) {
			t.Errorf("%q: err = %v", typed, err)
		}
	}
}

func TestGoldenNumber(t *testing.T) { // slips in people's hands carry these for ever
	if got := NumberOf("0123456789ABCDEFGHJKMNPQRS"); got != "MX24-6Y33-9" {
		t.Fatalf("NumberOf changed: %s", got)
	}
}
