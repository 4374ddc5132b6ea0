package cardtest_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/felica"
	"kioskd/internal/hw/card/jpki"
	"kioskd/internal/secret"
)

// recorder is one of a reader in process that runs.
func recorder(t *testing.T, public bool) (*cardtest.Reader, *cardtest.Recorder) {
	t.Helper()
	r := cardtest.NewReader()
	rec := cardtest.Record(r, cardtest.RecordOptions{Name: t.Name(), Public: public})
	run(t, rec)
	return r, rec
}

// run runs a driver until the test ends.
func run(t *testing.T, d card.Driver) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	until(t, d, card.State.Ready)
}

func until(t *testing.T, d card.Driver, want func(card.State) bool) card.State {
	t.Helper()
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	for {
		select {
		case s := <-d.Watch():
			if want(s) {
				return s
			}
		case <-timer.C:
			t.Fatal("the state does not come")
		}
	}
}

// reach connects to the card that comes to lie there.
func reach(t *testing.T, d card.Driver) card.Conn {
	t.Helper()
	s := until(t, d, func(s card.State) bool { return len(s.Cards) == 1 })
	conn, err := d.Connect(t.Context(), s.Cards[0].Number)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func send(t *testing.T, conn card.Conn, line string) {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(line, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Transmit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// PINs have no place in a file, whatever may be written, and however odd the
// command is that carries them.
func TestNoPINIsWritten(t *testing.T) {
	for _, public := range []bool{true, false} {
		t.Run(fmt.Sprintf("public %t", public), func(t *testing.T) {
			r, rec := recorder(t, public)
			if err := r.Put("taro"); err != nil {
				t.Fatal(err)
			}
			conn := reach(t, rec)
			send(t, conn, "00A4040C 0A D392F000260100000001")
			send(t, conn, "00A4020C 02 0018")
			for _, line := range []string{
				"00200080 04 31323334", "00200080 04 31323334 00", "00200080 000004 31323334", "00200080 31323334", "00200080 07 31323334",
				"10200080 04 31323334", "80200080 04 31323334", "00210080 04 31323334", "00240080 08 3132333431323334", "00240080 000008 3132333431323334",
				"002C0080 08 3132333431323334", "FF200080 04 31323334", "FF820000 06 31323334FFFF", "FF2000 80",
			} {
				send(t, conn, line)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			text := rec.Transcript().String()
			if strings.Contains(text, "1234") || strings.Contains(text, "31323334") || strings.Contains(text, "3132") {
				t.Errorf("a PIN was written:\n%s", text)
			}
			for _, want := range []string{"send 1 00200080 04 *4 -> 9000\n", "send 1 00200080 04 *4 00 -> ", "send 1 00240080 08 *8 -> ", "send 1 00200080 *7 -> "} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in\n%s", want, text)
				}
			}
			script(t, text)
		})
	}
}

func sign(t *testing.T, conn card.Conn) (jpki.Result, error) {
	t.Helper()
	return jpki.Sign(t.Context(), conn, jpki.Order{
		PIN: secret.New([]byte("1234")), MinTries: 1, Message: []byte("what is signed"),
		Judge: jpki.Judge{At: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Roots: cardtest.Roots()},
	})
}

func waon(t *testing.T, conn card.Conn) (string, error) {
	t.Helper()
	return felica.ReadWAON(t.Context(), conn, felica.Config{})
}

// A whole dialogue that was recorded in public gives the same when it is played.
func TestDialoguesArePlayed(t *testing.T) {
	r, rec := recorder(t, true)
	var signed [2]jpki.Result
	var numbers [2]string
	visit := func(i int, d card.Driver, bench cardtest.Bench) {
		t.Helper()
		var err error
		bench.Put("taro")
		conn := reach(t, d)
		if signed[i], err = sign(t, conn); err != nil {
			t.Error(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		bench.Put("waon-2")
		s := until(t, d, func(s card.State) bool { return len(s.Cards) == 1 && s.Cards[0].Tech == card.TechFeliCa })
		if conn, err = d.Connect(t.Context(), s.Cards[0].Number); err != nil {
			t.Fatal(err)
		}
		if numbers[i], err = waon(t, conn); err != nil {
			t.Error(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	visit(0, rec, rec.Hand(cardtest.Bench{Put: func(id string) {
		if err := r.Put(id); err != nil {
			t.Fatal(err)
		}
	}}))
	text := rec.Transcript().String()
	if strings.Contains(text, "31323334") {
		t.Error("the PIN was written")
	}
	player := cardtest.Playback(script(t, text))
	defer player.Close(t)
	run(t, player)
	visit(1, player, player.Bench())
	if !bytes.Equal(signed[0].Signature, signed[1].Signature) || !bytes.Equal(signed[0].Certificate, signed[1].Certificate) || len(signed[0].Signature) == 0 {
		t.Error("another signature or certificate was played than recorded")
	}
	if numbers[0] != numbers[1] || numbers[0] != "6900123456789013" {
		t.Errorf("WAON numbers %q", numbers)
	}
}

// Without leave nothing is written that belongs to a person.
func TestPrivateRecording(t *testing.T) {
	r, rec := recorder(t, false)
	if err := r.Put("taro"); err != nil {
		t.Fatal(err)
	}
	conn := reach(t, rec)
	res, err := sign(t, conn)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	idm := [8]byte{0x01, 0x14, 0xC4, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5}
	for _, way := range cardtest.Ways() {
		before := r.State().Cards[0].Number
		r.PutCard(string(way), named{cardtest.NewWAON(idm, 0x684F, "6900123456789013").Behind(way), idm})
		s := until(t, rec, func(s card.State) bool { return len(s.Cards) == 1 && s.Cards[0].Number != before })
		if conn, err = rec.Connect(t.Context(), s.Cards[0].Number); err != nil {
			t.Fatal(err)
		}
		_, _ = waon(t, conn) // not every way leads to the number
		if e, ok := conn.(card.Escaper); ok {
			_, _ = e.Escape(t.Context(), append([]byte{0xE0}, idm[:]...))
		}
		_ = conn.Close()
	}
	text := rec.Transcript().String()
	flat := strings.ReplaceAll(text, " ", "")
	secrets := map[string][]byte{"the IDm": idm[1:], "the WAON number": {0x69, 0x00, 0x12, 0x34, 0x56, 0x78, 0x90, 0x13}, "the PIN": []byte("1234"), "the number in letters": []byte("6900123456789013")}
	for i := 0; i+8 <= len(res.Certificate); i += 8 {
		secrets[fmt.Sprintf("byte %d of the certificate", i)] = res.Certificate[i : i+8]
	}
	for i := 0; i+8 <= len(res.Signature); i += 8 {
		secrets[fmt.Sprintf("byte %d of the signature", i)] = res.Signature[i : i+8]
	}
	for about, b := range secrets {
		if strings.Contains(flat, strings.ToUpper(hex.EncodeToString(b))) || strings.Contains(flat, string(b)) {
			t.Errorf("%s was written", about)
		}
	}
	for _, want := range []string{"send 1 00B00000 ", "escape ", "card 1 on \"Virtual Reader\" iso 3B", "felica 3B8C80010443FD000000"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	script(t, text)
}

// named is a card whose reader puts its IDm into the answer to reset.
type named struct {
	*cardtest.FeliCa
	idm [8]byte
}

func (n named) ATR() []byte {
	return append(append([]byte{0x3B, 0x8C, 0x80, 0x01, 0x04, 0x43, 0xFD}, n.idm[:]...), 0x00)
}

// mutter is a driver whose connections take no escape commands, and whose errors
// are no faults.
type mutter struct{ card.Driver }

func (m mutter) Connect(ctx context.Context, number uint64) (card.Conn, error) {
	conn, err := m.Driver.Connect(ctx, number)
	return plainConn{conn}, err
}

type plainConn struct{ card.Conn }

func (plainConn) Transmit(context.Context, []byte) ([]byte, error) { return nil, context.Canceled }

func TestRecorderAddsNothing(t *testing.T) {
	r := cardtest.NewReader()
	rec := cardtest.Record(mutter{r}, cardtest.RecordOptions{})
	run(t, rec)
	if err := r.Put("unknown"); err != nil {
		t.Fatal(err)
	}
	conn := reach(t, rec)
	if _, ok := conn.(card.Escaper); ok {
		t.Error("a connection that takes no escape commands does now")
	}
	if _, err := conn.Transmit(t.Context(), nil); err != context.Canceled { //nolint:errorlint // the very error
		t.Errorf("%v", err)
	}
	for range 2 {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	if text := rec.Transcript().String(); !strings.HasSuffix(text, "\nsend 1 - -> fault internal -\nclose 1 -> ok\n") || strings.Contains(text, "escapes") {
		t.Error(text)
	}
	if b := rec.Hand(cardtest.Bench{Put: func(string) {}}); b.Unplug != nil || b.Plug != nil || b.Lift != nil {
		t.Error("the hand can do more than before")
	}
}

// A call that is still under way is no part of a transcript.
func TestTranscriptWhileUnderWay(t *testing.T) {
	r, rec := recorder(t, true)
	if err := r.Put("taro"); err != nil {
		t.Fatal(err)
	}
	conn := reach(t, rec)
	before := rec.Transcript().String()
	r.Slow(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = conn.Transmit(ctx, []byte{0x00, 0x20, 0x00, 0x80})
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(r.Log()) == 0 {
		<-tick.C
	}
	if got := rec.Transcript().String(); got != before {
		t.Errorf("%s", got)
	}
	cancel()
	<-ended
	if got := rec.Transcript().String(); got != before+"send 1 00200080 -> fault card_mute card ended\n" {
		t.Errorf("%s", got)
	}
	_ = conn.Close()
}
