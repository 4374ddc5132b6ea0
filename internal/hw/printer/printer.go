// Package printer drives a slip printer: its state, jobs and their honest
// outcome, over any line. It speaks ESC/POS and StarPRNT, and finds out by itself
// what a printer can do. package line holds the lines (USB, TCP, serial),
// printertest the virtual printer.
package printer

import "context"

// Condition is the closed set of states a printer can be in.
type Condition string

// The conditions.
const (
	Ready     Condition = "ready"    // also of a printer that cannot tell (profile blind)
	NearEnd   Condition = "near_end" // prints, but the roll ends soon
	PaperOut  Condition = "paper_out"
	CoverOpen Condition = "cover_open"
	Cutter    Condition = "cutter"
	HeadHot   Condition = "head_hot"
	Offline   Condition = "offline"
	Unplugged Condition = "unplugged"
	Unknown   Condition = "unknown" // connected, but it does not answer, which it could
)

// CanPrint reports whether a job may be started.
func (c Condition) CanPrint() bool { return c == Ready || c == NearEnd }

// Outcome is what became of a job.
type Outcome string

// The outcomes.
const (
	Printed     Outcome = "printed"     // the printer confirmed completion
	Unconfirmed Outcome = "unconfirmed" // everything was taken, but this printer cannot confirm
	Failed      Outcome = "failed"      // known not to have come out whole; the buffer was cleared
	Lost        Outcome = "unknown"     // nobody knows: never printed again on its own
	Expired     Outcome = "expired"     // its time was over before a printer took it: nothing was sent
)

// Printer is a driver. It is its own reconnect loop.
type Printer interface {
	// Run serves the device until ctx ends.
	Run(ctx context.Context) error
	// Watch returns the channel on which each new Condition arrives, the current
	// one first; only the newest is kept. One receiver.
	Watch() <-chan Condition
	// Print runs one job to its outcome and blocks until then. The error says why
	// the outcome is Failed, Lost or Expired (a *fault.Error) and is nil otherwise.
	// One job at a time: a second call waits.
	Print(ctx context.Context, job Job) (Outcome, error)
}
