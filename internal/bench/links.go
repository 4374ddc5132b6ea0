package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/postgres/postgrestest"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

const (
	manyLinks   = 15000
	limitLink   = 30.0  // kB of memory of the hub for each
	limitReturn = 120.0 // s until all are back: the courier's longest backoff, twice
	dialAtOnce  = 64
	linksLimit  = 4 * time.Minute // for all to be there
)

// links measures what an idle link costs the hub, and how long it takes until all
// kiosks are back after the hub was killed. Beside it stands a server that does
// nothing but upgrade and read. Servers are processes of their own, so that their
// memory is theirs alone; kiosks are the real client, with its real backoff.
func links(ctx context.Context, out io.Writer) (err error) {
	dir, remove, err := tempDir()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	var server postgrestest.Server
	url, err := server.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.End()) }()
	keys, err := pki.Open(dir+"/keys", time.Now())
	if err != nil {
		return err
	}
	if err := enrolMany(ctx, url); err != nil {
		return err
	}
	enrolments := make([]*wire.Enrolment, manyLinks)
	for i := range enrolments {
		if enrolments[i], err = keys.Enrol(linkKiosk(i), "https://127.0.0.1:1", time.Now()); err != nil {
			return err
		}
	}
	var size, back [2]float64
	for i, kind := range []string{"ours", "bare"} {
		if size[i], back[i], err = crowdLinks(ctx, kind, dir, url, enrolments); err != nil {
			return fmt.Errorf("cannot measure links (%s): %w", kind, err)
		}
	}
	report(out, "idle_link_memory", size[0], limitLink, "kB", within())
	report(out, "idle_link_memory_beside_bare", size[0], size[1], "kB")
	report(out, "reconnect_storm", back[0], limitReturn, "s", within())
	report(out, "reconnect_storm_beside_bare", back[0], back[1], "s")
	return nil
}

func linkKiosk(i int) string { return fmt.Sprintf("bench-%d", i) }

// crowdLinks has all kiosks hold a link to a server of this kind, reads its memory,
// kills it, and waits until all have come to the next.
func crowdLinks(ctx context.Context, kind, dir, url string, enrolments []*wire.Enrolment) (size, back float64, err error) {
	s, err := startLinkServer(ctx, kind, dir, url, "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	defer func() { s.kill() }() // the one of then
	empty, err := s.memory()
	if err != nil {
		return 0, 0, err
	}
	ctx, stop := context.WithCancel(ctx)
	c := &linkCrowd{changed: make(chan struct{}, 1), gate: make(chan struct{}, dialAtOnce)}
	defer func() { stop(); c.wg.Wait() }()
	for _, e := range enrolments {
		own := *e
		own.HubURL = "https://" + s.addr
		client, err := ksync.NewClient(&own, ksync.ClientOptions{})
		if err != nil {
			return 0, 0, err
		}
		c.wg.Go(func() { c.hold(ctx, client) })
	}
	if err := c.wait(ctx, len(enrolments)); err != nil {
		return 0, 0, err
	}
	full, err := s.memory()
	if err != nil {
		return 0, 0, err
	}
	s.kill()
	if err := c.wait(ctx, 0); err != nil {
		return 0, 0, err
	}
	if s, err = startLinkServer(ctx, kind, dir, url, s.addr); err != nil {
		return 0, 0, err
	}
	c.failed.Store(0)
	began := time.Now()
	if err := c.wait(ctx, len(enrolments)); err != nil {
		return 0, 0, err
	}
	back = time.Since(began).Seconds()
	if n := c.failed.Load(); n > 0 {
		return 0, 0, fmt.Errorf("%d links were turned away, failed or ended in the storm", n)
	}
	return float64(full-empty) / float64(len(enrolments)) / 1000, back, nil
}

// linkCrowd are kiosks that hold links.
type linkCrowd struct {
	wg      sync.WaitGroup
	up      atomic.Int64
	failed  atomic.Int64 // links that did not come about, or ended
	stormy  atomic.Bool
	changed chan struct{}
	gate    chan struct{} // bounds how many dial at the same time before the storm
}

// hold is one kiosk: it opens its link, and opens it again when it ends, at the pace
// of kioskd.
func (c *linkCrowd) hold(ctx context.Context, client *ksync.Client) {
	run := wire.NewSubmissionID()
	for failures := 0; ctx.Err() == nil; {
		release := func() {}
		if !c.stormy.Load() {
			c.gate <- struct{}{}
			release = sync.OnceFunc(func() { <-c.gate })
		}
		stood := false
		err := client.Link(ctx, run, func() { release(); stood = true; c.count(1) }, func(wire.LinkMessage) {})
		release()
		if ctx.Err() == nil {
			c.failed.Add(1)
		}
		if stood {
			failures = 0
			c.count(-1)
		}
		failures++
		timer := time.NewTimer(ksync.Backoff{Floor: time.Second, Cap: time.Minute}.After(failures, err))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

func (c *linkCrowd) count(by int64) {
	c.up.Add(by)
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// wait waits until so many links stand.
func (c *linkCrowd) wait(ctx context.Context, want int) error {
	limit := time.NewTimer(linksLimit)
	defer limit.Stop()
	for c.up.Load() != int64(want) {
		select {
		case <-c.changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fmt.Errorf("%d of %d links stand after %v", c.up.Load(), want, linksLimit)
		}
	}
	c.stormy.Store(want > 0)
	return nil
}

// linkServer is a server in a process of its own.
type linkServer struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	addr string
	over bool
}

func startLinkServer(ctx context.Context, kind, dir, url, addr string) (*linkServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-link-server", kind, "-dir", dir, "-listen", addr)
	cmd.Env, cmd.Stderr = append(os.Environ(), "HUBD_STORE="+url), os.Stderr
	s := &linkServer{cmd: cmd}
	if s.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewScanner(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if !s.out.Scan() {
		s.kill()
		return nil, errors.New("cannot start a server for links")
	}
	s.addr = s.out.Text()
	return s, nil
}

// memory is what the process holds in RAM, in bytes, after its garbage is gone.
func (s *linkServer) memory() (int64, error) {
	var n int64
	if _, err := fmt.Fprintln(s.in, "memory"); err != nil {
		return 0, err
	}
	if !s.out.Scan() {
		return 0, errors.New("cannot read a server's memory: it ended")
	}
	_, err := fmt.Sscan(strings.TrimSpace(s.out.Text()), &n)
	return n, err
}

func (s *linkServer) kill() {
	if s.over {
		return
	}
	s.over = true
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()         // killed: no news; it closes the pipes as well
}
