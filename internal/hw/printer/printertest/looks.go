package printertest

// A real printer knows more commands than slips use, and strangers who print on the
// virtual one (receiptio, in tests) send them. These set how characters look or
// where they stand; they are taken in whole and change nothing.

// epsonLooks gives the lengths of such commands of ESC/POS by their first two bytes.
func epsonLooks() map[string]int {
	return map[string]int{
		"\x1b ": 3, "\x1b$": 4, "\x1b-": 3, "\x1b2": 2, "\x1b3": 3, "\x1bM": 3, "\x1bR": 3, "\x1b\\": 4, "\x1bt": 3, "\x1b{": 3,
		"\x1c-": 3, "\x1cS": 4, "\x1dL": 4, "\x1dW": 4,
	}
}

// starLooks gives those of StarPRNT by what follows ESC.
func starLooks() map[string]int {
	return map[string]int{
		" ": 3, "$": 3, "-": 3, "4": 2, "5": 2, "E": 2, "F": 2, "Q": 3, "R": 3, "i": 4, "l": 3, "s": 4, "z": 3,
		"\x1d\x03": 6, "\x1dA": 5, "\x1dR": 5, "\x1da": 4,
	}
}
