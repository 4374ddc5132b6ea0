package felica_test

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/felica"
)

// bench is a connection straight to a virtual card, on a reader of any name. It
// tears the card away at an exchange, plain or escape.
type bench struct {
	card cardtest.Card
	name string
	at   int // exchange at which the card is torn away; -1 = never
	late bool
	// escapes says what becomes of escape commands: nil lets them through.
	escapes error
	lost    fault.Code // of the tearing; "" = CardLifted
	hook    func(command []byte) []byte

	sent    []string
	answers [][]byte
	torn    bool
}

func (b *bench) ATR() []byte    { return b.card.ATR() }
func (b *bench) Reader() string { return b.name }
func (*bench) Close() error     { return nil }

func (b *bench) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	return b.exchange(ctx, "", command, b.card.Answer)
}

func (b *bench) exchange(ctx context.Context, prefix string, command []byte, answer func([]byte) []byte) ([]byte, error) {
	code := b.lost
	if code == "" {
		code = fault.CardLifted
	}
	left := &fault.Error{Device: "card", Op: "transmit", Code: code}
	now := len(b.sent) == b.at
	b.sent = append(b.sent, prefix+hex.EncodeToString(command))
	switch {
	case ctx.Err() != nil:
		return nil, &fault.Error{Device: "card", Op: "transmit", Code: fault.CardMute, Cause: ctx.Err()}
	case b.torn:
		return nil, left
	case now && !b.late:
		b.torn = true
		return nil, left
	}
	if b.hook != nil {
		if a := b.hook(command); a != nil {
			b.answers = append(b.answers, a)
			return a, nil
		}
	}
	a := answer(command)
	if now {
		b.torn = true
		return nil, left
	}
	b.answers = append(b.answers, a)
	return slices.Clip(a), nil
}

// conn gives a bench that takes escape commands.
func (b *bench) conn() card.Conn { return escapeBench{b} }

type escapeBench struct{ *bench }

func (b escapeBench) Escape(ctx context.Context, command []byte) ([]byte, error) {
	if b.escapes != nil {
		b.sent = append(b.sent, "escape "+hex.EncodeToString(command))
		return nil, b.escapes
	}
	return b.exchange(ctx, "escape ", command, b.card.(cardtest.Escapee).Escape)
}

// blocked is what a driver makes of an escape command that is switched off.
var blocked = &fault.Error{Device: "card", Op: "escape", Code: fault.CardMute, Cause: errors.New("not transacted")}

var idm = [8]byte{0x01, 0x14, 0xC4, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5}

const number = "6900123456789013"

// on is a WAON card behind a reader of the given way.
func on(way cardtest.Way) *bench {
	return &bench{card: cardtest.NewWAON(idm, felica.Service684F, number).Behind(way), at: -1}
}

// read runs the dialogue in a bubble, where waiting for the card takes no time.
func read(t *testing.T, conn card.Conn, cfg felica.Config) (got string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { got, err = felica.ReadWAON(t.Context(), conn, cfg) })
	checkSilence(t, err)
	return got, err
}

// checkSilence makes sure that an error is a fault and tells neither number nor IDm.
func checkSilence(t interface {
	Helper()
	Errorf(string, ...any)
}, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if _, ok := errors.AsType[*fault.Error](err); !ok || !strings.HasPrefix(err.Error(), "cannot ") {
		t.Errorf("not a fault: %v", err)
	}
	plain := strings.ToLower(strings.NewReplacer(" ", "", ":", "", "-", "", ",", "").Replace(err.Error()))
	// Two bytes may look like a status word, three may not.
	for _, secret := range []string{"690012", "123456", "345678", "567890", "789013", "0114c4", "1114c4", "14c4a1", "a1b2c3", "c3d4e5"} {
		if strings.Contains(plain, secret) {
			t.Errorf("error tells too much: %v", err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error of several lines: %v", err)
	}
}

// fits tells which strategies reach a card behind a reader of a way.
func fits(way cardtest.Way, strategy string) bool {
	if way == cardtest.WaySonyEscape {
		return strategy == "sony"
	}
	return string(way) == strategy
}

// sessionEnded makes sure that no session is left behind.
func sessionEnded(t *testing.T, b *bench) {
	t.Helper()
	if b.card.(cardtest.Sessions).InSession() {
		t.Errorf("the reader is left in a session after %v", b.sent)
	}
}
