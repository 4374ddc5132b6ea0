package escpos_test

import (
	"bytes"
	"errors"
	"math/bits"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/escpos"
)

// tricky draws bytes that like to form real-time sequences.
func tricky(n int) *rapid.Generator[[]byte] {
	b := rapid.OneOf(rapid.SampledFrom([]byte{0x10, 0x04, 0x05, 0x14, 0x01, 0x02, 0x08}), rapid.Byte())
	return rapid.SliceOfN(b, n, n)
}

// TestRasterNeverHoldsRealTime: whatever the picture, no printer acts on its
// bytes, wherever rows are cut off; at most one dot a byte is added, none is lost,
// and nothing moves.
func TestRasterNeverHoldsRealTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 80).Draw(t, "bytes"), rapid.IntRange(1, 60).Draw(t, "rows")
		b := dots.New(w*8, h)
		copy(b.Bits, tricky(w*h).Draw(t, "bits"))
		for y := range h { // rows end anywhere
			clear(b.Row(y)[rapid.IntRange(0, w).Draw(t, "ink"):])
		}
		before := bytes.Clone(b.Bits)

		var data []byte
		row := 0
		if err := escpos.Raster(b, 1984, func(c []byte) error {
			if len(c) > 1984 {
				t.Fatalf("a command of %d bytes", len(c))
			}
			wide := int(c[4]) | int(c[5])<<8
			for i := 8; i < len(c); i += wide {
				if !bytes.Equal(c[i:i+wide], b.Row(row)[:wide]) || b.Extent(row) > wide {
					t.Fatalf("row %d is not what was drawn", row)
				}
				row++
			}
			data = append(data, c...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if row != h {
			t.Fatalf("%d rows of %d", row, h)
		}
		if escpos.HasRealTime(data) {
			t.Fatal("the data holds a real-time sequence")
		}
		for i, now := range b.Bits {
			if was := before[i]; now&was != was || bits.OnesCount8(now) > bits.OnesCount8(was)+1 {
				t.Fatalf("byte %d changed from %02x to %02x", i, was, now)
			}
		}
		if n := escpos.Defuse(b); n != 0 {
			t.Fatalf("defusing again changes %d bytes", n)
		}
	})
}

// TestTextNeverHoldsRealTime: what cannot be text is refused.
func TestTextNeverHoldsRealTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := tricky(rapid.IntRange(0, 40).Draw(t, "length")).Draw(t, "text")
		data, err := escpos.AppendText(nil, escpos.Centre, []escpos.Span{{Text: text, Style: escpos.Style{Wide: 2, High: 9}}})
		if plain := !bytes.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7F }); plain != (err == nil) {
			t.Fatalf("% x: %v", text, err)
		}
		if escpos.HasRealTime(data) {
			t.Fatalf("% x holds a real-time sequence", data)
		}
	})
}

func TestQRNeverHoldsRealTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := string(rapid.SliceOf(rapid.Byte()).Draw(t, "content"))
		data, err := escpos.AppendQR(nil, content, rapid.IntRange(-1, 18).Draw(t, "module"), escpos.M)
		if err != nil {
			if !errors.Is(err, escpos.ErrQR) || len(data) != 0 {
				t.Fatalf("error %v, %d bytes", err, len(data))
			}
			return
		}
		if escpos.HasRealTime(data) {
			t.Fatalf("% x holds a real-time sequence", data)
		}
	})
	for n := 1; n <= escpos.MaxQR; n++ {
		data, err := escpos.AppendQR(nil, strings.Repeat("A", n), 4, escpos.Q)
		if err != nil || escpos.HasRealTime(data) {
			t.Fatalf("%d characters: %v", n, err)
		}
	}
}

// TestBytes holds the commands against the bytes that the manuals give.
func TestBytes(t *testing.T) {
	qr, err := escpos.AppendQR(nil, "K7F3", 6, escpos.M)
	if err != nil {
		t.Fatal(err)
	}
	text, err := escpos.AppendText(nil, escpos.Left, []escpos.Span{{Text: []byte("A"), Style: escpos.Style{Bold: true, High: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		got  []byte
		want string
	}{
		"init":        {escpos.Init(), "\x1b\x40"},
		"cut":         {escpos.Cut(24), "\x1d\x56\x42\x18"},
		"cut off":     {escpos.CutOff(24), "\x1d\x56\x41\x18"},
		"marker":      {escpos.Marker(), "\x1d\x72\x01"},
		"complete":    {escpos.Complete(escpos.NewJobID(95)), "\x1d\x28\x48\x06\x00\x30\x30\x20\x20\x21\x20"},
		"status":      {escpos.Status(4), "\x10\x04\x04"},
		"clear":       {escpos.Clear(), "\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"},
		"auto status": {escpos.AutoStatus(), "\x1d\x61\x0e"},
		"identity":    {escpos.Identity(67), "\x1d\x49\x43"},
		"blank":       {escpos.Blank(nil, 2), "\x1d\x76\x30\x00\x01\x00\x02\x00\x00\x00"},
		"text":        {text, "\x1ba\x00\x1bE\x01\x1dB\x00\x1d!\x01A\x0a"},
		"text mode":   {escpos.TextMode(), "\x1cC\x01\x1c&"},
		"width":       {escpos.AskPaperWidth(), "\x1d(E\x02\x00\x06\x03"},
		"qr": {qr, "\x1ba\x01" + "\x1d(k\x04\x001A2\x00" + "\x1d(k\x03\x001C\x06" + "\x1d(k\x03\x001E1" +
			"\x1d(k\x07\x001P0K7F3" + "\x1d(k\x03\x001Q0" + "\x1ba\x00"},
	}
	for name, tt := range tests {
		if string(tt.got) != tt.want {
			t.Errorf("%s: % x, want % x", name, tt.got, tt.want)
		}
	}
}

func TestJobIDsDiffer(t *testing.T) {
	seen := map[escpos.JobID]bool{}
	for n := range uint32(20000) {
		id := escpos.NewJobID(n)
		for _, b := range id {
			if b < 0x20 || b > 0x7E {
				t.Fatalf("job %d: byte %02x", n, b)
			}
		}
		if seen[id] {
			t.Fatalf("job %d repeats an id", n)
		}
		seen[id] = true
	}
}

func TestDemux(t *testing.T) {
	type list = []escpos.Answer
	id := escpos.NewJobID(7)
	done := append([]byte("\x37\x22"), id[:]...)
	tests := map[string]struct {
		in   string
		want list
	}{
		"real time": {"\x12\x16", list{{escpos.RealTime, []byte{0x12}}, {escpos.RealTime, []byte{0x16}}}},
		"passed":    {"\x00\x0f", list{{escpos.Passed, []byte{0}}, {escpos.Passed, []byte{0x0f}}}},
		"auto":      {"\x10\x00\x0c\x00", list{{escpos.Auto, []byte{0x10, 0, 0x0c, 0}}}},
		"completed": {string(done) + "\x00", list{{escpos.Block, done}}},
		"cleared":   {"\x37\x25\x00", list{{escpos.Block, []byte("\x37\x25")}}},
		"flow control inside": {"\x10\x13\x00\x0c\x11\x00", list{
			{escpos.Pause, nil}, {escpos.Resume, nil}, {escpos.Auto, []byte{0x10, 0, 0x0c, 0}},
		}},
		"auto broken off by an answer": {"\x10\x00\x12", list{{escpos.RealTime, []byte{0x12}}}},
		"answers inside a block": {"\x37\x22A\x12B\x10\x00\x0c\x00CD\x00", list{
			{escpos.RealTime, []byte{0x12}}, {escpos.Auto, []byte{0x10, 0, 0x0c, 0}}, {escpos.Block, []byte("\x37\x22ABCD")},
		}},
		"block broken off": {"\x37\x22AB\x0f\x12", list{{escpos.Passed, []byte{0x0f}}, {escpos.RealTime, []byte{0x12}}}},
		"width":            {"\x37\x27\x33\x1f6\x00", list{{escpos.Block, []byte("\x37\x27\x33\x1f6")}}},
		"noise":            {"\xff\x99\x12", list{{escpos.RealTime, []byte{0x12}}}},
	}
	for name, tt := range tests {
		var whole, single escpos.Demux
		got := whole.Feed([]byte(tt.in))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		var bytewise list
		for i := range len(tt.in) {
			bytewise = append(bytewise, single.Feed([]byte{tt.in[i]})...)
		}
		if diff := cmp.Diff(got, bytewise); diff != "" {
			t.Errorf("%s: cut into bytes (-whole +bytes):\n%s", name, diff)
		}
	}
	a := escpos.Answer{Kind: escpos.Block, Data: done}
	if got, ok := a.CompletedID(); !ok || got != id || a.Cleared() {
		t.Error("a completion is not recognised")
	}
	if mm, ok := (escpos.Answer{Kind: escpos.Block, Data: []byte("\x37\x27\x33\x1f2")}).PaperWidth(); !ok || mm != 58 {
		t.Error("a width is not recognised")
	}
	if text, ok := (escpos.Answer{Kind: escpos.Block, Data: []byte("\x5fTM-T20III")}).Identity(); !ok || text != "TM-T20III" {
		t.Error("an identity is not recognised")
	}
}

// FuzzDemux: after any rubbish the line is in step again within one answer, the
// cut of the reads does not matter, and nothing piles up.
func FuzzDemux(f *testing.F) {
	f.Add([]byte("\x12\x10\x00\x0c\x00\x37\x22ABCD\x00"), 3)
	f.Add([]byte("\x37\x25\x13\x11"), 1)
	f.Add(bytes.Repeat([]byte{0x37}, 600), 7)
	f.Fuzz(func(t *testing.T, rubbish []byte, cut int) {
		var whole, parts escpos.Demux
		want := whole.Feed(rubbish)
		var got []escpos.Answer
		size := 1 + (cut%16+16)%16
		for rest := rubbish; len(rest) > 0; {
			n := min(size, len(rest))
			got = append(got, parts.Feed(rest[:n])...)
			rest = rest[n:]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the cut matters (-whole +parts):\n%s", diff)
		}
		for _, a := range want {
			if len(a.Data) > 256 {
				t.Fatalf("an answer of %d bytes", len(a.Data))
			}
		}
		// A real-time answer is always seen, and at the latest after one answer more
		// the line is in step.
		if seen := whole.Feed([]byte{0x12}); len(seen) != 1 || seen[0].Kind != escpos.RealTime {
			t.Fatalf("a real-time answer becomes %v", seen)
		}
		whole.Feed([]byte{0x00})
		after := whole.Feed([]byte{0x12, 0x37, 0x25, 0x00, 0x10, 0, 0, 0})
		kinds := []escpos.Kind{}
		for _, a := range after {
			kinds = append(kinds, a.Kind)
		}
		if diff := cmp.Diff([]escpos.Kind{escpos.RealTime, escpos.Block, escpos.Auto}, kinds); diff != "" {
			t.Fatalf("out of step after rubbish:\n%s", diff)
		}
	})
}
