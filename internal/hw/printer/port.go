package printer

import (
	"context"
	"io"
	"time"
)

// Port is the line to a printer: USB, TCP or serial. Deadlines must also end
// calls that are already waiting, as those of net.Conn do.
type Port interface {
	io.ReadWriteCloser
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// Dial opens the line. An error means that no printer is there now.
type Dial func(ctx context.Context) (Port, error)

// Profile is what a model of printer can do.
type Profile struct {
	Name string
	Dots int // dots across the paper
	// Status: it answers DLE EOT. Without it nothing is known but the line.
	Status bool
	// Paced: it answers GS r, so no more than two bands are ever on their way and
	// a real-time command always gets through.
	Paced bool
	// Completion: it answers GS ( H when a job has been printed.
	Completion bool
	// Clear: it drops its buffer on DLE DC4 8 and says so.
	Clear bool
}

// The profiles.
//
//nolint:gochecknoglobals // a table that never changes
var (
	// Full is what current 80 mm printers with Epson's command set can do.
	Full = Profile{Name: "full", Dots: 576, Status: true, Paced: true, Completion: true, Clear: true}
	// Plain is a clone: status, but no confirmation.
	Plain = Profile{Name: "plain", Dots: 576, Status: true, Paced: true}
	// Blind is a printer behind a line without a way back.
	Blind = Profile{Name: "blind", Dots: 576}
)

// Limits bounds every wait of the driver.
type Limits struct {
	Dial   time.Duration // opening the line
	Redial time.Duration // pause before the next try
	Answer time.Duration // a real-time answer
	Poll   time.Duration // between two looks at the status
	Accept time.Duration // a job waits that long for a printer
	Write  time.Duration // the line takes one command
	Band   time.Duration // the printer works one band off
	Finish time.Duration // the last feed, the cut and the confirmation
	Clear  time.Duration // the buffer is dropped
}

// DefaultLimits are what a waiting shopper and a slow printer both accept.
func DefaultLimits() Limits {
	return Limits{
		Dial: 3 * time.Second, Redial: time.Second, Answer: 500 * time.Millisecond, Poll: 2 * time.Second,
		Accept: 4 * time.Second, Write: 5 * time.Second, Band: 8 * time.Second, Finish: 15 * time.Second,
		Clear: time.Second,
	}
}
