// Command kioskd is the daemon of a kiosk: it owns the visit, the devices and
// the outbox, and serves the touch screen. See docs/OPERATIONS.md.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr, os.Getenv))
}
