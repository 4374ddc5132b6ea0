package main

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"kioskd/internal/wire"
)

// addNames takes one HOST:PORT or several with commas between them.
func (o *options) addNames(list string) error {
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if _, err := wire.NewPairingCode(name, nil); err != nil { // it has to go into pairing codes
			return fmt.Errorf("%q is not HOST:PORT", name)
		}
		if host, _, _ := net.SplitHostPort(name); strings.ContainsAny(host, "*_") {
			return fmt.Errorf("%q is no name of one host", name)
		}
		o.names = append(o.names, name)
	}
	return nil
}

// hosts is whom the server's certificate is for.
func (o *options) hosts(listens string) []string {
	all := []string{"localhost", "127.0.0.1", "::1"}
	for _, name := range append([]string{listens}, o.names...) {
		if host, _, err := net.SplitHostPort(name); err == nil && !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	return all
}
