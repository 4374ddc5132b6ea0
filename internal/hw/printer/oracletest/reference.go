package oracletest

// ESCPOS is Epson's language, as far as slips speak it.
func ESCPOS() Language {
	return Language{
		letters: true,
		atOnce:  []string{"\x10\x04", "\x10\x05", "\x10\x14"},
		commands: []entry{
			{code: "\x00", name: "NUL"}, // no command: it is ignored
			{code: "\n", name: "LF"},
			{code: "\x10\x04", name: "DLE EOT", args: 1, allowed: within(1, 4)},
			{code: "\x10\x05", name: "DLE ENQ", args: 1, allowed: within(1, 2)},
			{code: "\x10\x14\x08", name: "DLE DC4 8", args: 7, allowed: exactly("\x01\x03\x14\x01\x06\x02\x08")},
			{code: "\x1b@", name: "ESC @"},
			{code: "\x1bE", name: "ESC E", args: 1},
			{code: "\x1ba", name: "ESC a", args: 1, allowed: within(0, 2)},
			{code: "\x1c&", name: "FS &"},
			{code: "\x1c.", name: "FS ."},
			{code: "\x1cC", name: "FS C", args: 1, allowed: within(0, 1)},
			{code: "\x1d!", name: "GS !", args: 1, allowed: func(a []byte) bool { return a[0]&0x88 == 0 }},
			{code: "\x1dB", name: "GS B", args: 1},
			{code: "\x1dI", name: "GS I", args: 1},
			{code: "\x1dVA", name: "GS V A", args: 1},
			{code: "\x1dVB", name: "GS V B", args: 1},
			{code: "\x1da", name: "GS a", args: 1},
			{code: "\x1dr", name: "GS r", args: 1, allowed: within(1, 2)},
			{code: "\x1dv0", name: "GS v 0", args: 5, allowed: oldRaster, data: func(a []byte) int { return number(a[1:]) * number(a[3:]) }},
			{code: "\x1d(E", name: "GS ( E", args: 2, data: number},
			{code: "\x1d(H", name: "GS ( H", args: 2, data: number},
			{code: "\x1d(k", name: "GS ( k", args: 2, data: number},
		},
	}
}

// StarPRNT is Star's language, as far as slips speak it.
func StarPRNT() Language {
	return Language{
		atOnce: []string{"\x1b\x06", "\x1b\x1d"},
		commands: []entry{
			{code: "\x00", name: "NUL"},
			{code: "\x17", name: "ETB"},
			{code: "\x18", name: "CAN"},
			{code: "\x1b@", name: "ESC @"},
			{code: "\x1b\x06\x01", name: "ESC ACK SOH"},
			{code: "\x1b\x1ea", name: "ESC RS a", args: 1, allowed: within(0, 3)},
			{code: "\x1b#*\n\x00", name: "ESC # *"},
			{code: "\x1bd", name: "ESC d", args: 1, allowed: within(0, 3)},
			{code: "\x1b\x1dS", name: "ESC GS S", args: 6, allowed: starRaster, data: func(a []byte) int { return number(a[1:]) * number(a[3:]) }},
		},
	}
}

// number is two bytes, the low one first.
func number(a []byte) int { return int(a[0]) + int(a[1])*256 }

func within(low, high byte) func([]byte) bool {
	return func(a []byte) bool { return a[0] >= low && a[0] <= high }
}

func exactly(want string) func([]byte) bool {
	return func(a []byte) bool { return string(a) == want }
}

// oldRaster: m says how dots are doubled; up to 256 bytes and 2303 rows.
func oldRaster(a []byte) bool {
	x, y := number(a[1:]), number(a[3:])
	return a[0] <= 3 && x >= 1 && x <= 256 && y >= 1 && y <= 2303
}

// starRaster: m is 1, and so is the colour that follows the sizes: 0.
func starRaster(a []byte) bool {
	x, y := number(a[1:]), number(a[3:])
	return a[0] == 1 && x >= 1 && x <= 128 && y >= 1 && a[5] == 0
}
