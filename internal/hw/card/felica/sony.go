package felica

import (
	"context"
	"fmt"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

// Sony is the way of Sony RC-S300 (and, it is hoped, RC-S660): the session of
// PC/SC part 3, but by FF 50, with a timer, and with the field switched on and
// off (felica-rs, src/driver/port400, and several programs for WebUSB, which send
// it past PC/SC). They send it as escape commands with an extended length, so
// that is tried first. Many drivers let no escape commands through: libccid does
// so only with bit 01 of ifdDriverOptions. Then it is sent as a plain command with
// a short length, which by ISO 7816-4 says the same.
type Sony struct{}

// Name implements Strategy.
func (Sony) Name() string { return "sony" }

const insSony byte = 0x50

// wakeTime is what a card needs in the field before it answers.
const wakeTime = 21 * time.Millisecond

// Open implements Strategy.
func (Sony) Open(ctx context.Context, conn card.Conn) (Session, error) {
	if e, ok := conn.(card.Escaper); ok {
		f, err := escaping(e).open(ctx)
		if err == nil || gone(ctx, err) {
			return opened(f, err)
		}
	}
	return opened(plain(conn).open(ctx))
}

// gone tells a card or reader that has left from a driver that only refuses the
// escape command, which may look like a mute card.
func gone(ctx context.Context, err error) bool {
	code := fault.CodeOf(err)
	return ctx.Err() != nil || transport(err) && (code == fault.CardLifted || code == fault.ReaderGone)
}

func sony() *transparent {
	return &transparent{begin: []byte{tagFieldOn}, last: []byte{tagFieldOff, tagEnd}}
}

func plain(conn card.Conn) *transparent {
	t := sony()
	t.control = func(ctx context.Context, p2 byte, object []byte) (apdu.Answer, error) {
		return send(ctx, conn, command(p2, object))
	}
	t.forms = []func(context.Context, []byte) (apdu.Answer, error){
		func(ctx context.Context, frame []byte) (apdu.Answer, error) {
			return t.control(ctx, p2Exchange, append(timer(), framed95(frame)...))
		},
	}
	return t
}

func escaping(e card.Escaper) *transparent {
	t := sony()
	t.control = func(ctx context.Context, p2 byte, object []byte) (apdu.Answer, error) {
		b, err := command(p2, object).Encode()
		if err != nil {
			return apdu.Answer{}, fmt.Errorf("cannot put a command together: %w", err)
		}
		return escape(ctx, e, b)
	}
	t.forms = []func(context.Context, []byte) (apdu.Answer, error){
		func(ctx context.Context, frame []byte) (apdu.Answer, error) { // to the byte as the programs do
			data := append(timer(), tagFrame, 0x82, byte(len(frame)>>8), byte(len(frame)))
			return escape(ctx, e, append(extended(append(data, frame...)), 0, 0, 0))
		},
		func(ctx context.Context, frame []byte) (apdu.Answer, error) { // by the book
			return escape(ctx, e, append(extended(append(timer(), framed95(frame)...)), 0, 0))
		},
		func(ctx context.Context, frame []byte) (apdu.Answer, error) { // short
			return t.control(ctx, p2Exchange, append(timer(), framed95(frame)...))
		},
	}
	return t
}

func command(p2 byte, data []byte) apdu.Command {
	return apdu.Command{CLA: class, INS: insSony, P2: p2, Data: data, Le: apdu.MaxShort}
}

// extended is an exchange with a length of two bytes, still without Le. Package
// apdu knows no such commands, and an escape command reaches no card.
func extended(data []byte) []byte {
	return append([]byte{class, insSony, 0x00, p2Exchange, 0x00, byte(len(data) >> 8), byte(len(data))}, data...)
}

func escape(ctx context.Context, e card.Escaper, command []byte) (apdu.Answer, error) {
	raw, err := e.Escape(ctx, command)
	if err != nil {
		return apdu.Answer{}, fmt.Errorf("cannot send an escape command: %w", err)
	}
	a, err := apdu.ParseAnswer(raw)
	if err != nil {
		return apdu.Answer{}, fmt.Errorf("%w: no status word", errAnswer)
	}
	return a, nil
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for the card to wake up: %w", ctx.Err())
	}
}
