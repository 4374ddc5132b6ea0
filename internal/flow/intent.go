package flow

// IntentType names what a screen may send: {seq, type, data}. Each is decoded
// into one touch; see ParseIntent.
type IntentType string

// The intents and their data.
const (
	IntentStart      IntentType = "start"       // {plan}
	IntentNext       IntentType = "next"        //
	IntentBack       IntentType = "back"        //
	IntentKey        IntentType = "key"         // {text}: 1-8 characters
	IntentErase      IntentType = "erase"       //
	IntentClear      IntentType = "clear"       //
	IntentPick       IntentType = "pick"        // {id}
	IntentTurn       IntentType = "turn"        // {page}
	IntentBox        IntentType = "box"         // {on}
	IntentEra        IntentType = "era"         // {era}
	IntentResend     IntentType = "resend"      //
	IntentPrintAgain IntentType = "print_again" //
	IntentAnother    IntentType = "another"     //
	IntentOpen       IntentType = "open"        // {overlay}
	IntentClose      IntentType = "close"       //
	IntentLang       IntentType = "lang"        // {lang}
	IntentSize       IntentType = "size"        // {size}
	IntentContrast   IntentType = "contrast"    // {contrast}
	IntentVolume     IntentType = "volume"      // {volume}
	IntentStaff      IntentType = "staff"       // {on}
	IntentHome       IntentType = "home"        //
	IntentStay       IntentType = "stay"        //
)
