package apdu

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"kioskd/internal/fault"
)

// script is a card that answers by a list and remembers what it was sent.
type script struct {
	t     *testing.T
	steps []step
	sent  []string
	last  []byte // the buffer of the last command, as it is after Transmit
}

type step struct {
	answer string
	err    error
}

func (s *script) Transmit(_ context.Context, b []byte) ([]byte, error) {
	s.sent = append(s.sent, hex.EncodeToString(b))
	s.last = b
	if len(s.steps) == 0 {
		s.t.Fatalf("unexpected command %x", b)
	}
	next := s.steps[0]
	s.steps = s.steps[1:]
	raw, err := hex.DecodeString(strings.ReplaceAll(next.answer, " ", ""))
	if err != nil {
		s.t.Fatal(err)
	}
	return raw, next.err
}
func (*script) ATR() []byte    { return []byte{0x3B, 0x00} }
func (*script) Reader() string { return "script" }
func (*script) Close() error   { return nil }

func answers(t *testing.T, list ...string) *script {
	s := &script{t: t}
	for _, a := range list {
		s.steps = append(s.steps, step{answer: a})
	}
	return s
}

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		cmd  Command
		want string
	}{
		{Command{INS: 0x20, P2: 0x80}, "00200080"},
		{Command{INS: 0xB0, P1: 1, P2: 2, Le: 256}, "00b0010200"},
		{Command{INS: 0xB0, Le: 0x2F}, "00b000002f"},
		{Command{INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0, 0x18}}, "00a4020c020018"},
		{Command{CLA: 0x80, INS: 0x2A, P2: 0x80, Data: []byte{1, 2, 3}, Le: 256}, "802a00800301020300"},
	} {
		b, err := c.cmd.Encode()
		if err != nil || hex.EncodeToString(b) != c.want {
			t.Errorf("%v: got %x, %v; want %s", c.cmd, b, err, c.want)
		}
		if cap(b) != len(b) {
			t.Errorf("%v: buffer has spare room", c.cmd)
		}
	}
	for _, c := range []Command{{Le: 257}, {Le: -1}, {Data: make([]byte, 256)}} {
		if _, err := c.Encode(); !errors.Is(err, ErrCommand) {
			t.Errorf("%v: got %v", c, err)
		}
	}
}

func TestChaining(t *testing.T) {
	onCert := func() *Channel { return &Channel{guard: guard{jpki: true, file: FileCert}} }
	for _, c := range []struct {
		about   string
		answers []string
		data    string
		sw      SW
		sent    []string
	}{
		{"plain", []string{"0102 9000"}, "0102", OK, []string{"00b0000000"}},
		{"right length", []string{"6C02", "0102 9000"}, "0102", OK, []string{"00b0000000", "00b0000002"}},
		{"right length is asked for once only", []string{"6C02", "6C03"}, "", 0x6C03, []string{"00b0000000", "00b0000002"}},
		{"more data", []string{"01 6102", "0203 9000"}, "010203", OK, []string{"00b0000000", "00c0000002"}},
		{"more data in three pieces", []string{"6100", "0102 6101", "03 6282"}, "010203", EndOfFile, []string{"00b0000000", "00c0000000", "00c0000001"}},
		{"right length, then more data", []string{"6C05", "6102", "0102 9000"}, "0102", OK, []string{"00b0000000", "00b0000005", "00c0000002"}},
	} {
		t.Run(c.about, func(t *testing.T) {
			s, ch := answers(t, c.answers...), onCert()
			ch.conn = s
			a, err := ch.ReadBinary(t.Context(), 0, 256)
			if err != nil || hex.EncodeToString(a.Data) != c.data || a.SW != c.sw {
				t.Errorf("got %x %v, %v", a.Data, a.SW, err)
			}
			if strings.Join(s.sent, " ") != strings.Join(c.sent, " ") {
				t.Errorf("sent %v, want %v", s.sent, c.sent)
			}
		})
	}
	t.Run("promises without end", func(t *testing.T) {
		ch := onCert()
		ch.conn = answers(t, "6110", "6110")
		if _, err := ch.ReadBinary(t.Context(), 0, 256); !errors.Is(err, ErrAnswer) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("too short", func(t *testing.T) {
		ch := onCert()
		ch.conn = answers(t, "90")
		if _, err := ch.ReadBinary(t.Context(), 0, 256); !errors.Is(err, ErrAnswer) {
			t.Errorf("got %v", err)
		}
	})
}

// A VERIFY is never sent again, whatever the card says, and needs a fresh look
// at the counter each time.
func TestVerifyOnce(t *testing.T) {
	for _, answer := range []string{"9000", "63C2", "63C0", "6300", "6C04", "6700", "6984", "6F00"} {
		s := answers(t, "63C3", answer)
		ch := &Channel{conn: s, guard: guard{jpki: true, file: FilePIN}}
		if _, err := ch.QueryPIN(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := ch.VerifyPIN(t.Context(), []byte("1234")); err != nil {
			t.Fatal(err)
		}
		if len(s.sent) != 2 || s.sent[1] != "002000800431323334" {
			t.Errorf("%s: sent %v", answer, s.sent)
		}
		if !bytes.Equal(s.last, make([]byte, len(s.last))) {
			t.Errorf("%s: the PIN stays in the buffer", answer)
		}
		if _, err := ch.VerifyPIN(t.Context(), []byte("1234")); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: second VERIFY: got %v", answer, err)
		}
	}
	t.Run("lost answer", func(t *testing.T) {
		s := answers(t, "63C3")
		s.steps = append(s.steps, step{err: &fault.Error{Code: fault.CardLifted}})
		ch := &Channel{conn: s, guard: guard{jpki: true, file: FilePIN}}
		if _, err := ch.QueryPIN(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := ch.VerifyPIN(t.Context(), []byte("1234")); fault.CodeOf(err) != fault.CardLifted {
			t.Errorf("got %v", err)
		}
		if _, err := ch.VerifyPIN(t.Context(), []byte("1234")); !errors.Is(err, ErrForbidden) {
			t.Errorf("second VERIFY: got %v", err)
		}
		if !bytes.Equal(s.last, make([]byte, len(s.last))) {
			t.Error("the PIN stays in the buffer")
		}
	})
}

func TestVerifyNeedsCounter(t *testing.T) {
	for _, answer := range []string{"63C0", "6984", "6983", "6300", "9000", "6A88", "6F00"} {
		s := answers(t, answer)
		ch := &Channel{conn: s, guard: guard{jpki: true, file: FilePIN}}
		if _, err := ch.QueryPIN(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := ch.VerifyPIN(t.Context(), []byte("1234")); !errors.Is(err, ErrForbidden) || len(s.sent) != 1 {
			t.Errorf("%s: got %v, sent %v", answer, err, s.sent)
		}
	}
	for _, pin := range []string{"", "1", "123", "12345", "123a", "12 4", "１２３４", "1234567890123456"} {
		s := answers(t, "63C3", "63C3")
		ch := &Channel{conn: s, guard: guard{jpki: true, file: FilePIN}}
		if _, err := ch.QueryPIN(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := ch.VerifyPIN(t.Context(), []byte(pin))
		if pin == "" { // this is a query
			continue
		}
		if !errors.Is(err, ErrForbidden) || len(s.sent) != 1 {
			t.Errorf("%q: got %v, sent %v", pin, err, s.sent)
		}
	}
}

// The guard lets no command pass that could lead to the individual number, to
// another PIN, or to a change on the card, in any state that a dialogue can reach.
func TestGuard(t *testing.T) {
	aid := func(s string) []byte { b, _ := hex.DecodeString(s); return b }
	states := []guard{
		{},
		{jpki: true},
		{jpki: true, file: FileInfo},
		{jpki: true, file: FileCert},
		{jpki: true, file: FileKey},
		{jpki: true, file: FilePIN, armed: true},
	}
	forbidden := map[string]Command{
		"text application":               {INS: 0xA4, P1: 4, P2: 0x0C, Data: aid("D3921000310001010408")},
		"visual application":             {INS: 0xA4, P1: 4, P2: 0x0C, Data: aid("D3921000310001010402")},
		"resident register application":  {INS: 0xA4, P1: 4, P2: 0x0C, Data: aid("D3921000310001010401")},
		"common application":             {INS: 0xA4, P1: 4, P2: 0x0C, Data: aid("D3921000310001010100")},
		"prefix of the text application": {INS: 0xA4, P1: 4, P2: 0x0C, Data: aid("D392100031")},
		"prefix of the JPKI application": {INS: 0xA4, P1: 4, P2: 0x0C, Data: aid("D392F0002601")},
		"next occurrence":                {INS: 0xA4, P1: 4, P2: 0x0E, Data: JPKI()},
		"no name":                        {INS: 0xA4, P1: 4, P2: 0x0C},
		"with file control information":  {INS: 0xA4, P1: 4, P2: 0x00, Data: JPKI(), Le: 256},
		"master file":                    {INS: 0xA4},
		"by path":                        {INS: 0xA4, P1: 9, P2: 0x0C, Data: []byte{0, 1}},
		"EF 0001: number or name":        {INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0, 1}},
		"EF 0002":                        {INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0, 2}},
		"EF 0003: digest of the number":  {INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0, 3}},
		"EF 0005: picture of the number": {INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0, 5}},
		"EF 0013: code A, visual":        {INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0, 0x13}},
		"EF 0014: code A, text":          {INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0, 0x14}},
		"EF 001B: signing password":      {INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0, 0x1B}},
		"EF name too short":              {INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0x0A}},
		"read by short identifier":       {INS: 0xB0, P1: 0x81, Le: 256},
		"read with data":                 {INS: 0xB0, Data: []byte{1}, Le: 4},
		"read record":                    {INS: 0xB2, P1: 1, P2: 4, Le: 256},
		"query by short identifier":      {INS: 0x20, P2: 0x94},
		"twelve digits":                  {INS: 0x20, P2: 0x80, Data: []byte("123456789012")},
		"verify by short identifier":     {INS: 0x20, P2: 0x98, Data: []byte("1234")},
		"verify with Le":                 {INS: 0x20, P2: 0x80, Data: []byte("1234"), Le: 1},
		"change PIN":                     {INS: 0x24, P1: 1, P2: 0x80, Data: []byte("1234")},
		"reset counter":                  {INS: 0x2C, P2: 0x80},
		"sign without PIN":               {CLA: 0x80, INS: 0x2A, Le: 256},
		"sign by short identifier":       {CLA: 0x80, INS: 0x2A, P2: 0x97, Data: []byte{1}, Le: 256},
		"GET RESPONSE by hand":           {INS: 0xC0, Le: 256},
		"GET DATA":                       {INS: 0xCA, P1: 0x5F, P2: 0x51, Le: 256},
		"another channel":                {CLA: 0x01, INS: 0xA4, P1: 4, P2: 0x0C, Data: JPKI()},
		"secure messaging":               {CLA: 0x0C, INS: 0xA4, P1: 4, P2: 0x0C, Data: JPKI()},
		"chained command":                {CLA: 0x10, INS: 0x20, P2: 0x80, Data: []byte("1234")},
		"proprietary change":             {CLA: 0x80, INS: 0x32, P2: 0x80, Data: []byte("1234")},
		"write":                          {INS: 0xD6, Data: []byte{1}},
		"through the reader":             {CLA: 0xFF, INS: 0xCA, Le: 256},
	}
	for about, c := range forbidden {
		for i, g := range states {
			before := g
			s := answers(t)
			ch := &Channel{conn: s, guard: g}
			if _, err := ch.Do(t.Context(), c); !errors.Is(err, ErrForbidden) {
				t.Errorf("%s in state %d: got %v", about, i, err)
			}
			if ch.guard != before {
				t.Errorf("%s in state %d: a refused command changed the guard", about, i)
			}
		}
	}
	// Outside the application, or without the right file, even the dialogue's own commands are refused.
	for about, c := range map[string]Command{
		"read":  {INS: 0xB0, Le: 256},
		"query": {INS: 0x20, P2: 0x80},
		"sign":  {CLA: 0x80, INS: 0x2A, P2: 0x80, Data: []byte{1}, Le: 256},
	} {
		for _, g := range []guard{{}, {jpki: true}} {
			if _, err := (&Channel{conn: answers(t), guard: g}).Do(t.Context(), c); !errors.Is(err, ErrForbidden) {
				t.Errorf("%s without a file: got %v", about, err)
			}
		}
	}
	if _, err := (&Channel{conn: answers(t)}).SelectFile(t.Context(), FileCert); !errors.Is(err, ErrForbidden) {
		t.Errorf("file without the application: got %v", err)
	}
	if _, err := Pseudo(t.Context(), answers(t), Command{INS: InsSelect, P1: 4, P2: 0x0C, Data: JPKI()}); !errors.Is(err, ErrForbidden) {
		t.Errorf("ISO command past the guard: got %v", err)
	}
}

// A SELECT whose outcome is not known leaves nothing selected in the guard's eyes.
func TestGuardForgets(t *testing.T) {
	s := answers(t, "9000", "9000", "63C3", "6A82")
	ch := NewChannel(s)
	_, _ = ch.SelectApplication(t.Context(), JPKI())
	_, _ = ch.SelectFile(t.Context(), FilePIN)
	_, _ = ch.QueryPIN(t.Context())
	if !ch.guard.armed || ch.File() != FilePIN {
		t.Fatalf("guard %+v", ch.guard)
	}
	if _, err := ch.SelectFile(t.Context(), FileCert); err != nil {
		t.Fatal(err)
	}
	if ch.File() != NoFile || ch.guard.armed || !ch.Selected() {
		t.Errorf("after a refused SELECT: %+v", ch.guard)
	}
	s.steps = append(s.steps, step{err: errors.New("torn")})
	if _, err := ch.SelectApplication(t.Context(), ISD()); err == nil || ch.Selected() {
		t.Errorf("after a lost SELECT: %+v, %v", ch.guard, err)
	}
}

func TestNothingPrintsData(t *testing.T) {
	var log bytes.Buffer
	pin := Command{INS: InsVerify, P2: 0x80, Data: []byte("8642")}
	change := Command{INS: InsChange, P1: 1, P2: 0x80, Data: []byte("8642")}
	answer := Answer{Data: []byte("8642"), SW: OK}
	for _, v := range []any{pin, &pin, change, answer, []Command{pin}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
	}
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	logger.Info("x", "command", pin, "answer", answer)
	conn := Trace(answers(t, "63C2", "38363432 9000", "90"), logger)
	for _, c := range []Command{pin, {INS: InsReadBinary, Le: 4}, change} {
		b, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Transmit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	failing := &script{t: t, steps: []step{{err: errors.New("no")}}}
	b, _ := pin.Encode()
	if _, err := Trace(failing, logger).Transmit(t.Context(), b); err == nil {
		t.Error("error lost")
	}
	out := strings.ToLower(log.String())
	for _, trace := range []string{"8642", "38363432", "38 36 34 32", "[56 54 52 50]", "0x38"} {
		if strings.Contains(out, trace) {
			t.Errorf("%q stands in the output:\n%s", trace, out)
		}
	}
	if !strings.Contains(out, "00 20 00 80 (4 bytes)") || !strings.Contains(out, "63c2") {
		t.Errorf("header or status word is missing:\n%s", out)
	}
}

func TestTries(t *testing.T) {
	for sw, want := range map[SW]int{0x63C0: 0, 0x63C3: 3, 0x63CF: 15, 0x6300: -1, 0x9000: -1, 0x6984: -1} {
		got, ok := sw.Tries()
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%v: %d, want %d", sw, got, want)
		}
		if ok && TriesSW(got) != sw {
			t.Errorf("TriesSW(%d) = %v", got, TriesSW(got))
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x90})
	f.Add([]byte{0x90, 0x00})
	f.Add([]byte{1, 2, 3, 0x63, 0xC2})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAnswer(b)
		if err != nil {
			if len(b) >= 2 {
				t.Fatalf("refused %d bytes: %v", len(b), err)
			}
			return
		}
		if !bytes.Equal(a.Bytes(), b) {
			t.Fatalf("%x became %x", b, a.Bytes())
		}
	})
}

func FuzzParseCommand(f *testing.F) {
	for _, s := range []string{"", "00200080", "00b0000000", "00a4020c020018", "802a00800301020300", "00b00000000100"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCommand(b)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
		_ = c.String()
		// Whatever it is: on a fresh card the guard lets nothing but two SELECTs pass.
		g := guard{}
		if g.allow(c) == nil && (c.INS != InsSelect || !bytes.Equal(c.Data, JPKI()) && !bytes.Equal(c.Data, ISD())) {
			t.Fatalf("%x passes the guard", b)
		}
	})
}
