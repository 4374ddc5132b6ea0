package postgres

import (
	"strings"
	"time"
)

// clean makes a text that PostgreSQL can hold: it refuses NUL and what is not
// UTF-8. Parts of an alarm's text come from kiosks, and a byte there must not
// keep a submission out of the store, and so in the kiosk's queue for ever.
// Reading cleans as well, so a name finds what was stored under it.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\u2400")
}

// ms cuts to the milliseconds that every store keeps.
func ms(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// limit makes a LIMIT of n; a negative one is none.
func limit(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}
