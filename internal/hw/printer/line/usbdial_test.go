package line

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// bus makes a bus whose device files open as told; nil opens.
func bus(t *testing.T, ports map[string]error) (b Bus, opened *[]string) {
	t.Helper()
	dir := t.TempDir()
	for name := range ports {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opened = new([]string)
	return Bus{
		Pattern: filepath.Join(dir, "lp*"),
		open: func(path string) (device, bool, error) {
			name := filepath.Base(path)
			*opened = append(*opened, name)
			if err := ports[name]; err != nil {
				return nil, false, &os.PathError{Op: "open", Path: path, Err: err}
			}
			f := newFake()
			f.port, f.id = 0x18, []byte("\x00\x10MDL:"+name+";        ")
			return f, false, nil
		},
	}, opened
}

func TestBusTakesTheFirstFreePrinter(t *testing.T) {
	b, opened := bus(t, map[string]error{"lp10": nil, "lp2": nil, "lp1": unix.ENODEV, "lp0": unix.EBUSY})
	u, err := b.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := filepath.Base(u.String()); got != "lp2" {
		t.Errorf("opened %s", got)
	}
	if want := []string{"lp0", "lp1", "lp2"}; !slices.Equal(*opened, want) {
		t.Errorf("tried %v, want %v", *opened, want)
	}
}

func TestBusSaysWhy(t *testing.T) {
	for _, c := range []struct {
		ports map[string]error
		want  Kind
	}{
		{nil, ErrAbsent},
		{map[string]error{"lp0": unix.EBUSY, "lp1": unix.EBUSY}, ErrBusy},
		{map[string]error{"lp0": unix.EBUSY, "lp1": unix.EACCES}, ErrDenied},
		{map[string]error{"lp0": unix.ENODEV}, ErrAbsent},
	} {
		b, _ := bus(t, c.ports)
		if _, err := b.Dial(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("%v: %v, want kind %q", c.ports, err, c.want)
		}
	}
}

func TestList(t *testing.T) {
	b, _ := bus(t, map[string]error{"lp0": unix.EBUSY, "lp1": nil, "lp3": unix.EACCES})
	b.Sys = t.TempDir()
	if err := os.MkdirAll(filepath.Join(b.Sys, "lp0", "device"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.Sys, "lp0", "device", "ieee1284_id"), []byte("MFG:STAR;MDL:held;"), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := b.List(t.Context())
	if err != nil || len(found) != 3 {
		t.Fatalf("%+v, %v", found, err)
	}
	if f := found[0]; !f.Busy || f.ID.Model != "held" || f.Status != nil || !errors.Is(f.Err, ErrBusy) {
		t.Errorf("busy: %+v", f)
	}
	if f := found[1]; f.Busy || f.Err != nil || f.ID.Model != "lp1" || f.Status == nil || f.Status.PaperOut() {
		t.Errorf("free: %+v", f)
	}
	if f := found[2]; f.Busy || !errors.Is(f.Err, ErrDenied) {
		t.Errorf("denied: %+v", f)
	}
	if found, err := (Bus{Pattern: filepath.Join(t.TempDir(), "lp*")}).List(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("none: %+v, %v", found, err)
	}
}
