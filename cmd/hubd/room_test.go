package main

import (
	"bytes"
	"log/slog"
	"math"
	"strings"
	"testing"
)

func TestRoom(t *testing.T) {
	var said bytes.Buffer
	r := &room{dir: t.TempDir(), least: math.MaxUint64, log: slog.New(slog.NewTextHandler(&said, nil))}
	for range 3 {
		if err := r.check(); err == nil {
			t.Error("a disk with too little room is fit")
		}
	}
	r.least = 1
	for range 3 {
		if err := r.check(); err != nil {
			t.Error(err)
		}
	}
	r.dir += "/nowhere"
	if err := r.check(); err == nil {
		t.Error("a disk that does not answer is fit")
	}
	if n := strings.Count(said.String(), "alarm=true"); n != 2 || strings.Count(said.String(), "room again") != 1 {
		t.Errorf("the log tells of each change once:\n%s", &said)
	}
}
