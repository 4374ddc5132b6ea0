// Package oracletest reads what is sent to a slip printer, as a second opinion in
// tests. It is written from the references of the command languages alone and shares
// no code with the encoders (escpos, starprnt) or the virtual printer (printertest):
// what all of them agree on is not the mistake of one of them.
//
// It is strict where a printer is not. A printer takes an unknown byte for a letter or
// drops it; here every command must be in the table, whole, in its place and with
// parameters that the reference allows. It knows only what slips use.
//
// [Language.Read] takes a stream apart into commands, [Language.Hidden] looks for
// what a printer would act on in the middle of one, and [Paper] says what the commands
// put on the paper.
package oracletest

import (
	"errors"
	"fmt"
	"strings"
)

// Command is one command of a stream, or a run of characters.
type Command struct {
	At   int    // of its first byte
	Name string // as the reference names it; Letters for characters
	Args []byte // its parameters
	Data []byte // what it carries: rows, content of a QR code, characters
}

// Letters is the name of a run of characters.
const Letters = "letters"

// What is wrong with a stream.
var (
	ErrUnknown = errors.New("no such command")
	ErrShort   = errors.New("the command is cut short")
	ErrArgs    = errors.New("parameters that the reference does not allow")
)

// Language is a command language.
type Language struct {
	commands []entry
	letters  bool // it prints characters
	// atOnce are the two bytes with which begins what a printer acts on the moment it
	// arrives, even inside data.
	atOnce []string
}

// entry is a line of a command reference.
type entry struct {
	code string // the bytes it begins with
	name string
	args int // parameters that follow
	// allowed judges them; nil: all are.
	allowed func(args []byte) bool
	// data is how many bytes follow the parameters; nil: none.
	data func(args []byte) int
}

// Read takes a whole stream apart. The error says what is wrong first, and where.
func (l Language) Read(stream []byte) ([]Command, error) {
	var out []Command
	for at := 0; at < len(stream); {
		c, n, err := l.next(stream[at:])
		if err != nil {
			return out, fmt.Errorf("byte %d (% x): %w", at, stream[at:min(at+8, len(stream))], err)
		}
		c.At = at
		out = append(out, c)
		at += n
	}
	return out, nil
}

// next reads the command that b begins with.
func (l Language) next(b []byte) (c Command, n int, err error) {
	if l.letters && letter(b[0]) {
		for n < len(b) && letter(b[n]) {
			n++
		}
		return Command{Name: Letters, Data: b[:n]}, n, nil
	}
	e, err := l.find(b)
	if err != nil {
		return c, 0, err
	}
	n = len(e.code) + e.args
	if len(b) < n {
		return c, 0, ErrShort
	}
	c = Command{Name: e.name, Args: b[len(e.code):n]}
	if e.allowed != nil && !e.allowed(c.Args) {
		return c, 0, ErrArgs
	}
	if e.data != nil {
		more := e.data(c.Args)
		if len(b) < n+more {
			return c, 0, ErrShort
		}
		c.Data = b[n : n+more]
		n += more
	}
	return c, n, nil
}

func (l Language) find(b []byte) (entry, error) {
	err := ErrUnknown
	for _, e := range l.commands {
		if strings.HasPrefix(string(b[:min(len(b), len(e.code))]), e.code) {
			return e, nil
		}
		if strings.HasPrefix(e.code, string(b[:min(len(b), len(e.code))])) {
			err = ErrShort // it may still become this one
		}
	}
	return entry{}, err
}

// letter: no control character. The second byte of a kanji is none either.
func letter(b byte) bool { return b >= 0x20 && b != 0x7F }

// Hidden gives the places where the stream holds what a printer would act on at once,
// although no command of it begins there.
func (l Language) Hidden(stream []byte, commands []Command) []int {
	begins := map[int]bool{}
	for _, c := range commands {
		if c.Name != Letters {
			begins[c.At] = true
		}
	}
	var out []int
	for _, code := range l.atOnce {
		for at := range stream {
			if strings.HasPrefix(string(stream[at:min(at+len(code), len(stream))]), code) && !begins[at] {
				out = append(out, at)
			}
		}
	}
	return out
}
