package slip

import (
	"fmt"
	"strconv"

	"rsc.io/qr"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
)

// The type scale, in dots (8 a millimetre). The body is 10 point.
//
//nolint:gochecknoglobals // a table that never changes
var (
	small = style{size: 23}
	label = style{size: 24}
	body  = style{size: 28}
	value = style{size: 28, bold: true}
	head1 = style{size: 31, bold: true}
	title = style{size: 52, bold: true}
	big   = style{size: 66, bold: true, track: 3}
)

// drawn is a sheet of pictures.
type drawn struct {
	pen     *pen
	profile printer.Profile
	emit    func(printer.Piece) error
	labels  []string
}

var _ sheet = (*drawn)(nil)

func newDrawn(m *Maker, labels []string, p printer.Profile, emit func(printer.Piece) error) *drawn {
	return &drawn{pen: newPen(m.fonts, p.Dots), profile: p, emit: emit, labels: labels}
}

// done hands over what has been drawn since.
func (d *drawn) done() error {
	return d.pen.take(func(b *dots.Bitmap) error { return d.emit(printer.Picture{Bitmap: b}) })
}

func (d *drawn) narrow() bool { return d.pen.width < 500 }

func (d *drawn) margin() int {
	if d.narrow() {
		return 12
	}
	return 24
}

func (d *drawn) inner() int { return d.pen.width - 2*d.margin() }

func (d *drawn) gap(n int) { d.pen.y += n }

func (d *drawn) header(programme, name, staff, mark string) error {
	p, x := d.pen, d.margin()
	p.box(x, p.y, d.inner(), 8)
	d.gap(18)
	p.line(x, p.y, []byte(programme), value, true)
	if mark != "" {
		d.badge(mark)
	}
	d.gap(value.lead() - 2)
	if err := d.done(); err != nil { // paper moves from here on
		return err
	}
	s := p.fit([]byte(name), title, d.inner())
	p.line(x, p.y, []byte(name), s, true)
	d.gap(s.lead())
	if staff != "" {
		p.line(x, p.y, []byte(staff), body, true)
		d.gap(body.lead())
	}
	d.gap(12)
	return d.done()
}

// badge marks a reprint, white on black at the right.
func (d *drawn) badge(text string) {
	w := d.pen.measure([]byte(text), value) + 28
	x := d.margin() + d.inner() - w
	d.pen.round(x, d.pen.y-2, w, value.lead()+4, 8, true)
	d.pen.line(x+14, d.pen.y, []byte(text), value, false)
}

// panel frames the numbers.
func (d *drawn) panel(figures ...figure) error {
	const pad = 18
	p, top := d.pen, d.pen.y
	height := pad
	styles := make([]style, len(figures))
	for i, f := range figures {
		styles[i] = p.fit(f.text, big, d.inner()-2*pad)
		height += label.lead() + styles[i].lead() + 4
	}
	height += pad - 8
	p.frame(d.margin(), top, d.inner(), height, 14, 4)
	d.gap(pad)
	for i, f := range figures {
		p.line((p.width-p.measure([]byte(f.label), label))/2, p.y, []byte(f.label), label, true)
		d.gap(label.lead())
		p.line((p.width-p.measure(f.text, styles[i]))/2, p.y, f.text, styles[i], true)
		d.gap(styles[i].lead() + 4)
	}
	p.y = top + height + 22
	return d.done()
}

// row is side by side, or one under the other on narrow paper.
func (d *drawn) row(name, text string) error {
	p, x := d.pen, d.margin()
	if d.narrow() {
		p.line(x, p.y, []byte(name), label, true)
		d.gap(label.lead())
		p.para(x, d.inner(), text, value)
		d.gap(8)
		return d.done()
	}
	column := d.column()
	p.line(x, p.y+(value.lead()-label.lead())/2+1, []byte(name), label, true)
	s := value
	for s.size > 25 && p.measure([]byte(text), s) > d.inner()-column {
		s.size-- // rather a little smaller than broken
	}
	if p.measure([]byte(text), s) > d.inner()-column {
		s = value
	}
	p.para(x+column, d.inner()-column, text, s)
	d.gap(8)
	return d.done()
}

// column is where the values of rows begin: after the widest label.
func (d *drawn) column() int {
	w := 0
	for _, l := range d.labels {
		w = max(w, d.pen.measure([]byte(l), label))
	}
	return w + 24
}

// heading stands under a thin rule.
func (d *drawn) heading(text string) error {
	d.gap(12)
	d.pen.box(d.margin(), d.pen.y, d.inner(), 2)
	d.gap(14)
	d.pen.para(d.margin(), d.inner(), text, head1)
	d.gap(6)
	return d.done()
}

func (d *drawn) steps(texts ...string) error {
	const disc = 36
	p, x := d.pen, d.margin()
	for i, t := range texts {
		n := []byte(strconv.Itoa(i + 1))
		p.round(x, p.y+1, disc, disc, disc/2, true)
		p.line(x+(disc-p.measure(n, label))/2, p.y+2, n, style{size: 24, bold: true}, false)
		p.para(x+disc+14, d.inner()-disc-14, t, body)
		d.gap(10)
	}
	return d.done()
}

// notice stands beside a thick bar.
func (d *drawn) notice(text string) error {
	d.gap(6)
	p, top := d.pen, d.pen.y
	p.para(d.margin()+26, d.inner()-26, text, value)
	p.box(d.margin(), top+2, 10, p.y-top-4)
	d.gap(14)
	return d.done()
}

func (d *drawn) paragraph(text string, fine bool) error {
	s := body
	if fine {
		s = small
	}
	d.pen.para(d.margin(), d.inner(), text, s)
	return d.done()
}

// module is how many dots a module of a QR code has, quiet the white around it.
const (
	module = 6
	quiet  = 4 * module
)

// code stands beside its explanation, or above it on narrow paper and where the
// printer draws it itself.
func (d *drawn) code(content, caption string) error {
	p := d.pen
	d.gap(quiet)
	if d.profile.QR {
		if err := d.done(); err != nil {
			return err
		}
		if err := d.emit(printer.QR{Content: content, Module: module}); err != nil {
			return err
		}
		d.gap(quiet)
		d.caption(caption)
		return d.done()
	}
	c, err := qr.Encode(content, qr.M)
	if err != nil {
		return fmt.Errorf("cannot make QR code: %w", err)
	}
	size := c.Size * module
	x, top := d.margin()+quiet/2, p.y
	if d.narrow() {
		x = (p.width - size) / 2
	}
	for j := range c.Size {
		for i := range c.Size {
			if c.Black(i, j) {
				p.box(x+i*module, top+j*module, module, module)
			}
		}
	}
	if d.narrow() {
		p.y = top + size + quiet
		d.caption(caption)
		return d.done()
	}
	left := x + size + quiet + 8
	room := d.margin() + d.inner() - left
	p.y = top + max(0, size-len(p.wrap(caption, small, room))*small.lead())/2
	p.para(left, room, caption, small)
	p.y = max(p.y, top+size) + quiet
	return d.done()
}

// caption explains a code that stands above it, in the middle.
func (d *drawn) caption(text string) {
	for _, l := range d.pen.wrap(text, small, d.inner()) {
		d.pen.line((d.pen.width-d.pen.measure([]byte(l), small))/2, d.pen.y, []byte(l), small, true)
		d.gap(small.lead())
	}
	d.gap(6)
}

func (d *drawn) footer(text string) error {
	d.gap(8)
	d.pen.box(d.margin(), d.pen.y, d.inner(), 2)
	d.gap(10)
	d.pen.para(d.margin(), d.inner(), text, small)
	d.gap(4)
	return d.done()
}
