package apdu

import (
	"context"
	"log/slog"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
)

// Trace wraps conn so that each exchange is logged at debug level: the command's
// header and lengths, the name that a SELECT carries, the length and status word
// of the answer. Data is never logged: not a PIN, not a certificate, not a number.
//
// What it returns is a card.Escaper where conn is one.
func Trace(conn card.Conn, log *slog.Logger) card.Conn {
	t := traced{conn, log}
	if e, ok := conn.(card.Escaper); ok {
		return tracedEscaper{t, e}
	}
	return t
}

type tracedEscaper struct {
	traced
	card.Escaper
}

// Escape implements card.Escaper. Its commands are the reader's own: only lengths
// are logged.
func (t tracedEscaper) Escape(ctx context.Context, b []byte) ([]byte, error) {
	raw, err := t.Escaper.Escape(ctx, b)
	t.log.DebugContext(ctx, "Reader exchange", "bytes", len(b), "answer", len(raw), "fault", fault.CodeOf(err))
	return raw, err
}

type traced struct {
	card.Conn
	log *slog.Logger
}

// Transmit implements card.Conn.
func (t traced) Transmit(ctx context.Context, b []byte) ([]byte, error) {
	raw, err := t.Conn.Transmit(ctx, b)
	if !t.log.Enabled(ctx, slog.LevelDebug) {
		return raw, err
	}
	text := "not a short command"
	if c, perr := ParseCommand(b); perr == nil {
		text = c.String()
	}
	if err != nil {
		t.log.DebugContext(ctx, "Card exchange failed", "command", text, "fault", fault.CodeOf(err))
		return raw, err
	}
	if a, perr := ParseAnswer(raw); perr == nil {
		t.log.DebugContext(ctx, "Card exchange", "command", text, "answer", a.String())
	} else {
		t.log.DebugContext(ctx, "Card answer too short", "command", text)
	}
	return raw, nil
}
