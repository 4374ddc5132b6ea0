package cardtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Bridge takes cards at l and lays them on the vpcd at addr, until ctx ends or l
// fails. It serves a vpcd that lives in a network of its own: a Unix socket is
// reached from every network. It closes l.
func Bridge(ctx context.Context, l net.Listener, addr string) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() { <-ctx.Done(); _ = l.Close() })
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("cannot take cards: %w", err)
		}
		all.Go(func() { lay(ctx, conn, addr) })
	}
}

// lay carries what passes between one card and vpcd. When either hangs up, so does
// the other: that is how a card leaves. Where there is no vpcd the card comes again.
func lay(ctx context.Context, card net.Conn, addr string) {
	defer func() { _ = card.Close() }()
	var d net.Dialer
	vpcd, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var copies sync.WaitGroup
	copies.Go(func() {
		<-ctx.Done()
		_, _ = card.Close(), vpcd.Close()
	})
	copies.Go(func() {
		defer cancel()
		_, _ = io.Copy(vpcd, card) // an end of either side is an end
	})
	_, _ = io.Copy(card, eager{vpcd})
	cancel()
	copies.Wait()
}
