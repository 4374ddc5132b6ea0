package slip

import (
	"fmt"
	"strconv"
	"strings"

	"rsc.io/qr"

	"kioskd/internal/catalogue"
	"kioskd/internal/flow"
)

// The type scale, in dots (8 a millimetre). The body is 10 point.
//
//nolint:gochecknoglobals // a table that never changes
var (
	small = style{size: 23}
	label = style{size: 24}
	body  = style{size: 28}
	value = style{size: 28, bold: true}
	head  = style{size: 31, bold: true}
	title = style{size: 52, bold: true}
	big   = style{size: 66, bold: true, track: 3}
)

// layout draws one slip, block by block, from top to bottom.
type layout struct {
	m    *Maker
	s    flow.Slip
	pen  *pen
	lang string
}

func (l *layout) text(key string, args ...string) string {
	return l.m.texts.T(l.lang, "slip."+key, args...)
}

func (l *layout) narrow() bool { return l.pen.width < 500 }

func (l *layout) margin() int {
	if l.narrow() {
		return 12
	}
	return 24
}

func (l *layout) inner() int { return l.pen.width - 2*l.margin() }

func (l *layout) gap(n int) { l.pen.y += n }

// header says what the slip is. Staff read Japanese, so a slip in another
// language repeats the title in it.
func (l *layout) header(reprint bool) {
	p, x := l.pen, l.margin()
	p.box(x, p.y, l.inner(), 8)
	l.gap(18)
	p.line(x, p.y, []byte(l.text("programme")), value, true)
	if reprint {
		l.badge()
	}
	l.gap(value.lead() - 2)
	key := string(l.s.Kind) + ".title"
	s := p.fit([]byte(l.text(key)), title, l.inner())
	p.line(x, p.y, []byte(l.text(key)), s, true)
	l.gap(s.lead())
	if l.lang != "ja" {
		p.line(x, p.y, []byte(l.m.texts.T("ja", "slip."+key)), body, true)
		l.gap(body.lead())
	}
	l.gap(12)
}

// badge marks a reprint, white on black at the right.
func (l *layout) badge() {
	text := l.text("reprint")
	if ja := l.m.texts.T("ja", "slip.reprint"); ja != text {
		text = ja + " " + text
	}
	w := l.pen.measure([]byte(text), value) + 28
	x := l.margin() + l.inner() - w
	l.pen.round(x, l.pen.y-2, w, value.lead()+4, 8, true)
	l.pen.line(x+14, l.pen.y, []byte(text), value, false)
}

// figure is a number with its name.
type figure struct {
	label string
	text  []byte
}

// panel frames numbers, large: they are what the slip is for. The numbers are
// the caller's to wipe.
func (l *layout) panel(figures ...figure) {
	const pad = 18
	p, top := l.pen, l.pen.y
	height := pad
	styles := make([]style, len(figures))
	for i, f := range figures {
		styles[i] = p.fit(f.text, big, l.inner()-2*pad)
		height += label.lead() + styles[i].lead() + 4
	}
	height += pad - 8
	p.frame(l.margin(), top, l.inner(), height, 14, 4)
	l.gap(pad)
	for i, f := range figures {
		p.line((p.width-p.measure([]byte(f.label), label))/2, p.y, []byte(f.label), label, true)
		l.gap(label.lead())
		p.line((p.width-p.measure(f.text, styles[i]))/2, p.y, f.text, styles[i], true)
		l.gap(styles[i].lead() + 4)
	}
	p.y = top + height + 22
}

// row is a label and its value: side by side, or one under the other on narrow paper.
func (l *layout) row(name, text string) {
	p, x := l.pen, l.margin()
	if l.narrow() {
		p.line(x, p.y, []byte(name), label, true)
		l.gap(label.lead())
		p.para(x, l.inner(), text, value)
		l.gap(8)
		return
	}
	column := l.column()
	p.line(x, p.y+(value.lead()-label.lead())/2+1, []byte(name), label, true)
	s := value
	for s.size > 25 && p.measure([]byte(text), s) > l.inner()-column {
		s.size-- // rather a little smaller than broken
	}
	if p.measure([]byte(text), s) > l.inner()-column {
		s = value
	}
	p.para(x+column, l.inner()-column, text, s)
	l.gap(8)
}

// column is where the values of rows begin: after the widest label.
func (l *layout) column() int {
	w := 0
	for _, key := range []string{"service", "date", "issuance.date", "guardian", "mykey"} {
		w = max(w, l.pen.measure([]byte(l.text(key)), label))
	}
	return w + 24
}

// heading begins a section under a thin rule.
func (l *layout) heading(text string) {
	l.gap(12)
	l.pen.box(l.margin(), l.pen.y, l.inner(), 2)
	l.gap(14)
	l.pen.para(l.margin(), l.inner(), text, head)
	l.gap(6)
}

// steps are numbered sentences.
func (l *layout) steps(texts ...string) {
	const disc = 36
	p, x := l.pen, l.margin()
	for i, t := range texts {
		n := []byte(strconv.Itoa(i + 1))
		p.round(x, p.y+1, disc, disc, disc/2, true)
		p.line(x+(disc-p.measure(n, label))/2, p.y+2, n, style{size: 24, bold: true}, false)
		p.para(x+disc+14, l.inner()-disc-14, t, body)
		l.gap(10)
	}
}

// notice stands beside a thick bar: it must not be overlooked.
func (l *layout) notice(text string) {
	p, top := l.pen, l.pen.y
	p.para(l.margin()+26, l.inner()-26, text, value)
	p.box(l.margin(), top+2, 10, p.y-top-4)
	l.gap(14)
}

// code draws the QR code with its explanation beside it, or below on narrow paper.
func (l *layout) code(content, caption string) error {
	c, err := qr.Encode(content, qr.M)
	if err != nil {
		return fmt.Errorf("cannot make QR code: %w", err)
	}
	const module, quiet = 6, 4 * 6
	p, size := l.pen, c.Size*module
	l.gap(quiet)
	x, top := l.margin()+quiet/2, p.y
	if l.narrow() {
		x = (p.width - size) / 2
	}
	for j := range c.Size {
		for i := range c.Size {
			if c.Black(i, j) {
				p.box(x+i*module, top+j*module, module, module)
			}
		}
	}
	if l.narrow() {
		p.y = top + size + quiet
		p.para(l.margin(), l.inner(), caption, small)
		l.gap(6)
		return nil
	}
	left := x + size + quiet + 8
	room := l.margin() + l.inner() - left
	p.y = top + max(0, size-len(p.wrap(caption, small, room))*small.lead())/2
	p.para(left, room, caption, small)
	p.y = max(p.y, top+size) + quiet
	return nil
}

// footer says where and when it was printed.
func (l *layout) footer() {
	l.gap(8)
	l.pen.box(l.margin(), l.pen.y, l.inner(), 2)
	l.gap(10)
	parts := []string{}
	if l.m.place.Store != "" {
		parts = append(parts, l.m.place.Store)
	}
	if l.m.place.Kiosk != "" {
		parts = append(parts, l.text("kiosk", "kiosk", l.m.place.Kiosk))
	}
	l.pen.para(l.margin(), l.inner(), strings.Join(parts, "  "), small)
	l.gap(4)
}

func (l *layout) when() string {
	at := l.s.At.In(flow.Tokyo)
	return l.text("when",
		"year", strconv.Itoa(at.Year()), "month", pick(l.text("months"), int(at.Month())-1),
		"day", strconv.Itoa(at.Day()), "weekday", pick(l.text("weekdays"), int(at.Weekday())), "time", at.Format("15:04"))
}

func pick(words string, i int) string {
	if f := strings.Fields(words); i < len(f) {
		return f[i]
	}
	return ""
}

// service finds what the slip speaks of. A service that the catalogue no longer
// has is shown by its ID: the shopper still gets the numbers.
func (l *layout) service() *catalogue.Service {
	if s, ok := l.m.catalogue.Find(l.s.Service); ok {
		return s
	}
	return &catalogue.Service{ID: l.s.Service, Name: catalogue.Text{"ja": l.s.Service}}
}

// grouped sets text in groups: 4-4-4-4. What is left over is one more group.
func grouped(text []byte, groups []int) []byte {
	out := make([]byte, 0, 2*len(text)+1)
	for _, n := range groups {
		if n <= 0 || n >= len(text) {
			break
		}
		out = append(append(out, text[:n]...), ' ')
		text = text[n:]
	}
	return append(out, text...)
}
