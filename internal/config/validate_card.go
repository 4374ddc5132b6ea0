package config

import (
	"encoding/pem"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kioskd/internal/hw/card/felica"
)

func (v *validator) reader(c Config) {
	r := c.Reader
	switch r.Driver {
	case "", ReaderPCSC:
	case ReaderVirtual:
		if !c.Simulate {
			v.add("reader.driver", `leave it out, or set simulate = true`, "cannot be %q on a kiosk for real shoppers", r.Driver)
		}
	default:
		v.add("reader.driver", `write "pcsc", or "virtual" with simulate = true`, "cannot be %q", r.Driver)
	}
	v.patterns("reader.my_number", r.MyNumber)
	v.patterns("reader.waon", r.WAON)
	v.between("reader.debounce", r.Debounce.Seconds(), MinDebounce.Seconds(), MaxDebounce.Seconds())
	v.between("reader.patience", r.Patience.Seconds(), MinPatience.Seconds(), MaxPatience.Seconds())
	v.roots(r.Roots)
	if r.VPCD == "" {
		return
	}
	if !c.Simulate || c.ReaderDriver() != ReaderPCSC {
		v.add("reader.vpcd", `it needs simulate = true and reader.driver = "pcsc"`, "is of no use here")
	}
	if filepath.IsAbs(r.VPCD) {
		return
	}
	if at, err := netip.ParseAddrPort(r.VPCD); err != nil || !at.Addr().IsLoopback() || at.Port() == 0 {
		v.add("reader.vpcd", "write a loopback address, such as 127.0.0.1:35963, or the path of a Unix socket", "cannot be %q", r.VPCD)
	}
}

func (v *validator) patterns(key string, list []string) {
	for _, p := range list {
		if _, err := regexp.Compile(p); err != nil || p == "" {
			v.add(key, `write part of the reader's name as pcsc_scan shows it, such as "ACR1252.*PICC"`, "%q is no pattern", p)
		}
	}
}

// maxRoots bounds a file of a few certificates.
const maxRoots = 256 << 10

func (v *validator) roots(path string) {
	if path == "" {
		return
	}
	const key, hint = "reader.roots", "a PEM file with the certificates of the authorities, or leave it out: the hub judges as well"
	data, err := os.ReadFile(path)
	switch block, _ := pem.Decode(data); {
	case err != nil:
		v.add(key, hint, "cannot be read: %v", err)
	case len(data) > maxRoots, block == nil, block.Type != "CERTIFICATE":
		v.add(key, hint, "%q holds no certificate", path)
	}
}

func (v *validator) waon(w WAON) {
	if len(w.Services) > 4 {
		v.add("waon.services", "at most 4: each costs the shopper time", "there are %d", len(w.Services))
	}
	for _, s := range w.Services {
		if n, err := strconv.ParseUint(s, 16, 16); err != nil || len(s) != 4 || n == 0 {
			v.add("waon.services", `write four hex digits, such as "684F"`, "cannot be %q", s)
		}
	}
	for _, s := range w.Strategies {
		if !slices.Contains(felica.StrategyNames(), s) {
			v.add("waon.strategies", "choose from "+strings.Join(felica.StrategyNames(), ", "), "cannot be %q", s)
		}
	}
}
