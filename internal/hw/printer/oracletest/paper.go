package oracletest

import (
	"errors"
	"fmt"

	"golang.org/x/text/encoding/japanese"
)

// Kind says what an item is.
type Kind string

// The kinds.
const (
	Init    Kind = "init" // modes are fresh
	Line    Kind = "line"
	Picture Kind = "picture"
	Code    Kind = "qr"
	Cut     Kind = "cut"
	Marker  Kind = "marker"  // asks for an answer when what came before has been worked off
	Confirm Kind = "confirm" // asks for an answer when what came before has been printed
)

// Item is something that happens on the paper, or that the printer is to answer.
type Item struct {
	Kind Kind
	At   int // in the stream

	Align byte  // of a Line or Code: 0 left, 1 centre, 2 right
	Runs  []Run // of a Line

	Width, Rows int    // of a Picture: bytes a row, rows; Rows of a Cut: the feed before it
	Bits        []byte // of a Picture

	Content string // of a Code; of a Confirm: the name of the job
	Module  int    // of a Code: dots
	Level   byte   // of a Code: 'L', 'M', 'Q' or 'H'
}

// Run is characters of one look.
type Run struct {
	Text          string
	Bold, Reverse bool
	Wide, High    int
}

// ErrPlace says that a command stands where it has no effect or another one.
var ErrPlace = errors.New("the command is out of place")

// Paper says what commands put on the paper.
func Paper(commands []Command) ([]Item, error) {
	p := paper{}
	p.fresh()
	for _, c := range commands {
		if err := p.take(c); err != nil {
			return p.items, fmt.Errorf("byte %d, %s % x: %w", c.At, c.Name, c.Args, err)
		}
	}
	if p.open != nil {
		return p.items, fmt.Errorf("the last line: %w", ErrShort)
	}
	return p.items, nil
}

// paper is the state that commands set.
type paper struct {
	items []Item
	open  []Run // the line that is being set

	look  Run
	align byte
	sjis  bool
	kanji bool

	model, level byte // of QR codes; 0: not set
	module       int
	content      string
}

// fresh is what ESC @ leaves.
func (p *paper) fresh() { *p = paper{items: p.items, look: Run{Wide: 1, High: 1}} }

func (p *paper) put(c Command, i Item) {
	i.At = c.At
	p.items = append(p.items, i)
}

func (p *paper) take(c Command) error {
	if p.open != nil { // only its look may change before its end
		switch c.Name {
		case Letters, "LF", "ESC E", "GS B", "GS !", "DLE EOT", "ESC ACK SOH":
		default:
			return ErrPlace
		}
	}
	switch c.Name {
	case "ESC @":
		p.fresh()
		p.put(c, Item{Kind: Init})
	case "ESC a":
		p.align = c.Args[0]
	case "ESC E":
		p.look.Bold = c.Args[0]&1 == 1
	case "GS B":
		p.look.Reverse = c.Args[0]&1 == 1
	case "GS !":
		p.look.Wide, p.look.High = int(c.Args[0]/16)+1, int(c.Args[0]%16)+1
	case "FS C":
		p.sjis = c.Args[0] == 1
	case "FS &":
		p.kanji = true
	case "FS .":
		p.kanji = false
	case Letters:
		return p.letters(c)
	case "LF":
		p.put(c, Item{Kind: Line, Align: p.align, Runs: p.open})
		p.open = nil
	case "GS v 0", "ESC GS S":
		p.put(c, Item{Kind: Picture, Width: number(c.Args[1:]), Rows: number(c.Args[3:]), Bits: c.Data})
	case "GS V A", "GS V B":
		p.put(c, Item{Kind: Cut, Rows: int(c.Args[0])})
	case "ESC d":
		p.put(c, Item{Kind: Cut})
	case "GS r":
		p.put(c, Item{Kind: Marker})
	case "ETB": // whether it ends a job or a part of it, only its place can say
		p.put(c, Item{Kind: Marker})
	case "GS ( H":
		return p.confirm(c)
	case "GS ( k":
		return p.code(c)
	}
	return nil // the others do nothing to the paper
}

// letters decodes characters: Shift_JIS, which the printer has been told.
func (p *paper) letters(c Command) error {
	if !p.sjis || !p.kanji {
		return fmt.Errorf("characters without kanji mode: %w", ErrPlace)
	}
	run := p.look
	text, err := japanese.ShiftJIS.NewDecoder().Bytes(c.Data)
	if err != nil {
		return err
	}
	// The decoder writes its mark for what it does not know.
	back, err := japanese.ShiftJIS.NewEncoder().Bytes(text)
	if err != nil || string(back) != string(c.Data) {
		return fmt.Errorf("no Shift_JIS: % x: %w", c.Data, ErrArgs)
	}
	run.Text = string(text)
	p.open = append(p.open, run)
	return nil
}

// confirm is function 48: a name of four characters.
func (p *paper) confirm(c Command) error {
	d := c.Data
	if len(d) != 6 || d[0] != '0' || d[1] != '0' {
		return ErrArgs
	}
	for _, b := range d[2:] {
		if b < 0x20 || b > 0x7E {
			return ErrArgs
		}
	}
	p.put(c, Item{Kind: Confirm, Content: string(d[2:])})
	return nil
}

// code is a function for QR codes.
func (p *paper) code(c Command) error {
	d := c.Data
	if len(d) < 3 || d[0] != '1' {
		return ErrArgs
	}
	n := len(d) - 2
	switch d[1] {
	case 'A':
		if n != 2 || d[2] != '2' || d[3] != 0 {
			return ErrArgs
		}
		p.model = 2
	case 'C':
		if n != 1 || d[2] < 1 || d[2] > 16 {
			return ErrArgs
		}
		p.module = int(d[2])
	case 'E':
		if n != 1 || d[2] < '0' || d[2] > '3' {
			return ErrArgs
		}
		p.level = "LMQH"[d[2]-'0']
	case 'P':
		if n < 2 || d[2] != '0' {
			return ErrArgs
		}
		p.content = string(d[3:])
	case 'Q':
		if n != 1 || d[2] != '0' {
			return ErrArgs
		}
		if p.model == 0 || p.module == 0 || p.level == 0 || p.content == "" {
			return fmt.Errorf("the code is not set up: %w", ErrPlace)
		}
		p.put(c, Item{Kind: Code, Align: p.align, Content: p.content, Module: p.module, Level: p.level})
	default:
		return ErrArgs
	}
	return nil
}

// Rows lays pictures one under the other, on paper so many bytes wide.
func Rows(items []Item, stride int) ([]byte, error) {
	var out []byte
	for _, i := range items {
		if i.Width > stride {
			return nil, fmt.Errorf("byte %d: a picture of %d bytes on paper of %d", i.At, i.Width, stride)
		}
		for y := range i.Rows {
			row := make([]byte, stride)
			if i.Kind == Picture {
				copy(row, i.Bits[y*i.Width:(y+1)*i.Width])
			}
			out = append(out, row...)
		}
	}
	return out, nil
}
