package line

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"usb", "the first free USB printer"},
		{"usb:/dev/usb/lp1", "USB printer /dev/usb/lp1"},
		{"usb:/dev/usb/lp*", "USB printer /dev/usb/lp*"},
		{"tcp:192.0.2.7", "network printer 192.0.2.7:9100"},
		{"tcp:192.0.2.7:9101", "network printer 192.0.2.7:9101"},
		{"tcp:printer", "network printer printer:9100"},
		{"tcp:printer.example.:09100", "network printer printer.example.:9100"},
		{"tcp:[2001:db8::1]:9100", "network printer [2001:db8::1]:9100"},
		{"tcp:[2001:db8::1]", "network printer [2001:db8::1]:9100"},
		{"tcp:2001:db8::1", "network printer [2001:db8::1]:9100"},
		{"tcp:[fe80::1%eth0]", "network printer [fe80::1%eth0]:9100"},
		{"serial:/dev/ttyUSB0", "serial printer /dev/ttyUSB0, 19200 baud, flow control dtr"},
	} {
		dial, description, err := Parse(c.in, SerialOptions{Baud: 19200, Flow: FlowDTR})
		if err != nil || dial == nil || description != c.want {
			t.Errorf("%q: %q, %v", c.in, description, err)
		}
	}
	if dial, description, err := Parse("none", SerialOptions{}); dial != nil || description != "no printer" || err != nil {
		t.Errorf("none: %q, %v", description, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{
		"", "USB", "none:", "lp0", "/dev/usb/lp0", "usb:", "usb:lp0", "usb:/", "usb:/dev/../lp0", "usb:/dev/usb/[", "usb:/dev/a\x00b",
		"tcp", "tcp:", "tcp:host:", "tcp:host:0", "tcp:host:65536", "tcp:host:http", "tcp::9100", "tcp:a b", "tcp:-a", "tcp:a..b",
		"tcp:192.0.2.999", "tcp:1.2.3", "tcp:[192.0.2.7]", "tcp:[2001:db8::1", "tcp:[2001:db8::1]9100", "tcp:2001:db8::g", "tcp:fe80::1%]", "tcp:[fe80::1%a b]", "tcp://host",
		"serial", "serial:ttyS0", "serial:/dev/ttyS0/", "http://192.0.2.7",
	} {
		dial, _, err := Parse(in, SerialOptions{})
		if !errors.Is(err, ErrAddress) || dial != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if s := err.Error(); !strings.HasPrefix(s, "cannot use ") || !strings.Contains(s, `"usb:/dev/usb/lp1"`) {
			t.Errorf("%q: %s", in, s)
		}
	}
	for _, o := range []SerialOptions{{Baud: 9601}, {Baud: -1}, {Flow: "xonxoff"}} {
		if _, _, err := Parse("serial:/dev/ttyS0", o); !errors.Is(err, ErrAddress) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestParsedDialFailsPlainly(t *testing.T) {
	for _, device := range []string{"usb:/dev/usb/no-such-printer", "serial:/dev/no-such-port"} {
		dial, _, err := Parse(device, SerialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if c, err := dial(t.Context()); c != nil || !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %v, %v", device, c, err)
		}
	}
	p := pty(t)
	dial, _, err := Parse("usb:"+p.Path, SerialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if u, ok := c.USB(); !ok || u.String() != "usb:"+p.Path {
		t.Errorf("USB() = %v, %v", u, ok)
	}
	roundTrip(t, c, p.Master)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"none", "usb", "usb:/dev/usb/lp0", "tcp:192.0.2.7", "tcp:[2001:db8::1]:9100", "tcp:h:1", "serial:/dev/ttyS0"} {
		f.Add(s, 9600, "none")
	}
	f.Fuzz(func(t *testing.T, device string, baud int, flow string) {
		dial, description, err := Parse(device, SerialOptions{Baud: baud, Flow: Flow(flow)})
		switch {
		case err != nil:
			if !errors.Is(err, ErrAddress) || dial != nil {
				t.Errorf("%q: %v", device, err)
			}
		case description == "", (dial == nil) != (device == "none"):
			t.Errorf("%q: %q, dial %v", device, description, dial != nil)
		}
		address, is := strings.CutPrefix(description, "network printer ")
		if !is {
			return
		}
		host, port, err := net.SplitHostPort(address)
		if n, bad := strconv.Atoi(port); err != nil || host == "" || bad != nil || n < 1 || n > 65535 {
			t.Errorf("%q became %q", device, address)
		}
		if _, again, err := Parse("tcp:"+address, SerialOptions{}); err != nil || again != description {
			t.Errorf("%q is not stable: %q, %v", address, again, err)
		}
	})
}
