package sync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	stdsync "sync"
	"sync/atomic"
	"syscall"
	"time"

	"kioskd/internal/fault"
)

// spaceLimits say when the disk counts as full. Between the two lines nothing changes.
type spaceLimits struct {
	refuse  uint64 // free bytes below which nothing new is begun
	resume  uint64 // free bytes from which it is again
	reserve int64  // bytes held back for what is under way
}

// A visit stores some 50 kB, WAL included: the reserve is good for far more visits
// than can be under way.
func usualLimits() spaceLimits {
	return spaceLimits{refuse: 64 << 20, resume: 96 << 20, reserve: 8 << 20}
}

const lookEvery = 10 * time.Second

// space watches over the disk. The reserve is a file that has its blocks already: when
// the disk is full after all, because something else has filled it at one go, it is
// given up, and who is in the middle of a visit can end it.
type space struct {
	path     string // of the reserve
	limits   spaceLimits
	log      *slog.Logger
	allocate func(*os.File, int64) error // the function of that name, but for tests
	releases atomic.Int64                // times that room was made

	// mu is held by whoever measures, makes the reserve or gives it up, for as long as the
	// disk takes. Who has met a full disk waits for it, and finds the reserve as it is by
	// then; who just writes does not.
	mu    stdsync.Mutex
	known bool
	state fault.Code
	out   chan fault.Code // capacity 1: only the newest state matters
}

func newSpace(path string, limits spaceLimits, log *slog.Logger) *space {
	return &space{path: path + ".reserve", limits: limits, log: log, allocate: allocate, out: make(chan fault.Code, 1)}
}

// look measures and says so when things have changed.
func (s *space) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	free, err := freeBytes(filepath.Dir(s.path))
	if err != nil {
		s.log.Warn("free space not known", "err", err)
		return // a disk that does not answer shows elsewhere
	}
	state := s.state
	have := s.have()
	switch {
	case free < s.limits.refuse:
		state = fault.StorageFull
	case !have && free < s.limits.resume+uint64(s.limits.reserve):
		state = fault.StorageFull // with the reserve it would be too little
	case !have:
		if err := s.make(); err != nil {
			s.log.Warn("reserve not made", "err", err)
			state = fault.StorageFull
			s.releases.Add(1) // who has met a full disk meanwhile has met its blocks
		} else {
			state = ""
		}
	case free >= s.limits.resume || !s.known:
		state = ""
	}
	s.say(state, free)
}

// say passes a new state on. The lock is held.
func (s *space) say(state fault.Code, free uint64) {
	if s.known && state == s.state {
		return
	}
	if state != "" {
		s.log.Error("disk is nearly full", "code", string(state), "free_mb", free>>20, "alarm", true)
	} else if s.known {
		s.log.Info("disk has room again", "free_mb", free>>20)
	}
	s.known, s.state = true, state
	select {
	case <-s.out: // an older state that nobody has read
	default:
	}
	s.out <- state // has room: say is the only sender and holds the lock
}

// have reports whether the reserve is there, whole.
func (s *space) have() bool {
	st, err := os.Stat(s.path)
	return err == nil && st.Size() >= s.limits.reserve
}

func (s *space) make() error {
	f, err := os.OpenFile(s.path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = s.allocate(f, s.limits.reserve)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(s.path+".new"))
	}
	return os.Rename(s.path+".new", s.path)
}

// allocate gives a file its blocks.
func allocate(f *os.File, size int64) error {
	err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		err = writeZeros(f, size)
	}
	return err
}

// writeZeros is for file systems that cannot allocate otherwise.
func writeZeros(f *os.File, size int64) error {
	zeros := make([]byte, 64<<10)
	for size > 0 {
		n, err := f.Write(zeros[:min(size, int64(len(zeros)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}

// released is how often room was made. It does not wait: each write begins with it.
func (s *space) released() int64 { return s.releases.Load() }

// release gives the reserve up for somebody who has met a full disk, and reports
// whether it is worth trying again: somebody else may have done so since.
func (s *space) release(since int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released() > since {
		return true
	}
	if err := dropReserve(s.path); err != nil {
		return false // there is none, or the disk is beyond help
	}
	s.releases.Add(1)
	s.log.Error("disk is full, the reserve is given up", "alarm", true)
	s.say(fault.StorageFull, 0)
	return true
}

// dropReserve gives up what there is of a reserve. Nobody makes one meanwhile.
func dropReserve(path string) error {
	err := os.Remove(path)
	if os.Remove(path+".new") == nil { // one whose making was cut off
		return nil
	}
	return err
}

func freeBytes(dir string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("cannot measure free space: %w", err)
	}
	return st.Bavail * uint64(st.Bsize), nil
}

// Storage tells whether there is room for more: "" or storage_full, which is a reason
// not to begin a visit that would store something. Only the newest state is kept for a
// slow reader.
func (o *Outbox) Storage() <-chan fault.Code { return o.space.out }

// Watch looks after the disk and the file and forgets what is old, until ctx ends. It
// then returns nil. hub tells what time it is by the hub's clock, or false while that is
// not known. It must not block.
func (o *Outbox) Watch(ctx context.Context, hub func() (time.Time, bool)) error {
	var beside stdsync.WaitGroup
	beside.Go(func() { o.tend(ctx) }) // a look through the file may take long
	defer beside.Wait()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	retain := time.NewTimer(0)
	defer retain.Stop()
	r := retention{hub: hub}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			o.space.look()
		case <-retain.C:
			retain.Reset(r.look(ctx, o))
		}
	}
}

// freed tries f again after the reserve was given up, if that is what f needs.
func freed(path string, full func(error) bool, f func() error) error {
	err := f()
	if err == nil || !full(err) {
		return err
	}
	if drop := dropReserve(path + ".reserve"); drop != nil {
		if errors.Is(drop, fs.ErrNotExist) {
			return err
		}
		return errors.Join(err, drop)
	}
	return f()
}
