package doctor

import (
	"fmt"
	"time"

	"kioskd/internal/hw/card/jpki"
)

const maxTries = jpki.MaxTries

func (r Reader) servesText() string {
	switch {
	case r.MyNumber && r.WAON:
		return "for My Number and WAON cards"
	case r.MyNumber:
		return "for My Number cards"
	case r.WAON:
		return "for WAON cards"
	case r.NotServed == SAM:
		return "not served: a slot for security modules"
	default:
		return "not served: no pattern fits its name"
	}
}

func (r Reader) liesText() string {
	switch r.Lies {
	case LiesNothing:
		return "nothing lies there"
	case LiesSilent:
		return "a card lies there and is silent"
	case LiesTaken:
		return "another program holds the card"
	case LiesFeliCa:
		return "a FeliCa card lies there"
	default:
		return "an ISO card lies there"
	}
}

func (c Card) kindText() string {
	switch c.Kind {
	case jpki.KindMyNumber:
		return "My Number card"
	case jpki.KindAndroid:
		return "Android phone with a My Number certificate"
	case jpki.KindIPhone:
		return "iPhone with a My Number certificate"
	default:
	}
	switch {
	case c.WAON != nil && c.WAON.Number != "":
		return "WAON card"
	case c.Tech == TechFeliCa:
		return "FeliCa card"
	case c.Tech == TechISO:
		return "ISO card"
	default:
		return "not known"
	}
}

// certificateText says all that may be told, or why there is nothing to tell.
func (c Card) certificateText() string {
	if c.Certificate == nil {
		if c.Kind.Phone() {
			return "behind the PIN, as on every phone"
		}
		return ""
	}
	cert := c.Certificate
	return fmt.Sprintf("%d bytes, %s, valid %s to %s, issuer %s", cert.Size, cert.Key, day(cert.NotBefore), day(cert.NotAfter), issuerText(cert.Issuer))
}

// wayText says how the number was reached, and past what: a way that is named in
// the configuration saves the others.
func (w *WAON) wayText() string {
	text := fmt.Sprintf("strategy %s, service %s", w.Strategy, w.Service)
	if len(w.Tried) > 0 {
		text += " (before that in vain: " + w.said() + ")"
	}
	return text
}

func issuerText(issuer string) string {
	switch issuer {
	case IssuerConfigured:
		return "is configured"
	case IssuerUnknown:
		return "is not among those configured"
	default:
		return "not checked (no reader.roots)"
	}
}

// day is a date in Japan, as the certificates count them.
func day(t time.Time) string {
	return t.In(time.FixedZone("JST", 9*60*60)).Format(time.DateOnly)
}
