package starprnt_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/starprnt"
)

// TestRasterNeverHoldsRealTime: no picture holds what the printer acts on at once,
// wherever rows are cut off, none loses ink, and nothing moves.
func TestRasterNeverHoldsRealTime(t *testing.T) {
	tricky := rapid.OneOf(rapid.SampledFrom([]byte{0x1B, 0x06, 0x1D, 0x01, 0x18, 0x03, 0x04}), rapid.Byte())
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 80).Draw(t, "bytes"), rapid.IntRange(1, 60).Draw(t, "rows")
		b := dots.New(w*8, h)
		copy(b.Bits, rapid.SliceOfN(tricky, w*h, w*h).Draw(t, "bits"))
		for y := range h {
			clear(b.Row(y)[rapid.IntRange(0, w).Draw(t, "ink"):])
		}
		before := bytes.Clone(b.Bits)
		row := 0
		if err := starprnt.Raster(b, 1984, func(c []byte) error {
			if len(c) > 1984 || starprnt.HasRealTime(c[9:]) {
				t.Fatalf("%d bytes, or a real-time sequence", len(c))
			}
			wide := int(c[4])
			for i := 9; i < len(c); i += wide {
				if !bytes.Equal(c[i:i+wide], b.Row(row)[:wide]) || b.Extent(row) > wide {
					t.Fatalf("row %d is not what was drawn", row)
				}
				row++
			}
			return nil
		}); err != nil || row != h {
			t.Fatalf("%d rows of %d, %v", row, h, err)
		}
		for i, now := range b.Bits {
			if now&before[i] != before[i] {
				t.Fatalf("byte %d lost ink", i)
			}
		}
		if n := starprnt.Defuse(b); n != 0 {
			t.Fatalf("defusing again changes %d bytes", n)
		}
	})
}

func TestBytes(t *testing.T) {
	for name, tt := range map[string]struct {
		got  []byte
		want string
	}{
		"init": {starprnt.Init(), "\x1b@"}, "status": {starprnt.Status(), "\x1b\x06\x01"}, "end": {starprnt.End(), "\x17"},
		"auto status": {starprnt.AutoStatus(), "\x1b\x1ea\x01"}, "cut off": {starprnt.CutOff(), "\x1bd\x02"}, "cut": {starprnt.Cut(), "\x1bd\x03"},
		"identity": {starprnt.Identity(), "\x1b#*\x0a\x00"}, "blank": {starprnt.Blank(nil, 2), "\x1b\x1dS\x01\x01\x00\x02\x00\x00\x00\x00"},
	} {
		if string(tt.got) != tt.want {
			t.Errorf("%s: % x, want % x", name, tt.got, tt.want)
		}
	}
}

func TestDemux(t *testing.T) {
	report := func(r starprnt.Report) starprnt.Answer { return starprnt.Answer{Report: &r} }
	tests := map[string]struct {
		in   string
		want []starprnt.Answer
	}{
		"well":           {"\x23\x06\x00\x00\x00\x00\x00\x00\x00", []starprnt.Answer{report(starprnt.Report{})}},
		"seven bytes":    {"\x0f\x00\x20\x00\x00\x00\x00", []starprnt.Answer{report(starprnt.Report{Cover: true})}},
		"cover, offline": {"\x23\x06\x28\x00\x00\x00\x00\x00\x00", []starprnt.Answer{report(starprnt.Report{Cover: true, Offline: true})}},
		"errors":         {"\x23\x06\x08\x68\x00\x00\x00\x00\x00", []starprnt.Answer{report(starprnt.Report{Offline: true, Hot: true, Broken: true, Cutter: true})}},
		"paper":          {"\x23\x06\x08\x00\x00\x0c\x00\x00\x00", []starprnt.Answer{report(starprnt.Report{Offline: true, PaperOut: true, NearEnd: true})}},
		"counter":        {"\x23\x06\x00\x00\x00\x00\x00\x6e\x00", []starprnt.Answer{report(starprnt.Report{Counter: 31})}},
		"identity":       {"\x1b#*,TSP654IIVer2.0\n\x00", []starprnt.Answer{{Identity: "TSP654IIVer2.0"}}},
		"cut short":      {"\x23\x06\x00\x23\x06\x00\x00\x00\x00\x00\x00\x00", []starprnt.Answer{report(starprnt.Report{})}},
		"noise":          {"\xff\x10\x02\x0f\x00\x20\x00\x00\x00\x00", []starprnt.Answer{report(starprnt.Report{Cover: true})}},
	}
	for name, tt := range tests {
		var whole, single starprnt.Demux
		got := whole.Feed([]byte(tt.in))
		if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(starprnt.Report{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		var bytewise []starprnt.Answer
		for i := range len(tt.in) {
			bytewise = append(bytewise, single.Feed([]byte{tt.in[i]})...)
		}
		if diff := cmp.Diff(got, bytewise, cmpopts.IgnoreUnexported(starprnt.Report{})); diff != "" {
			t.Errorf("%s: cut into bytes:\n%s", name, diff)
		}
	}
}

// FuzzDemux: after any rubbish the line is in step again within one answer, and the
// cut of the reads does not matter.
func FuzzDemux(f *testing.F) {
	f.Add([]byte("\x23\x06\x28\x00\x00\x00\x00\x00\x00\x1b#*,A\n\x00"), 3)
	f.Add(bytes.Repeat([]byte{0x1B}, 600), 7)
	f.Fuzz(func(t *testing.T, rubbish []byte, cut int) {
		var whole, parts starprnt.Demux
		want := whole.Feed(rubbish)
		var got []starprnt.Answer
		size := 1 + (cut%16+16)%16
		for rest := rubbish; len(rest) > 0; {
			n := min(size, len(rest))
			got = append(got, parts.Feed(rest[:n])...)
			rest = rest[n:]
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(starprnt.Report{})); diff != "" {
			t.Fatalf("the cut matters:\n%s", diff)
		}
		frame := []byte("\x23\x06\x28\x00\x00\x00\x00\x00\x00")
		whole.Feed(append([]byte{0x1B}, frame...)) // an open text ends with ESC, and at the latest here
		whole.Feed(make([]byte, 300))
		after := whole.Feed(frame)
		if len(after) != 1 || after[0].Report == nil || !after[0].Report.Cover {
			t.Fatalf("out of step: %v", after)
		}
	})
}
