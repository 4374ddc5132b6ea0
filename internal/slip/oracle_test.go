package slip_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/japanese"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/oracletest"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/lang"
)

// tee notes what is written to a printer.
type tee struct {
	printer.Port
	sent *bytes.Buffer
}

func (t tee) Write(b []byte) (int, error) {
	t.sent.Write(b)
	return t.Port.Write(b)
}

// recorded is what the real driver sends for a slip, from its first hello on, and the
// paper that comes out.
func recorded(t *testing.T, model printertest.Model, p printer.Profile, draw printer.Drawing) (stream []byte, out *dots.Bitmap) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		dev := printertest.NewModel(model)
		defer dev.Close()
		var sent bytes.Buffer
		drv := printer.New(func(ctx context.Context) (printer.Port, error) {
			port, err := dev.Dial(ctx)
			return tee{port, &sent}, err
		}, p, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = drv.Run(ctx) }()
		if outcome, err := drv.Print(ctx, printer.Job{ID: "test", Draw: draw}); outcome != printer.Printed {
			t.Fatalf("outcome %s, %v", outcome, err)
		}
		stop()
		<-ended
		slips := dev.Slips()
		if len(slips) != 1 || !slips[0].Complete {
			t.Fatalf("%d slips", len(slips))
		}
		stream, out = sent.Bytes(), slips[0].Bitmap
	})
	return stream, out
}

// TestSecondOpinion lets a reader that shares no code with driver and virtual printer
// look at the whole stream of every slip.
func TestSecondOpinion(t *testing.T) {
	unraced(t)
	m := newMaker(t)
	each(t, func(t *testing.T, _ string, s sample, p printer.Profile) {
		model := printertest.Epson()
		model.Dots = p.Dots
		stream, out := recorded(t, model, p, m.Draw(s.slip, s.reprint))
		job := judged(t, oracletest.ESCPOS(), oracletest.Confirm, stream)
		if p.Text {
			typedJob(t, job, s, p)
			return
		}
		drawnJob(t, job, s, p, out)
	})
	for _, s := range append(samples("ja"), samples("en")...) {
		for _, width := range []int{576, 384} {
			t.Run(fmt.Sprintf("%s-%s-%d-star", s.name, s.slip.Lang, width), func(t *testing.T) {
				model, p := printertest.Star(), printer.Star()
				model.Dots, p.Dots = width, width
				stream, out := recorded(t, model, p, m.Draw(s.slip, s.reprint))
				drawnJob(t, judged(t, oracletest.StarPRNT(), oracletest.Marker, stream), s, p, out)
			})
		}
	}
}

// judged reads a stream and gives what its last job puts on the paper, the cut
// included. Whatever else was sent, there is one cut, it is the last thing on the
// paper, and the question that it was printed comes after it.
func judged(t *testing.T, l oracletest.Language, last oracletest.Kind, stream []byte) []oracletest.Item {
	t.Helper()
	commands, err := l.Read(stream)
	if err != nil {
		t.Fatal(err)
	}
	if at := l.Hidden(stream, commands); len(at) != 0 {
		t.Fatalf("a printer would act on what stands inside data, at %v", at)
	}
	items, err := oracletest.Paper(commands)
	if err != nil {
		t.Fatal(err)
	}
	begin := 0
	for i, item := range items {
		if item.Kind == oracletest.Init {
			begin = i
		}
	}
	body := items[begin+1:]
	if n := len(body); n < 3 || body[n-1].Kind != last || body[n-2].Kind != oracletest.Cut {
		t.Fatalf("the job does not end with its cut and a %s", last)
	}
	body = slices.DeleteFunc(body[:len(body)-1], func(i oracletest.Item) bool { return i.Kind == oracletest.Marker })
	for _, item := range body[:len(body)-1] {
		if item.Kind == oracletest.Cut || item.Kind == oracletest.Confirm {
			t.Fatalf("a %s in the middle of the job, at byte %d", item.Kind, item.At)
		}
	}
	return body
}

// drawnJob: the rows that were sent are the rows on the paper. Where the printer draws
// the code, they stand above and below it.
func drawnJob(t *testing.T, job []oracletest.Item, s sample, p printer.Profile, out *dots.Bitmap) {
	t.Helper()
	above, below := job, []oracletest.Item(nil)
	if p.QR {
		at := slices.IndexFunc(job, func(i oracletest.Item) bool { return i.Kind == oracletest.Code })
		if at < 0 {
			t.Fatal("no QR code")
		}
		above, below = job[:at], job[at+1:]
		code(t, job[at], s)
	}
	for _, i := range slices.Concat(above, below) {
		if i.Kind != oracletest.Picture && i.Kind != oracletest.Cut {
			t.Fatalf("a %s in a drawn slip", i.Kind)
		}
	}
	head, err := oracletest.Rows(above, out.Stride)
	if err != nil {
		t.Fatal(err)
	}
	foot, err := oracletest.Rows(below, out.Stride)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(out.Bits, head) || !bytes.HasSuffix(out.Bits, foot) || !p.QR && len(head) != len(out.Bits) {
		t.Errorf("%d and %d bytes of rows are not the %d bytes on the paper", len(head), len(foot), len(out.Bits))
	}
}

// code holds a QR code that the printer draws against the number that it must show.
func code(t *testing.T, i oracletest.Item, s sample) {
	t.Helper()
	if i.Content != s.code || i.Level != 'M' || i.Module < 4 || i.Align != 1 {
		t.Errorf("QR code %q, level %c, %d dots a module, place %d; want %q", i.Content, i.Level, i.Module, i.Align, s.code)
	}
}

// typedJob: the lines are those of the layout, and they say what the slip is for.
func typedJob(t *testing.T, job []oracletest.Item, s sample, p printer.Profile) {
	t.Helper()
	type line struct {
		Align byte
		Runs  []oracletest.Run
	}
	var got, want []line
	var all strings.Builder
	codes := 0
	for _, i := range job {
		switch i.Kind {
		case oracletest.Line:
			got = append(got, line{i.Align, i.Runs})
			for _, r := range i.Runs {
				all.WriteString(r.Text)
			}
		case oracletest.Code:
			codes++
			code(t, i, s)
		case oracletest.Cut:
		default:
			t.Errorf("a %s in a typed slip", i.Kind)
		}
	}
	if codes != 1 {
		t.Errorf("%d QR codes", codes)
	}
	for piece, err := range newMaker(t).Draw(s.slip, s.reprint)(p) {
		if err != nil {
			t.Fatal(err)
		}
		if l, ok := piece.(printer.Line); ok {
			want = append(want, line{byte(l.Align), runs(t, l.Spans)})
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the lines are not those of the layout (-want +got):\n%s", diff)
	}
	texts, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	title := texts.T(s.slip.Lang, "slip."+string(s.slip.Kind)+".title")
	for _, say := range []string{title, s.slip.Number, s.slip.MyKeyID} {
		if !strings.Contains(tight(all.String()), tight(say)) {
			t.Errorf("the slip does not say %q", say)
		}
	}
}

// tight is text without the white at which lines break.
func tight(s string) string { return strings.Join(strings.Fields(s), "") }

// runs is what spans look like on the paper; empty ones do not show.
func runs(t *testing.T, spans []printer.Span) (out []oracletest.Run) {
	t.Helper()
	for _, s := range spans {
		text, err := japanese.ShiftJIS.NewDecoder().Bytes(s.Text)
		if err != nil {
			t.Fatal(err)
		}
		if size := max(s.Size, 1); len(text) > 0 {
			out = append(out, oracletest.Run{Text: string(text), Bold: s.Bold, Reverse: s.Reverse, Wide: size, High: size})
		}
	}
	return out
}
