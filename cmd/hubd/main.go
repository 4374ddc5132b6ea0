// Command hubd is the hub upstream of the kiosks: it takes submissions in,
// passes the interactive steps on to issuer and platform, and serves a console.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"kioskd/internal/lockdown"
)

// version is set by the linker.
var version = "dev"

func main() {
	if err := lockdown.Enter(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "hubd: %v\n", err)
		os.Exit(exitRun)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
