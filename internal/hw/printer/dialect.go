package printer

import "time"

// dialect is a command language: what is written to a printer, and what its
// answers mean. It keeps what the printer has said. One serves one connection and
// is used by Driver.Run's goroutine only.
type dialect interface {
	// fill ends a command that an earlier job may have left open: it would swallow
	// whatever comes next.
	fill() []byte
	// forget drops what is awaited of before: the printer has worked it off.
	forget()
	// hello is written at the beginning of a connection: fresh modes, and that it
	// tells changes of its state by itself.
	hello() []byte
	// reset makes the modes those of a new job.
	reset(p Profile) []byte
	// ask is the next question for the state, answered at once by every printer
	// with Status. There is never more than one open.
	ask() []byte
	// open says that a question is open.
	open() bool
	// asks is how many questions it takes to hear everything.
	asks() int
	// encode gives a piece as commands of at most most bytes each. They are lent.
	encode(piece Piece, p Profile, most int, emit func([]byte) error) error
	// marker asks for an answer when the printer has worked off what came before.
	marker() []byte
	// finish feeds, cuts and asks for confirmation, as far as p can.
	finish(p Profile, job uint32) []byte
	// eject feeds out and cuts off what hangs in the mouth.
	eject(p Profile) []byte
	// clear drops what waits in the printer; nil where that cannot be done.
	clear() []byte
	// survey finds out who the printer is and what it answers to, with what ask
	// sends and waits for. p is what was assumed; it may be nobody's profile yet.
	survey(p Profile, ask asker) (Profile, Identity, error)
	// take takes in what came back.
	take(b []byte)
	// heard is all that was said so far.
	heard() *heard
}

// heard is what a printer has said on this connection.
type heard struct {
	status status
	halted bool      // status halts
	stops  int       // how often it began to
	why    Condition // the last time
	passed int       // markers
	// confirmed is the last job that was confirmed, 0 = none; undisturbed how many
	// stops there had been.
	confirmed   uint32
	undisturbed int
	cleared     int
	paused      bool   // it takes nothing now (XOFF)
	text        string // the last answer to who it is
	texts       int    // how many there were
}

// asker writes something and waits until met or limit is over.
type asker func(write []byte, limit time.Duration, met func() bool) (bool, error)

// observe counts stops, so that none goes unnoticed that begins and ends between two
// looks.
func (h *heard) observe() {
	now := h.status.halts()
	if now && !h.halted {
		h.stops++
	}
	if now {
		h.why = h.status.condition()
	}
	h.halted = now
}

func (h *heard) confirm(job uint32) { h.confirmed, h.undisturbed = job, h.stops }
