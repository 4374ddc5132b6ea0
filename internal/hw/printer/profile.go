package printer

// Language is what a printer is spoken to in.
type Language string

// The languages.
const (
	ESCPOS   Language = "escpos"
	StarPRNT Language = "starprnt"
)

// Profile is what a printer can do and how it is used.
type Profile struct {
	Name     string // of the entry in Models, for people
	Language Language
	Dots     int // dots across the paper
	Buffer   int // bytes that its receive buffer holds
	// Status: it answers for its state at any time. Without it nothing is known but
	// the line.
	Status bool
	// Paced: it answers for each part of a job as it works it off, so no more than
	// its buffer holds is ever on its way and a question always gets through.
	Paced bool
	// Completion: it answers when a job has been printed.
	Completion bool
	// Clear: it drops its buffer when it is told to, and says so.
	Clear bool
	// Cutter: it cuts the paper.
	Cutter bool
	// QR: it draws QR codes itself.
	QR bool
	// Kanji: it has Japanese characters in its memory.
	Kanji bool
	// Text: slips are printed with those characters instead of being drawn.
	Text bool
}

// smallBuffer is the smallest receive buffer in the field.
const smallBuffer = 4096

// Full is what current printers with Epson's command set can do.
func Full() Profile {
	return Profile{
		Name: "full", Language: ESCPOS, Dots: 576, Buffer: smallBuffer,
		Status: true, Paced: true, Completion: true, Clear: true, Cutter: true, QR: true, Kanji: true,
	}
}

// Plain is a clone: status, but no confirmation.
func Plain() Profile {
	return Profile{Name: "plain", Language: ESCPOS, Dots: 576, Buffer: smallBuffer, Status: true, Paced: true, Cutter: true}
}

// Blind is a printer behind a line without a way back.
func Blind() Profile {
	return Profile{Name: "blind", Language: ESCPOS, Dots: 576, Buffer: smallBuffer, Cutter: true}
}

// Star is a printer that speaks StarPRNT.
func Star() Profile {
	return Profile{
		Name: "star", Language: StarPRNT, Dots: 576, Buffer: smallBuffer,
		Status: true, Paced: true, Completion: true, Cutter: true,
	}
}

// chunk is how many bytes are sent in one go: two of them are on their way at
// most, and beside them a question must fit into the buffer.
func (p Profile) chunk() int { return min(max(p.Buffer, smallBuffer)/2-64, 32<<10) }
