package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// played is the card command with both ends of its input and output.
type played struct {
	*testing.T
	in    *io.PipeWriter
	lines chan string
	code  chan int
	stop  func() // as a signal does
}

func play(t *testing.T, args ...string) *played {
	t.Helper()
	stdin, in := io.Pipe()
	out, stdout := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	p := &played{t, in, make(chan string, 100), make(chan int, 1), cancel}
	go func() {
		p.code <- cardCommand(ctx, args, stdin, stdout, io.Discard)
		_ = stdout.Close()
	}()
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	return p
}

func (p *played) tell(line string) {
	p.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.Fatal(err)
	}
}

const unreachable = "cannot reach vpcd at "

// hears waits for a line. On a busy machine it may hear meanwhile that vpcd takes
// its time.
func (p *played) hears(prefix string) {
	p.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for {
		select {
		case line, ok := <-p.lines:
			switch {
			case strings.HasPrefix(line, prefix):
				return
			case !ok || !strings.HasPrefix(line, unreachable):
				p.Fatalf("said %q, want %q", line, prefix)
			}
		case <-limit.C:
			p.Fatalf("not said: %q", prefix)
		}
	}
}

func (p *played) ends() {
	p.Helper()
	if code := <-p.code; code != exitOK {
		p.Errorf("code %d", code)
	}
}

// reader is what vpcd does on one connection: it asks for the answer to reset,
// then lets the card carry out a command.
type reader struct {
	*testing.T
	net.Conn
}

func (r *reader) ask(payload ...byte) []byte {
	r.Helper()
	if _, err := r.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(payload))), payload...)); err != nil {
		r.Fatal(err)
	}
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		r.Fatal(err)
	}
	answer := make([]byte, binary.BigEndian.Uint16(head[:]))
	if _, err := io.ReadFull(r, answer); err != nil {
		r.Fatal(err)
	}
	return answer
}

func (r *reader) takes() {
	r.Helper()
	if atr := r.ask(0x04); len(atr) == 0 || atr[0] != 0x3B {
		r.Errorf("answer to reset % X", atr)
	}
}

func vpcd(t *testing.T) (addr string, card func() *reader) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String(), func() *reader {
		t.Helper()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return &reader{t, c}
	}
}

func TestCardOnTheReader(t *testing.T) {
	addr, card := vpcd(t)
	p := play(t, "--vpcd", addr, "taro")
	r := card()
	r.takes()
	p.hears("on the reader: taro")
	if answer := r.ask(0x00, 0xA4, 0x04, 0x0C, 2, 0x12, 0x34); string(answer) != "\x6A\x82" {
		t.Errorf("answer % X", answer)
	}
	p.tell("state")
	p.hears("persona taro, on the reader")
	p.tell("log")
	p.hears("00 A4 04 0C")
	p.hears("exchanges: 1")

	p.tell("put waon-1") // another connection, which vpcd takes
	p.hears("off the reader")
	r = card()
	r.takes()
	p.hears("on the reader: waon-1")
	p.tell("lift")
	p.hears("off the reader")
	p.tell("dance")
	p.hears(`error: there is no command "dance"`)
	p.tell("put taro")
	card().takes()
	p.hears("on the reader: taro")
	p.tell("quit")
	p.ends()
}

// Without vpcd it says so once, and tries on; the end of its input ends nothing.
func TestCardWithoutVPCD(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	p := play(t, "taro", "--vpcd", addr)
	_ = p.in.Close()
	p.hears(unreachable + addr + ": start pcscd with a vpcd reader (Debian: pcscd, vsmartcard-vpcd)")
	l, err = net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	(&reader{t, c}).takes()
	p.hears("on the reader: taro")
	_ = c.Close()
	p.hears("off the reader")
	p.stop()
	p.ends()
}
