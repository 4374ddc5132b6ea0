package slip

import (
	"strconv"
	"strings"

	"kioskd/internal/catalogue"
	"kioskd/internal/flow"
)

// layout puts the content of one slip on a sheet. The first error of the sheet
// sticks: what comes after it is not put down.
type layout struct {
	m     *Maker
	s     flow.Slip
	lang  string
	sheet sheet
	err   error
}

func (l *layout) text(key string, args ...string) string {
	return l.m.texts.T(l.lang, "slip."+key, args...)
}

// put does one thing to the sheet.
func (l *layout) put(do func(sheet) error) {
	if l.err == nil {
		l.err = do(l.sheet)
	}
}

func (l *layout) panel(figures ...figure) {
	l.put(func(s sheet) error { return s.panel(figures...) })
}

func (l *layout) row(name, text string) { l.put(func(s sheet) error { return s.row(name, text) }) }

func (l *layout) heading(text string) { l.put(func(s sheet) error { return s.heading(text) }) }

func (l *layout) steps(texts ...string) { l.put(func(s sheet) error { return s.steps(texts...) }) }

func (l *layout) notice(text string) { l.put(func(s sheet) error { return s.notice(text) }) }

func (l *layout) paragraph(text string) {
	l.put(func(s sheet) error { return s.paragraph(text, false) })
}

func (l *layout) fine(text string) { l.put(func(s sheet) error { return s.paragraph(text, true) }) }

func (l *layout) code(content, caption string) {
	l.put(func(s sheet) error { return s.code(content, caption) })
}

// header says what the slip is. Staff read Japanese, so a slip in another
// language repeats title and mark in it.
func (l *layout) header(reprint bool) {
	key := "slip." + string(l.s.Kind) + ".title"
	title, staff := l.m.texts.T(l.lang, key), ""
	if l.lang != "ja" {
		staff = l.m.texts.T("ja", key)
	}
	mark := ""
	if reprint {
		mark = l.text("reprint")
		if ja := l.m.texts.T("ja", "slip.reprint"); ja != mark {
			mark = ja + " " + mark
		}
	}
	l.put(func(s sheet) error { return s.header(l.text("programme"), title, staff, mark) })
}

// footer says where it was printed.
func (l *layout) footer() {
	var parts []string
	if l.m.place.Store != "" {
		parts = append(parts, l.m.place.Store)
	}
	if l.m.place.Kiosk != "" {
		parts = append(parts, l.text("kiosk", "kiosk", l.m.place.Kiosk))
	}
	l.put(func(s sheet) error { return s.footer(strings.Join(parts, "  ")) })
}

// labels are the names of rows, which stand in one column.
func (l *layout) labels() []string {
	var out []string
	for _, key := range []string{"service", "date", "issuance.date", "guardian", "mykey"} {
		out = append(out, l.text(key))
	}
	return out
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
