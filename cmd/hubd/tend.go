package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/sandbox"
)

// keysEvery is how soon a running hub sees that its keys folder changed.
const keysEvery = 15 * time.Second

// tend starts what goes on beside the requests: keys are followed, the disk is watched,
// the store is looked after, and what calls left in memory is forgotten. stop ends it and waits.
func tend(
	ctx context.Context, o options, keys *pki.PKI, s *store, box *sandbox.Sandbox, space *room, look func(), forget *hub.Forgetter, log *slog.Logger,
) (stop func()) {
	// Not with ctx's end: requests are served for a while after it.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	soon := make(chan struct{}, 1)
	var wg sync.WaitGroup
	wg.Go(func() { space.watch(ctx) })
	wg.Go(func() { forget.Run(ctx) })
	wg.Go(func() {
		keys.Follow(ctx, pki.Following{
			Every: keysEvery, Now: hup,
			// What is sealed with a new key must be known as such before there is any.
			Allow: func(next *pki.PKI) error {
				v, err := next.Vault()
				if err != nil {
					return err
				}
				return hub.Admit(ctx, s.Store, v)
			},
			Told: func(changed bool, err error) {
				if err != nil {
					log.Error("Keys stay as they are", "error", err)
					return
				}
				log.Info("Keys read again", "changed", changed)
				if changed {
					look() // kiosks learn of new keys at once
					select {
					case soon <- struct{}{}:
					default:
					}
				}
			},
		})
	})
	wg.Go(func() {
		(&hub.Caretaker{
			Store: s.Sealing, Keep: o.keep, Holder: rand.Text(), Keys: func() []string { return vaultKeys(keys) },
			Also: box.Reseal, Now: time.Now, Log: log, Soon: soon,
		}).Run(ctx)
	})
	return func() {
		signal.Stop(hup)
		cancel()
		wg.Wait()
	}
}

func vaultKeys(keys *pki.PKI) (ids []string) {
	for _, k := range keys.List(pki.Vault) {
		ids = append(ids, k.ID)
	}
	return ids
}
