package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/text/encoding/japanese"

	"kioskd/internal/hw/printer"
)

// peer is receiptline and receiptio at work on the same slip, in a process that lives
// as long as the bench: it is as warm as we are.
type peer struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	took  map[string][]time.Duration
	bytes map[string]int
}

func startPeer(ctx context.Context, script, slip string) (*peer, error) {
	if _, err := os.Stat(script); err != nil {
		return nil, fmt.Errorf("cannot measure the peer: %w", err)
	}
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot measure the peer: %w", err)
	}
	p := &peer{cmd: cmd, in: in, out: bufio.NewScanner(out), bytes: map[string]int{}}
	p.forget()
	first, err := json.Marshal(slip)
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	_, err = fmt.Fprintf(in, "%s\n", first)
	return p, err
}

// run has it make the slip once.
func (p *peer) run(way string) error {
	if _, err := fmt.Fprintln(p.in, way); err != nil {
		return fmt.Errorf("cannot measure the peer: %w (make e2e/node_modules/.stamp?)", err)
	}
	if !p.out.Scan() {
		return errors.Join(errors.New("cannot measure the peer: it ended (make e2e/node_modules/.stamp?)"), p.out.Err())
	}
	var answer struct {
		MS    float64 `json:"ms"`
		Bytes int     `json:"bytes"`
	}
	if err := json.Unmarshal(p.out.Bytes(), &answer); err != nil {
		return err
	}
	p.took[way] = append(p.took[way], time.Duration(answer.MS*float64(time.Millisecond)))
	p.bytes[way] = answer.Bytes
	return nil
}

func (p *peer) forget() { p.took = map[string][]time.Duration{} }

func (p *peer) end() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }

// markdown says in receiptline's language what our typed slip says: the same lines,
// broken at the same places, in the same looks, and the same code.
func markdown(draw printer.Drawing, p printer.Profile) (string, error) {
	var doc strings.Builder
	doc.WriteString("{width:*; border:space}\n")
	for piece, err := range draw(p) {
		if err != nil {
			return "", err
		}
		switch piece := piece.(type) {
		case printer.Line:
			line, err := markdownLine(piece)
			if err != nil {
				return "", err
			}
			doc.WriteString(line + "\n")
		case printer.QR:
			fmt.Fprintf(&doc, "{code:%s; option:qrcode,%d,m}\n", piece.Content, piece.Module)
		default:
			return "", fmt.Errorf("cannot say a %T in markdown", piece)
		}
	}
	return doc.String() + "=\n", nil
}

func markdownLine(l printer.Line) (string, error) {
	const special = `\{|}~_"` + "`^"
	var line strings.Builder
	for _, s := range l.Spans {
		utf8, err := japanese.ShiftJIS.NewDecoder().Bytes(s.Text)
		if err != nil {
			return "", err
		}
		text := string(utf8)
		if strings.Trim(text, "─") == "" && text != "" {
			return "-", nil
		}
		mark := ""
		if s.Bold {
			mark += `"`
		}
		if s.Reverse {
			mark += "`"
		}
		if s.Size == 2 {
			mark += "^^^"
		}
		line.WriteString(mark)
		for _, r := range text {
			switch {
			case r == ' ':
				r = '~'
			case strings.ContainsRune(special, r):
				line.WriteByte('\\')
			}
			line.WriteRune(r)
		}
		if text != "" {
			line.WriteString(mark)
		}
	}
	switch l.Align {
	case printer.Left:
		return "|" + line.String(), nil
	case printer.Right:
		return line.String() + "|", nil
	case printer.Centre:
	}
	return line.String(), nil
}
