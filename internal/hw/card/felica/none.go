package felica

import (
	"context"

	"kioskd/internal/hw/card"
)

// None is for readers that tell nothing but the identifier, and for kiosks where
// the number shall be typed. RC-S380 under Linux is one: it has no PC/SC driver.
type None struct{}

// Name implements Strategy.
func (None) Name() string { return "none" }

// Open implements Strategy: no reader knows this way.
func (None) Open(context.Context, card.Conn) (Session, error) { return nil, ErrUnsupported }
