package line

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const forms = `write "usb", "usb:/dev/usb/lp1", "tcp:192.0.2.7", "tcp:printer.example:9100", "tcp:[2001:db8::1]:9100", "serial:/dev/ttyUSB0" or "none"`

func badAddress(device string, cause error) error {
	return &Error{Op: "use", Line: strconv.Quote(device), Kind: ErrAddress, Cause: cause, Hint: forms}
}

// Conn is an open line of any kind.
type Conn struct{ port }

type port interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	SetWriteDeadline(t time.Time) error
	Close() error
	String() string
}

// USB gives the line when it is a USB printer, which can be asked for more.
func (c *Conn) USB() (*USB, bool) {
	u, ok := c.port.(*USB)
	return u, ok
}

// Parse reads the configuration's name of the printer:
//
//	none                                no printer; dial is nil
//	usb                                 the first USB printer that is free
//	usb:/dev/usb/lp1                    this one; may be a pattern such as /dev/usb/lp*
//	tcp:HOST, tcp:HOST:PORT             HOST is a name, an IPv4 or an IPv6 address
//	serial:/dev/ttyUSB0                 set as options say
//
// description is for logs and for people. The options are checked for a serial
// printer only.
func Parse(device string, options SerialOptions) (dial func(context.Context) (*Conn, error), description string, err error) {
	kind, rest, named := strings.Cut(device, ":")
	bad := func(cause error) (func(context.Context) (*Conn, error), string, error) {
		return nil, "", badAddress(device, cause)
	}
	switch {
	case device == "none":
		return nil, "no printer", nil
	case device == "usb":
		return dialBus(Bus{}), "the first free USB printer", nil
	case kind == "usb" && named:
		if err := devicePath(rest); err != nil {
			return bad(err)
		}
		if _, err := filepath.Match(rest, ""); err != nil {
			return bad(err)
		}
		return dialBus(Bus{Pattern: rest}), "USB printer " + rest, nil
	case kind == "tcp" && named:
		address, err := hostPort(rest)
		if err != nil {
			return bad(err)
		}
		return func(ctx context.Context) (*Conn, error) {
			return conn(DialTCP(ctx, address))
		}, "network printer " + address, nil
	case kind == "serial" && named:
		if err := devicePath(rest); err != nil {
			return bad(err)
		}
		set, err := options.filled()
		if err != nil {
			return bad(err)
		}
		return func(ctx context.Context) (*Conn, error) {
			return conn(DialSerial(ctx, rest, set))
		}, fmt.Sprintf("serial printer %s, %d baud, flow control %s", rest, set.Baud, set.Flow), nil
	}
	return bad(nil)
}

func dialBus(b Bus) func(context.Context) (*Conn, error) {
	return func(ctx context.Context) (*Conn, error) { return conn(b.Dial(ctx)) }
}

// conn keeps a nil pointer from becoming a line that looks open.
func conn[P port](p P, err error) (*Conn, error) {
	if err != nil {
		return nil, err
	}
	return &Conn{p}, nil
}

func devicePath(path string) error {
	switch {
	case !filepath.IsAbs(path):
		return errors.New("the path must begin with /")
	case path != filepath.Clean(path):
		return fmt.Errorf("write the path as %q", filepath.Clean(path))
	case strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7F }):
		return errors.New("the path has a control character")
	case path == "/":
		return errors.New("that is no device")
	}
	return nil
}

// hostPort checks an address and adds the port.
func hostPort(s string) (string, error) {
	host, port := s, DefaultPort
	switch inner, bracketed := strings.CutPrefix(s, "["); {
	case bracketed:
		var after string
		var closed bool
		host, after, closed = strings.Cut(inner, "]")
		if ip, err := netip.ParseAddr(host); !closed || err != nil || !ip.Is6() {
			return "", errors.New("an IPv6 address belongs between the brackets")
		}
		if after != "" {
			var ok bool
			if port, ok = strings.CutPrefix(after, ":"); !ok {
				return "", errors.New("only :PORT may follow the bracket")
			}
		}
	case strings.Count(s, ":") == 1:
		host, port, _ = strings.Cut(s, ":")
	}
	if err := checkHost(host); err != nil {
		return "", err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}

func checkHost(host string) error {
	if ip, err := netip.ParseAddr(host); err == nil {
		// The kernel's rule for the name of an interface, without a bracket.
		if strings.ContainsFunc(ip.Zone(), func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("/:[]%", r) }) {
			return fmt.Errorf("%q is no network interface", ip.Zone())
		}
		return nil
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return fmt.Errorf("%q is no host", host)
		}
		if strings.ContainsFunc(l, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return fmt.Errorf("%q is no host", host)
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return fmt.Errorf("%q is no IPv4 address", host) // no name ends in a number
	}
	return nil
}
