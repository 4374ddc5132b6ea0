package felica

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestReadFrameBytes(t *testing.T) {
	got := readFrame([8]byte{1, 2, 3, 4, 5, 6, 7, 8}, 0x684F, 0)
	if want := "1006010203040506070801" + "4f68" + "018000"; hex.EncodeToString(got) != want {
		t.Errorf("got %x, want %s", got, want)
	}
	if got := pollFrame(Common); !bytes.Equal(got, []byte{6, 0, 0xFE, 0, 0, 0}) {
		t.Errorf("poll: got %x", got)
	}
}

func TestParseRead(t *testing.T) {
	idm := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	good := append([]byte{0x1D, 0x07, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 1}, bytes.Repeat([]byte{0x12}, 16)...)
	if b, err := parseRead(good, idm); err != nil || b[0] != 0x12 || b[15] != 0x12 {
		t.Errorf("good frame: %x, %v", b, err)
	}
	for about, b := range map[string][]byte{
		"empty":           nil,
		"short":           {0x02, 0x07},
		"wrong length":    append([]byte{0x1C}, good[1:]...),
		"wrong code":      append([]byte{0x1D, 0x05}, good[2:]...),
		"another card":    append([]byte{0x1D, 0x07, 9}, good[3:]...),
		"no such service": {0x0C, 0x07, 1, 2, 3, 4, 5, 6, 7, 8, 0x01, 0xA6},
		"two blocks said": append(append(bytes.Clone(good[:12]), 2), good[13:]...),
		"no block":        {0x0D, 0x07, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0},
	} {
		if _, err := parseRead(b, idm); err == nil {
			t.Errorf("%s: accepted", about)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x12, 1, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte{0x0C, 7, 1, 2, 3, 4, 5, 6, 7, 8, 1, 0xA6})
	f.Add(append([]byte{0x1D, 7, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 1}, bytes.Repeat([]byte{0x69}, 16)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		idm, err := parsePoll(b)
		if err == nil && !bytes.Equal(b[2:10], idm[:]) {
			t.Fatal("identifier does not stand in the frame")
		}
		for _, id := range [][8]byte{idm, {1, 2, 3, 4, 5, 6, 7, 8}} {
			block, err := parseRead(b, id)
			if err != nil {
				continue
			}
			if len(b) != 29 || !bytes.Equal(b[13:], block[:]) {
				t.Fatalf("block %x out of frame %x", block, b)
			}
			if n, err := Number(block); err == nil && (len(n) != 16 || n == "0000000000000000") {
				t.Fatalf("number %q", n)
			}
		}
	})
}
