package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const word = "Zebra42"

func TestNeverPrinted(t *testing.T) {
	s := New([]byte(word))
	holder := struct {
		S Secret
		P *Secret
	}{s, &s}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("Typed", "secret", s, "in", slog.AnyValue(s))
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb+verb+"\n", s, holder)
	}
	out.WriteString(log.String())
	for _, form := range []string{word, fmt.Sprintf("%x", word), fmt.Sprintf("%X", word), "90 101 98"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q is printed", form)
		}
	}
}

func TestNeverMarshalled(t *testing.T) {
	s := New([]byte(word))
	if _, err := json.Marshal(struct{ S Secret }{s}); !errors.Is(err, ErrMarshal) {
		t.Errorf("json: %v", err)
	}
	if _, err := xml.Marshal(s); !errors.Is(err, ErrMarshal) {
		t.Errorf("xml: %v", err)
	}
	if err := gob.NewEncoder(new(bytes.Buffer)).Encode(s); !errors.Is(err, ErrMarshal) {
		t.Errorf("gob: %v", err)
	}
}

func TestWipeZeroesTheOneBuffer(t *testing.T) {
	var s Secret
	for _, c := range []byte(word) {
		if !s.Append(c) {
			t.Fatal("no room")
		}
	}
	shared := s
	lent := s.Bytes()
	s.Erase()
	if lent[len(word)-1] != 0 {
		t.Error("an erased byte stays in memory")
	}
	s.Wipe()
	if !bytes.Equal(lent, make([]byte, len(lent))) {
		t.Errorf("left in memory: %q", lent)
	}
	if s.Len() != 0 || shared.Len() != 0 {
		t.Error("a wiped secret has characters")
	}
	s.Wipe()
	s.Erase()
}

func TestCloneIsItsOwn(t *testing.T) {
	a := New([]byte(word))
	b := a.Clone()
	if !a.Equal(b) {
		t.Error("a clone differs")
	}
	a.Wipe()
	if string(b.Bytes()) != word || a.Equal(b) {
		t.Error("wiping one wipes the other")
	}
}

func TestLimit(t *testing.T) {
	if New(bytes.Repeat([]byte("x"), MaxLen+1)).Len() != 0 {
		t.Error("a secret that is too long is cut instead of refused")
	}
	full := New(bytes.Repeat([]byte("x"), MaxLen))
	if full.Append('y') || full.Len() != MaxLen {
		t.Error("one too many")
	}
	if lent := full.Bytes(); cap(lent) != len(lent) {
		t.Error("appending to what was lent could write into the buffer")
	}
}

// What is lent as a text is the secret itself: it goes with it.
func TestTextIsLent(t *testing.T) {
	s := New([]byte("Zebra42"))
	text := s.Text()
	if text != "Zebra42" {
		t.Errorf("it is %q", text)
	}
	s.Wipe()
	if text != "\x00\x00\x00\x00\x00\x00\x00" {
		t.Errorf("after the wipe it is %q", text)
	}
	var none Secret
	if none.Text() != "" {
		t.Errorf("no secret is %q", none.Text())
	}
}
