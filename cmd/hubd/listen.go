package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listeners are where a hub is reached; nil where nobody asked for it.
type listeners struct{ api, console, health, metrics net.Listener }

// listeners opens all of them, or none.
func (o options) listeners(ctx context.Context) (listeners, error) {
	var at listeners
	for _, l := range []struct {
		whom, flag, addr string
		into             *net.Listener
	}{
		{"kiosks", "--api", o.api, &at.api}, {"the console", "--console", o.console, &at.console},
		{"balancers", "--health", o.health, &at.health}, {"Prometheus", "--metrics", o.metrics, &at.metrics},
	} {
		if l.addr == "" {
			continue
		}
		var err error
		if *l.into, err = listenFor(ctx, l.whom, l.flag, l.addr); err != nil {
			return listeners{}, errors.Join(err, at.close())
		}
	}
	return at, nil
}

func (at listeners) close() error {
	var errs []error
	for _, l := range []net.Listener{at.api, at.console, at.health, at.metrics} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

func (at listeners) addresses(names []string) addresses {
	a := addresses{API: at.api.Addr().String(), Console: at.console.Addr().String(), Names: names}
	if at.metrics != nil {
		a.Metrics = at.metrics.Addr().String()
	}
	return a
}

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
