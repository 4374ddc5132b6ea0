package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// idle reads how much of a core kioskd uses while it watches a real pcscd and
// nobody is there.
func idle(ctx context.Context, out io.Writer, kioskd, dir string) (err error) {
	config := filepath.Join(dir, "kioskd.toml")
	if err := os.WriteFile(config, []byte("[reader]\ndriver = \"pcsc\"\n"), 0o600); err != nil {
		return err
	}
	p, err := launch(ctx, kioskd, "--config", config, "--data", filepath.Join(dir, "data"), "--enrolment", filepath.Join(dir, "none.json"), "--listen", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := pause(ctx, settle); err != nil { // the start is not idle
		return err
	}
	before, err := cpuTime(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := pause(ctx, idleFor); err != nil {
		return err
	}
	after, err := cpuTime(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	report(out, "card_idle_cpu", 100*(after-before).Seconds()/time.Since(began).Seconds(), limitIdle, "%", within())
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cpuTime is what a process has used so far, to a tick of 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name in brackets may hold spaces; what follows it is numbers.
	_, rest, ok := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, errors.New("cannot read the time of a process")
	}
	var ticks int64
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("cannot read the time of a process: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
