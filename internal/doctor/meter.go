package doctor

import (
	"context"
	"errors"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

// meter times the steps of an examination and counts what goes over the
// connections that it has wrapped. It is used by one goroutine.
type meter struct {
	steps []Step
	start time.Time // of the step that runs
	runs  bool
}

// begin ends the step that runs and starts another.
func (m *meter) begin(name string) {
	m.end()
	m.steps = append(m.steps, Step{Name: name, OK: true})
	m.start, m.runs = time.Now(), true
}

func (m *meter) end() {
	if m.runs {
		m.current().Took = MS(time.Since(m.start))
	}
	m.runs = false
}

// current is the step that was begun last.
func (m *meter) current() *Step { return &m.steps[len(m.steps)-1] }

// fail says why a step was not done; without its name, the current one.
func (m *meter) fail(name string, err error) {
	at := m.current()
	for i := range m.steps {
		if m.steps[i].Name == name {
			at = &m.steps[i]
		}
	}
	at.OK, at.Err = false, err
}

// wrap gives the same connection, metered. What else it can do, it still can.
func (m *meter) wrap(conn card.Conn) card.Conn {
	c := metered{conn, m}
	if e, ok := conn.(card.Escaper); ok {
		return meteredEscaper{c, e}
	}
	return c
}

type metered struct {
	card.Conn
	m *meter
}

var errPIN = errors.New("a PIN was to be sent")

// Transmit implements card.Conn. The dialogue reads certificate and counter in
// one go: the counter's step begins where its file is selected.
func (c metered) Transmit(ctx context.Context, b []byte) ([]byte, error) {
	command, err := apdu.ParseCommand(b)
	if err == nil && command.CLA == 0 {
		switch {
		case command.INS == apdu.InsVerify && len(command.Data) > 0: // nothing here does that, and nothing shall
			return nil, &fault.Error{Device: "card", Op: "examine the card", Code: fault.Internal, Cause: errPIN}
		case c.m.current().Name == stepCertificate && selectsPIN(command):
			c.m.begin(stepCounter)
		}
	}
	answer, err := c.Conn.Transmit(ctx, b)
	c.m.count(b, answer)
	return answer, err
}

func selectsPIN(c apdu.Command) bool {
	return c.INS == apdu.InsSelect && c.P1 == 0x02 && len(c.Data) == 2 &&
		apdu.File(c.Data[0])<<8|apdu.File(c.Data[1]) == apdu.FilePIN
}

func (m *meter) count(command, answer []byte) {
	s := m.current()
	s.Exchanges++
	s.Out += len(command)
	s.In += len(answer)
}

type meteredEscaper struct {
	metered
	e card.Escaper
}

// Escape implements card.Escaper.
func (c meteredEscaper) Escape(ctx context.Context, command []byte) ([]byte, error) {
	answer, err := c.e.Escape(ctx, command)
	c.m.count(command, answer)
	return answer, err
}
