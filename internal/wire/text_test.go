package wire

import (
	"encoding/json"
	"testing"
)

// A private text is decoded as any other.
func TestPrivateIsAString(t *testing.T) {
	for _, text := range []string{
		`""`, `"699652"`, `"ヤマダ タロウ"`, `"a\u003cb\\\"\n"`, `"\ud83d\ude00"`, "\"\xff\"", `null`, `1`, `{}`, `"`, `"a`, "\"a\nb\"", ``,
	} {
		type plain struct{ V string }
		type private struct{ V Private }
		want, got := plain{"before"}, private{"before"}
		body := []byte(`{"V":` + text + `}`)
		wantErr, gotErr := json.Unmarshal(body, &want), json.Unmarshal(body, &got)
		if (wantErr == nil) != (gotErr == nil) || wantErr == nil && want.V != string(got.V) {
			t.Errorf("%s gives %q (%v), and as private %q (%v)", text, want.V, wantErr, got.V, gotErr)
		}
	}
}
