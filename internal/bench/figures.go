package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// start times the daemon from its start to the first snapshot in a window.
func start(ctx context.Context, out io.Writer, binary string) error {
	var took []time.Duration
	for range 9 {
		began := time.Now()
		p, err := startKioskd(ctx, binary)
		if err != nil {
			return err
		}
		ws, err := p.window(ctx)
		if err == nil {
			_, err = snapshot(ws, 0)
			took = append(took, time.Since(began))
			err = errors.Join(err, ws.Close())
		}
		if err := errors.Join(err, p.stop()); err != nil {
			return err
		}
	}
	report(out, "daemon_start_to_first_snapshot", quantile(took, 0.5), limitStart, "ms", within())
	return nil
}

// settle is how long the daemon is left alone before its memory is read.
const settle = 5 * time.Second

// memory reads what the daemon holds when it has settled, with one window open.
func memory(ctx context.Context, out io.Writer, binary string) (err error) {
	p, err := startKioskd(ctx, binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	ws, err := p.window(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	if _, err := snapshot(ws, 0); err != nil {
		return err
	}
	timer := time.NewTimer(settle)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return err
	}
	var kib float64
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		return errors.New("cannot find VmRSS")
	}
	if _, err := fmt.Sscan(string(m[1]), &kib); err != nil {
		return err
	}
	report(out, "idle_memory", kib/1024, limitMemory, "MiB", within())
	return nil
}

// asset is a script or style sheet that the page asks for before it can be used.
var asset = regexp.MustCompile(`(?:src|href)="/(assets/[^"]+\.(?:js|css))"`)

// bundle adds up what the shopper's page is made of, compressed. The fonts are
// not in it: they are data.
func bundle(out io.Writer, dist string) error {
	page, err := os.ReadFile(filepath.Join(dist, "index.html"))
	if err != nil {
		return fmt.Errorf("cannot measure the screen: %w (make build?)", err)
	}
	var total int
	for _, m := range asset.FindAllSubmatch(page, -1) {
		content, err := os.ReadFile(filepath.Join(dist, string(m[1])))
		if err != nil {
			return err
		}
		var packed bytes.Buffer
		z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(content); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		total += packed.Len()
	}
	if total == 0 {
		return errors.New("cannot measure the screen: its page names no script")
	}
	report(out, "ui_bundle_gzip", float64(total)/1000, limitBundle, "kB", within())
	return nil
}

// tempDir makes a folder for one measurement.
func tempDir() (dir string, remove func() error, err error) {
	dir, err = os.MkdirTemp("", "kioskd-bench-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}
