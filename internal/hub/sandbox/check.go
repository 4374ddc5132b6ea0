package sandbox

import (
	"regexp"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

var (
	mobile = regexp.MustCompile(`^0[6789]0[0-9]{8}$`)
	kana   = regexp.MustCompile(`^[\p{Katakana}ー・]{1,30}[ 　][\p{Katakana}ー・]{1,30}$`)
	card   = regexp.MustCompile(`^[0-9]{16}$`)
)

const (
	minPassword = 8
	maxPassword = 64
	maxAge      = 130 // years
)

func bad(field, detail string) error {
	return &hub.Refusal{Code: fault.BadMessage, Field: field, Detail: detail}
}

// checkStart says what is wrong with the customer's details, first thing first.
func (s *Sandbox) checkStart(r wire.IssueStart, now time.Time) error {
	svc, ok := s.cat.Find(r.Service)
	switch {
	case !ok:
		return bad("service", "not in the catalogue")
	case svc.Issue == nil:
		return bad("service", "does not issue")
	case !card.MatchString(r.CardNumber):
		return bad("card_number", "not 16 digits")
	case !catalogue.Luhn(r.CardNumber):
		return bad("card_number", "check digit")
	case !kana.MatchString(r.NameKana):
		return bad("name_kana", "not two words of katakana")
	case !mobile.MatchString(string(r.Phone)):
		return bad("phone", "not a mobile number")
	}
	born, err := time.Parse(time.DateOnly, string(r.Birth))
	if err != nil || born.After(now) || born.Before(now.AddDate(-maxAge, 0, 0)) {
		return bad("birth", "not a date of birth")
	}
	return nil
}

// checkPassword holds to the programme's rule: half-width letters and digits,
// at least eight, at least one of each.
func checkPassword(p string) error {
	var letters, digits int
	for _, c := range []byte(p) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			letters++
		default:
			return bad("password", "only half-width letters and digits")
		}
	}
	if len(p) < minPassword || len(p) > maxPassword || letters == 0 || digits == 0 {
		return bad("password", "at least eight, a letter and a digit")
	}
	return nil
}
