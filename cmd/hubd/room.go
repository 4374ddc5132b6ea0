package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// roomLeast is how many free bytes the data folder's disk must have: what is stored
	// there needs room for its journal as well, and PostgreSQL may have its files there.
	roomLeast = 64 << 20
	roomEvery = 30 * time.Second
)

// room watches the disk of the data folder. A hub that can only read would take
// connections and answer each submission with hub_slow, while another hub could take it.
type room struct {
	dir   string
	least uint64
	log   *slog.Logger
	full  atomic.Bool
}

// check gives an error while there is too little room. A disk that does not answer has none.
func (r *room) check() error {
	var st syscall.Statfs_t
	err := syscall.Statfs(r.dir, &st)
	if err != nil {
		err = fmt.Errorf("cannot measure free space of %s: %w", r.dir, err)
	} else if free := st.Bavail * uint64(st.Bsize); free < r.least {
		err = fmt.Errorf("cannot store: %s has %d MiB free, and needs %d: make room", r.dir, free>>20, r.least>>20)
	}
	switch was := r.full.Swap(err != nil); {
	case err != nil && !was:
		r.log.Error("Disk is full", "error", err, "alarm", true)
	case err == nil && was:
		r.log.Info("Disk has room again", "data", r.dir)
	}
	return err
}

// watch checks until ctx ends, so that the log tells also where nobody asks.
func (r *room) watch(ctx context.Context) {
	t := time.NewTicker(roomEvery)
	defer t.Stop()
	for {
		_ = r.check() // it has said so itself
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}
