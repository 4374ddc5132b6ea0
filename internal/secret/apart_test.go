package secret_test

import (
	"testing"
	"unsafe"

	"kioskd/internal/secret"
)

// Texts that are made one after the other lie in blocks of their own: what is small and is
// made between them cannot keep one of them.
func TestApart(t *testing.T) {
	const block = 16 // that small texts share
	var kept []string
	for i := range 1000 {
		code, tag := secret.Apart([]byte("699652")), string([]byte{byte(i), byte(i >> 8)})
		if code != "699652" {
			t.Fatalf("it gives %q", code)
		}
		kept = append(kept, code, tag)
	}
	apart := map[uintptr]bool{}
	for i := 0; i < len(kept); i += 2 {
		apart[uintptr(unsafe.Pointer(unsafe.StringData(kept[i])))/block] = true
	}
	for i := 1; i < len(kept); i += 2 {
		if apart[uintptr(unsafe.Pointer(unsafe.StringData(kept[i])))/block] {
			t.Fatal("a small text lies in the block of one that is apart")
		}
	}
	if b := secret.Room(3); len(b) != 0 || cap(b) < block {
		t.Errorf("room for 3 is of %d, %d long", cap(b), len(b))
	}
}
