package wire

import (
	"errors"
	"strings"
	"testing"
)

// encoding/json takes the last of members that it holds for the same, and others who read
// the body may take the first.
func TestARepeatedMemberIsRefused(t *testing.T) {
	for _, pair := range [][2]string{
		{"id", "id"}, {"id", "ID"}, {"Id", "iD"}, {"id", `\u0069d`}, {"key_id", `key\u005fid`},
		{"schema", "\u017fchema"}, // long s
		{"kiosk", "\u212aiosk"},   // Kelvin
		{"\u00e9", "\u00c9"}, {"a.b", "A.b"}, {"", ""}, {`a\"b`, `A\"b`},
	} {
		for _, names := range [][2]string{pair, {pair[1], pair[0]}} {
			for _, body := range []string{`{"N":1,"M":2}`, `{"x":[{"N":{"M":1},"M":2}]}`} {
				body = strings.NewReplacer("N", names[0], "M", names[1]).Replace(body)
				if err := refuseRepeats([]byte(body)); !errors.Is(err, ErrMalformed) {
					t.Errorf("%s: %v", body, err)
				}
			}
		}
	}
	for _, body := range []string{
		`{}`, `{"id":1,"key_id":2}`, `{"a":{"a":1},"b":[{"a":1},{"a":1}]}`, `{"a":"a","b":"a"}`, `["a","a"]`, `{"s":1,"z":2,"S_":3}`,
	} {
		if err := refuseRepeats([]byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}
