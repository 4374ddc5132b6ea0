package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listenFor opens the address that a flag gives, for whom it is.
func listenFor(ctx context.Context, whom, flag, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("cannot listen for %s: %w: another hubd, or another program, has this address: end that one, or give %s another", whom, err, flag)
	}
	return nil, fmt.Errorf("cannot listen for %s: %w: %s names it", whom, err, flag)
}
