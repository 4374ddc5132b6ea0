package secret

import (
	"bytes"
	"os"
	"testing"
	"unsafe"
)

const marker = 0xA7

// scribble leaves a text on the stack, and tells where.
//
//go:noinline
func scribble() uintptr {
	var text [2048]byte
	scrawl(&text)
	return uintptr(unsafe.Pointer(&text))
}

//go:noinline
func scrawl(text *[2048]byte) {
	for i := range text {
		text[i] = marker
	}
}

func TestTheStackIsOverwritten(t *testing.T) {
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mem.Close() }()
	left := func(run func(func())) int {
		at, looked := make(chan uintptr), make(chan struct{})
		go func() { // its stack stays as it is while somebody looks
			overwriteStack() // there is room
			var where uintptr
			run(func() { where = scribble() })
			at <- where
			<-looked
		}()
		b := make([]byte, 2048)
		_, err := mem.ReadAt(b, int64(<-at))
		close(looked)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(b, bytes.Repeat([]byte{marker}, 8)) // one alone may be by chance
	}
	if n := left(func(f func()) { f() }); n < 50 {
		t.Errorf("only %d pieces are left without: this test sees nothing", n)
	}
	if n := left(Aside); n != 0 {
		t.Errorf("%d pieces are left", n)
	}
}
