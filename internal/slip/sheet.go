package slip

// sheet is paper that a slip is put on, block by block, from top to bottom.
type sheet interface {
	// header says what the slip is: programme, title, the title for staff ("" when it
	// is the same), the mark of a reprint ("" for none).
	header(programme, title, staff, mark string) error
	// panel shows numbers, large: they are what the slip is for. The numbers are the
	// caller's to wipe.
	panel(figures ...figure) error
	// row is a label and its value.
	row(name, text string) error
	// heading begins a section.
	heading(text string) error
	// steps are numbered sentences.
	steps(texts ...string) error
	// notice must not be overlooked.
	notice(text string) error
	// paragraph is plain text, or small print.
	paragraph(text string, fine bool) error
	// code is a QR code with its explanation.
	code(content, caption string) error
	// footer ends the slip.
	footer(text string) error
}

// figure is a number with its name.
type figure struct {
	label string
	text  []byte
}
