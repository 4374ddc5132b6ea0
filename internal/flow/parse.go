package flow

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"kioskd/internal/fault"
)

// keyMax is the longest text of one key, in characters.
const keyMax = 8

// ParseIntent turns an intent of a screen into a touch. Unknown types, unknown
// or missing members and values out of range are refused with bad_message; the
// error never repeats the data.
func ParseIntent(typ string, data json.RawMessage) (Fact, error) {
	switch IntentType(typ) {
	case IntentStart:
		return parse(data, func(f Start) bool { return slices.Contains(Plans(), f.Plan) })
	case IntentNext:
		return plain(data, Next{})
	case IntentBack:
		return plain(data, Back{})
	case IntentKey:
		return parse(data, func(f Key) bool {
			return f.Text != "" && utf8.ValidString(f.Text) && utf8.RuneCountInString(f.Text) <= keyMax
		})
	case IntentErase:
		return plain(data, Erase{})
	case IntentClear:
		return plain(data, Clear{})
	case IntentPick:
		return parse(data, func(f Pick) bool { return f.ID != "" && len(f.ID) <= 64 })
	case IntentTurn:
		return parse(data, func(f Turn) bool { return f.Page >= 0 && f.Page < 1000 })
	case IntentBox:
		return parse(data, func(Box) bool { return true })
	case IntentEra:
		return parse(data, func(f SetEra) bool { return slices.Contains(Eras(), f.Era) })
	case IntentResend:
		return plain(data, Resend{})
	case IntentPrintAgain:
		return plain(data, PrintAgain{})
	case IntentAnother:
		return plain(data, Another{})
	case IntentOpen:
		return parse(data, func(f Open) bool {
			return f.Overlay == OverlayLanguage || f.Overlay == OverlayDisplay || f.Overlay == OverlayStaff
		})
	case IntentClose:
		return plain(data, Close{})
	case IntentLang:
		return parse(data, func(f SetLang) bool { return f.Lang != "" && len(f.Lang) <= 16 })
	case IntentSize:
		return parse(data, func(f SetSize) bool { return f.Size >= 0 && f.Size <= 3 })
	case IntentContrast:
		return parse(data, func(f SetContrast) bool {
			return f.Contrast == ContrastNormal || f.Contrast == ContrastHigh || f.Contrast == ContrastDark
		})
	case IntentVolume:
		return parse(data, func(f SetVolume) bool { return f.Volume >= 0 && f.Volume <= 3 })
	case IntentStaff:
		return parse(data, func(CallStaff) bool { return true })
	case IntentHome:
		return plain(data, GoHome{})
	case IntentStay:
		return plain(data, Stay{})
	}
	return nil, badIntent("the type is not known")
}

func badIntent(why string) error {
	return &fault.Error{Device: "screen", Op: "read intent", Code: fault.BadMessage, Cause: errors.New(why)}
}

// plain is an intent without data: absent, null or an empty object.
func plain(data json.RawMessage, f Fact) (Fact, error) {
	switch string(bytes.TrimSpace(data)) {
	case "", "null", "{}":
		return f, nil
	}
	return nil, badIntent("this type takes no data")
}

// parse decodes data strictly into a touch and checks it. Member names are the
// field names in any case.
func parse[F Fact](data json.RawMessage, valid func(F) bool) (Fact, error) {
	var f F
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, badIntent("the data do not fit the type")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, badIntent("there is something behind the data")
	}
	if !valid(f) {
		return nil, badIntent("a value is out of range")
	}
	return f, nil
}
