package main

import (
	"net"
	"strings"
	"testing"
)

// An address that is taken: the error says which flag gives another.
func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { must(t, taken.Close()) }()
	for _, flag := range []string{"--api", "--console", "--health", "--metrics"} {
		_, err := listenFor(t.Context(), "somebody", flag, taken.Addr().String())
		if err == nil || !strings.Contains(err.Error(), "another hubd") || !strings.Contains(err.Error(), "give "+flag+" another") {
			t.Errorf("%s: %v", flag, err)
		}
	}
	if _, err := listenFor(t.Context(), "somebody", "--api", "192.0.2.1:1"); err == nil || !strings.Contains(err.Error(), "--api") {
		t.Errorf("an address of elsewhere: %v", err)
	}
	_, _, errs := hubCLI(t, "--demo", "--data", t.TempDir(), "--api", taken.Addr().String(), "--console", "127.0.0.1:0")
	if !strings.Contains(errs, "give --api another") {
		t.Errorf("the hub says %q", errs)
	}
}
