// Command kioskd is the daemon of a kiosk: it owns the visit, the devices and
// the outbox, and serves the touch screen. See docs/OPERATIONS.md.
package main

import (
	"context"
	"fmt"
	"os"

	"kioskd/internal/lockdown"
)

func main() {
	if err := lockdown.Enter(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "kioskd: %v\n", err)
		os.Exit(exitFailed)
	}
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr, os.Getenv))
}
