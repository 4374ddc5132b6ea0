package slip

import (
	"errors"
	"strconv"

	"kioskd/internal/catalogue"
	"kioskd/internal/flow"
)

var errKind = errors.New("there is no slip of this kind")

// draw draws the whole slip.
func (l *layout) draw(reprint bool) error {
	var content func()
	switch l.s.Kind {
	case flow.SlipIssuance:
		content = l.issuance
	case flow.SlipReservation:
		content = l.reservation
	case flow.SlipApplication:
		content = l.application
	case flow.SlipNone:
		return errKind
	default:
		return errKind
	}
	l.header(reprint)
	content()
	l.footer()
	return l.err
}

// issuance: ID and codes, large; what to do with them, and where to find them again.
func (l *layout) issuance() {
	s := l.service()
	figures := []figure{{nameOf(s.IDField, l.lang, l.text("service")), grouped([]byte(l.s.ServiceID), s.IDField.Groups)}}
	for i, c := range l.s.Codes {
		f := catalogue.Field{}
		if i < len(s.CodeFields) {
			f = s.CodeFields[i]
		}
		figures = append(figures, figure{nameOf(f, l.lang, strconv.Itoa(i+1)), grouped(c.Bytes(), f.Groups)})
	}
	defer func() {
		for _, f := range figures[1:] {
			clear(f.text)
		}
	}()
	l.panel(figures...)
	l.row(l.text("service"), s.Name.In(l.lang))
	l.row(l.text("issuance.date"), l.when())
	l.notice(l.text("issuance.keep"))
	l.heading(l.text("next"))
	l.steps(l.text("issuance.next1"), l.text("issuance.next2"))
	l.heading(l.text("issuance.again"))
	l.paragraph(l.text("issuance.again.text"))
	l.code(l.s.ServiceID, l.text("issuance.qr"))
	l.ask(s)
}

// reservation: the number, and that applying comes next.
func (l *layout) reservation() {
	l.number()
	if l.s.MyKeyID != "" {
		l.row(l.text("mykey"), l.s.MyKeyID)
	}
	l.row(l.text("date"), l.when())
	if l.s.Queued {
		l.notice(l.text("reservation.queued"))
	}
	l.heading(l.text("next"))
	l.steps(l.text("reservation.next1"), l.text("reservation.next2"))
	l.code(l.s.Number, l.text("qr.number"))
}

// application: the number, the service that is now chosen for good, and when it is complete.
func (l *layout) application() {
	s := l.service()
	l.number()
	l.row(l.text("service"), s.Name.In(l.lang))
	l.row(l.text("date"), l.when())
	if l.s.Guardian {
		l.row(l.text("guardian"), l.text("application.guardian"))
	}
	if l.s.Queued {
		l.notice(l.text("application.queued"))
	}
	l.notice(l.text("application.final"))
	l.heading(l.text("next"))
	second := l.text("application.next2.purchase")
	if s.Grants == catalogue.OnTopUp {
		second = l.text("application.next2.topup")
	}
	l.steps(l.text("application.next1"), second)
	l.code(l.s.Number, l.text("qr.number"))
	l.ask(s)
}

// number is the panel with the reception number. Staff look for 受付番号.
func (l *layout) number() {
	name := l.text("number")
	if ja := l.m.texts.T("ja", "slip.number"); ja != name {
		name += " / " + ja
	}
	l.panel(figure{name, []byte(l.s.Number)})
}

// ask says where to ask.
func (l *layout) ask(s *catalogue.Service) {
	l.heading(l.text("ask"))
	if ask := s.Ask.In(l.lang); ask != "" {
		l.paragraph(ask)
	}
	if l.s.Number != "" {
		l.paragraph(l.text("ask.number"))
	}
	l.fine(l.text("ask.store"))
	if phone := l.m.place.Phone; phone != "" {
		l.fine(l.text("ask.phone", "phone", phone))
	}
}

func nameOf(f catalogue.Field, lang, other string) string {
	if name := f.Label.In(lang); name != "" {
		return name
	}
	return other
}
