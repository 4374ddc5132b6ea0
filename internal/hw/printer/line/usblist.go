package line

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// Found is one USB printer of this machine.
type Found struct {
	Path   string
	Busy   bool    // another program holds it
	ID     ID      // empty when it could not be learned
	Status *Status // nil when it could not be asked
	Err    error   // why it cannot be opened, nil when it can
}

// List looks at every USB printer of this machine, in the order in which Dial
// would try them. It opens each for a moment. No printer is no error.
func List(ctx context.Context) ([]Found, error) { return Bus{}.List(ctx) }

// List looks at every printer on b.
func (b Bus) List(ctx context.Context) ([]Found, error) {
	paths, err := b.paths()
	if err != nil {
		return nil, err
	}
	found := make([]Found, 0, len(paths))
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return found, opening(byUSB, "usb:"+path, err)
		}
		found = append(found, b.look(ctx, path))
	}
	return found, nil
}

func (b Bus) look(ctx context.Context, path string) Found {
	f := Found{Path: path}
	u, err := b.dial(ctx, path)
	if err != nil {
		f.Busy, f.Err = errors.Is(err, ErrBusy), err
		f.ID = b.known(path)
		return f
	}
	defer func() { _ = u.Close() }() // nothing was written
	if s, err := u.Status(); err == nil {
		f.Status = &s
	}
	if id, err := u.DeviceID(); err == nil {
		f.ID = id
	} else {
		f.ID = b.known(path)
	}
	return f
}

// known reads the ID that the kernel noted when the printer was plugged in. It
// can be read while another program holds the printer.
func (b Bus) known(path string) ID {
	sys := b.Sys
	if sys == "" {
		sys = "/sys/class/usbmisc"
	}
	text, err := os.ReadFile(filepath.Join(sys, filepath.Base(path), "device", "ieee1284_id"))
	if err != nil {
		return ID{}
	}
	return parseIDText(string(text))
}
