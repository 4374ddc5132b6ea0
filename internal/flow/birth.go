package flow

import (
	"strconv"
	"time"
)

// Tokyo is the time zone of the programme.
var Tokyo = time.FixedZone("JST", 9*60*60) //nolint:gochecknoglobals // a table that never changes

// eraOf is when an era's calendar runs: year 1 is base+1.
var eraOf = map[Era]struct { //nolint:gochecknoglobals // a table that never changes
	base     int
	from, to string // ISO dates, both included; "" = open
}{
	EraTaisho: {1911, "1912-07-30", "1926-12-24"},
	EraShowa:  {1925, "1926-12-25", "1989-01-07"},
	EraHeisei: {1988, "1989-01-08", "2019-04-30"},
	EraReiwa:  {2018, "2019-05-01", ""},
}

// birthLen is how many digits a date of an era has.
func birthLen(e Era) int {
	if e == EraWestern {
		return 8
	}
	return 6
}

// birthDate reads the digits of a date of birth. The problem is "" when it is a
// real day that is not in the future.
func birthDate(e Era, typed string, now time.Time) (date time.Time, problem string) {
	n := birthLen(e)
	if len(typed) != n {
		return time.Time{}, "too_short"
	}
	year, err1 := strconv.Atoi(typed[:n-4])
	month, err2 := strconv.Atoi(typed[n-4 : n-2])
	day, err3 := strconv.Atoi(typed[n-2:])
	if err1 != nil || err2 != nil || err3 != nil {
		return time.Time{}, "date_invalid"
	}
	era, japanese := eraOf[e]
	if japanese {
		if year < 1 {
			return time.Time{}, "date_invalid"
		}
		year += era.base
	}
	date = time.Date(year, time.Month(month), day, 0, 0, 0, 0, Tokyo)
	if date.Year() != year || date.Month() != time.Month(month) || date.Day() != day || year < 1900 {
		return time.Time{}, "date_invalid"
	}
	iso := date.Format(time.DateOnly)
	if japanese && (iso < era.from || era.to != "" && iso > era.to) {
		return time.Time{}, "date_era"
	}
	if date.After(now) {
		return time.Time{}, "date_future"
	}
	return date, ""
}

// guardianAge is the age from which a person applies for himself or herself.
const guardianAge = 15

// underAge reports whether someone born on date is under 15 on the day of now.
func underAge(date, now time.Time) bool {
	today := now.In(Tokyo)
	return today.Before(date.AddDate(guardianAge, 0, 0))
}
