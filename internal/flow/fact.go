package flow

import (
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// Event is one fact and the moment at which it became known.
type Event struct {
	At   time.Time
	Fact Fact
}

// Fact is what happened: a touch, a device, an answer to an effect, time. The
// set is sealed.
//
//sumtype:decl
type Fact interface{ fact() }

// Ticket ties an answer to the effect that asked for it.
type Ticket struct {
	Visit uint64
	N     uint64
}

// Touches. Each is one intent of the screen.
type (
	// Start begins a visit from the top screen.
	Start struct{ Plan Plan }
	// Next is the primary button of the screen, whatever it says there.
	Next struct{}
	// Back goes one question back; nothing typed is lost.
	Back struct{}
	// Key types into the field of the screen. Full-width forms are folded.
	Key struct{ Text string }
	// Erase deletes the last character.
	Erase struct{}
	// Clear empties the field.
	Clear struct{}
	// Pick chooses a row: a service.
	Pick struct{ ID string }
	// Turn shows another page (0-based) of terms or of a list.
	Turn struct{ Page int }
	// Box ticks or clears the box of the screen.
	Box struct{ On bool }
	// SetEra chooses the calendar of the birth date.
	SetEra struct{ Era Era }
	// Resend asks for another one-time password.
	Resend struct{}
	// PrintAgain asks for the slip once more.
	PrintAgain struct{}
	// Another is the quiet second way of a screen (another service, finish here).
	Another struct{}
	// Open lays an overlay over the screen; Close removes it.
	Open struct{ Overlay OverlayKind }
	// Close removes the overlay.
	Close struct{}
	// SetLang changes the language, at any time.
	SetLang struct{ Lang string }
	// SetSize chooses the type size, 0..3.
	SetSize struct{ Size int }
	// SetContrast chooses the theme.
	SetContrast struct{ Contrast Contrast }
	// SetVolume chooses the loudness, 0..3.
	SetVolume struct{ Volume int }
	// CallStaff calls, or no longer calls, staff.
	CallStaff struct{ On bool }
	// GoHome ends the visit and wipes it (after the question, where there was something).
	GoHome struct{}
	// Stay answers the idle warning; any other touch does so too.
	Stay struct{}
	// StaffEnds is a staff member or the console ending the visit.
	StaffEnds struct{}
	// ButtonPressed is a press of the staff button. It is no touch: a contact that
	// chatters must not keep a stranger's visit open.
	ButtonPressed struct{}
)

// Devices.
type (
	// ReaderIs reports the card readers and what lies on them. Cards have the
	// numbers of their insertions, 0 = none.
	ReaderIs struct {
		Ready  bool   // there is a reader for My Number cards
		WAON   bool   // there is a reader for WAON cards; most often it is the same
		ISO    uint64 // a card that may be a My Number card
		FeliCa uint64 // a card that may be a WAON card
		// Apart says that the FeliCa card lies on a reader of its own, where it is
		// in no other card's way.
		Apart bool
	}
	// PrinterIs reports the printer: "" when it can print, else why not. Low says
	// that the roll ends soon.
	PrinterIs struct {
		Fault fault.Code
		Low   bool
	}
	// LineIs reports whether the hub answers.
	LineIs struct{ Up bool }
	// StorageIs reports the outbox: "" while it has room for another visit, else why
	// it has not.
	StorageIs struct{ Fault fault.Code }
	// EnrolmentIs reports how the kiosk stands with its hub: "" while it is accepted
	// there, else not_enrolled or kiosk_revoked. A visit under way is not ended by it.
	// Sandbox says that the hub is one of a demo: nothing that is done here counts. Lost
	// says that the files of the enrolment are gone: all goes on, until a restart.
	EnrolmentIs struct {
		Fault   fault.Code
		Sandbox bool
		Lost    bool
	}
)

// occupied reports whether any card lies there.
func (f ReaderIs) occupied() bool { return f.ISO != 0 || f.FeliCa != 0 }

// Answers to effects. Fault is "" when the effect was carried out.
type (
	// CardSeen answers Inspect.
	CardSeen struct {
		Ticket Ticket
		Fault  fault.Code
		Card   uint64
		// Holder is a hash that tells two cards apart within a visit. Empty when
		// the certificate can only be read after the PIN (phones).
		Holder    string
		TriesLeft int
	}
	// WAONSeen answers ReadWAON.
	WAONSeen struct {
		Ticket Ticket
		Fault  fault.Code
		Number string
	}
	// DocumentSigned answers Sign.
	DocumentSigned struct {
		Ticket    Ticket
		Fault     fault.Code
		TriesLeft int         // after pin_wrong, pin_blocked, pin_uncertain
		Verified  bool        // the PIN was accepted by the card
		Holder    string      // as in CardSeen
		Signed    wire.Signed // when Fault is ""
		ID        string      // under which it will be submitted, drawn by the kiosk
	}
	// Committed answers Submit: it stands durably in the outbox, or it does not.
	Committed struct {
		Ticket Ticket
		Fault  fault.Code
		ID     string
		Number string // 受付番号, for people
	}
	// Acknowledged says that the hub has stored a submission. It may come at any
	// time, even before Committed, or never within the visit.
	Acknowledged struct {
		ID      string
		Verdict wire.Verdict
	}
	// SlipEnded answers Print.
	SlipEnded struct {
		Ticket  Ticket
		Outcome SlipOutcome
		Fault   fault.Code
	}
	// CodeSent answers SendCode.
	CodeSent struct {
		Ticket  Ticket
		Problem Problem
		Started wire.IssueStarted
	}
	// CodeChecked answers CheckCode.
	CodeChecked struct {
		Ticket  Ticket
		Problem Problem
	}
	// IDIssued answers IssueID. Codes are secrets: they are shown on the issued
	// screen and on the management page and nowhere else.
	IDIssued struct {
		Ticket    Ticket
		Problem   Problem
		IssueRef  string
		ServiceID string
		Codes     []Code
		RecordID  string // of the submission that records it, drawn by the kiosk
	}
	// LoggedIn answers LogIn.
	LoggedIn struct {
		Ticket  Ticket
		Problem Problem
		Account wire.Account // without codes
		Codes   []Code       // owned
	}
	// StandingIs answers Inquire.
	StandingIs struct {
		Ticket   Ticket
		Problem  Problem
		Standing wire.Standing
	}
	// Found lists submissions of a visit that the last run of the daemon did not
	// live to end. It comes once, at start.
	Found struct {
		Submissions []FoundSubmission
		Lang        string // in which its shopper read; "" for not known
	}
)

// FoundSubmission is what may be shown of it: nothing personal.
type FoundSubmission struct {
	Kind   wire.Kind `json:"kind"`
	Number string    `json:"number"`
}

// Problem is why an interactive call failed; the zero Problem is success.
type Problem struct {
	Code       fault.Code
	Field      string
	TriesLeft  int
	RetryAfter time.Duration
}

// Tick says that time has passed.
type Tick struct{}

func (Start) fact()          {}
func (Next) fact()           {}
func (Back) fact()           {}
func (Key) fact()            {}
func (Erase) fact()          {}
func (Clear) fact()          {}
func (Pick) fact()           {}
func (Turn) fact()           {}
func (Box) fact()            {}
func (SetEra) fact()         {}
func (Resend) fact()         {}
func (PrintAgain) fact()     {}
func (Another) fact()        {}
func (Open) fact()           {}
func (Close) fact()          {}
func (SetLang) fact()        {}
func (SetSize) fact()        {}
func (SetContrast) fact()    {}
func (SetVolume) fact()      {}
func (CallStaff) fact()      {}
func (GoHome) fact()         {}
func (Stay) fact()           {}
func (StaffEnds) fact()      {}
func (ButtonPressed) fact()  {}
func (ReaderIs) fact()       {}
func (PrinterIs) fact()      {}
func (LineIs) fact()         {}
func (StorageIs) fact()      {}
func (EnrolmentIs) fact()    {}
func (CardSeen) fact()       {}
func (WAONSeen) fact()       {}
func (DocumentSigned) fact() {}
func (Committed) fact()      {}
func (Acknowledged) fact()   {}
func (SlipEnded) fact()      {}
func (CodeSent) fact()       {}
func (CodeChecked) fact()    {}
func (IDIssued) fact()       {}
func (LoggedIn) fact()       {}
func (StandingIs) fact()     {}
func (Found) fact()          {}
func (Tick) fact()           {}
