package hub

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/time/rate"
)

// NewGate is both of an API's limits for a request, without the network around them.
func NewGate(s Store, limit rate.Limit, burst int, now func() time.Time, log *slog.Logger) func(context.Context, string) time.Duration {
	a := &API{Store: s, Rate: limit, Burst: burst, Now: now, Log: log}
	return func(ctx context.Context, kiosk string) time.Duration { return a.mustWait(ctx, kiosk) }
}

// CallsEach is how many interactive calls a kiosk may have running.
const CallsEach = callsEach
