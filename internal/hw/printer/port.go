package printer

import (
	"context"
	"io"
	"time"
)

// Port is the line to a printer. One goroutine reads and one writes; Close ends
// both at once. A write that runs past its deadline fails with
// os.ErrDeadlineExceeded; the line is given up then.
type Port interface {
	io.ReadWriteCloser
	SetWriteDeadline(t time.Time) error
}

// Dial opens the line. An error means that no printer is there now.
type Dial func(ctx context.Context) (Port, error)

// maxCommand is the longest command in a job: what may be left open when a line
// breaks, and what two of fit the smallest buffer.
const maxCommand = smallBuffer/2 - 64

// probeTime is how long a printer may think about a question that it may not know.
const probeTime = 400 * time.Millisecond

// surveyTime is the same for one that may have half a slip to work off first.
const surveyTime = 4 * time.Second

// Limits bounds every wait of the driver.
type Limits struct {
	Dial   time.Duration // opening the line
	Redial time.Duration // pause before the next try
	Answer time.Duration // a real-time answer
	Poll   time.Duration // between two looks at the status
	Accept time.Duration // a job waits that long for a printer
	Write  time.Duration // the line takes one chunk
	Band   time.Duration // the printer works one chunk off
	Finish time.Duration // the last feed, the cut and the confirmation
	Clear  time.Duration // the buffer is dropped
	Job    time.Duration // one slip, all in all
}

// DefaultLimits are what a waiting shopper and a slow printer both accept.
func DefaultLimits() Limits {
	return Limits{
		Dial: 3 * time.Second, Redial: time.Second, Answer: 500 * time.Millisecond, Poll: 2 * time.Second,
		Accept: 6 * time.Second, Write: 5 * time.Second, Band: 8 * time.Second, Finish: 15 * time.Second,
		Clear: time.Second, Job: 52 * time.Second,
	}
}
