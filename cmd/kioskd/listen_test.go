package main

import (
	"net"
	"strings"
	"testing"
)

// An address that is taken: the error says where another one is set.
func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, err = listenForScreen(t.Context(), taken.Addr().String())
	for _, want := range []string{"another kioskd", "[screen]", "--listen"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if _, err := listenForScreen(t.Context(), "192.0.2.1:1"); err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("an address of elsewhere: %v", err)
	}
}
