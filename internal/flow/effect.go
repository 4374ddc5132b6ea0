package flow

import (
	"time"

	"kioskd/internal/secret"
	"kioskd/internal/wire"
)

// Effect is what the kiosk must do now. The set is sealed. Effects run beside
// the loop, each with its limit from [LimitOf]; they own the secrets and documents
// they carry.
//
//sumtype:decl
type Effect interface{ effect() }

type (
	// Inspect identifies the card that lies there, reads tries left and, where it
	// is free, the certificate. It costs no PIN try. Answer: CardSeen.
	Inspect struct {
		Ticket Ticket
		Card   uint64
	}
	// ReadWAON reads the number of the WAON card. Answer: WAONSeen.
	ReadWAON struct {
		Ticket Ticket
		Card   uint64
	}
	// Sign builds the canonical document, verifies the PIN once and lets the card
	// sign. MinTries is the number of tries that must be left for VERIFY to be
	// sent at all (2, or 1 after the shopper's explicit yes). Holder, when set, is
	// the card that must be lying there. Answer: DocumentSigned.
	Sign struct {
		Ticket   Ticket
		Card     uint64
		Holder   string
		PIN      secret.Secret
		MinTries int
		Document wire.Document   // Kiosk, Time and Nonce are filled in by the kiosk
		Codes    []secret.Secret // the codes of an application, filled into the document
	}
	// Submit puts a submission, its slip job and its audit entry into the outbox
	// in one transaction. The same ID again stores nothing again, so it may be
	// repeated when the answer did not come. The record of an issuance is not: when it is
	// refused, the kiosk brings it there later by itself. Answer: Committed; later perhaps
	// Acknowledged.
	Submit struct {
		Ticket  Ticket
		ID      string // of the submission
		Visit   uint64
		Payload wire.Payload
		Slip    SlipKind // the slip that belongs to it
		Lang    string   // in which language the shopper reads
	}
	// Print prints a slip. Answer: SlipEnded.
	Print struct {
		Ticket     Ticket
		Submission string // ID of the submission it belongs to
		Reprint    bool   // carries 再発行
		Slip       Slip
	}
	// SendCode starts an issuance, or asks for another code when Session is set.
	// Answer: CodeSent.
	SendCode struct {
		Ticket  Ticket
		Session string
		Start   wire.IssueStart
	}
	// CheckCode verifies the one-time password. Answer: CodeChecked.
	CheckCode struct {
		Ticket  Ticket
		Session string
		Code    secret.Secret
	}
	// IssueID sets the password and issues. Answer: IDIssued.
	IssueID struct {
		Ticket   Ticket
		Session  string
		Password secret.Secret
	}
	// LogIn looks an account up. Answer: LoggedIn.
	LogIn struct {
		Ticket   Ticket
		Phone    string
		Password secret.Secret
	}
	// Inquire asks the hub where the signer stands. Answer: StandingIs.
	Inquire struct {
		Ticket Ticket
		Signed wire.Signed
	}
	// EndVisit tells the kiosk that visit is over and wiped: cancel what still
	// runs for it and note in the outbox that its end was shown.
	EndVisit struct{ Visit uint64 }
)

func (Inspect) effect()   {}
func (ReadWAON) effect()  {}
func (Sign) effect()      {}
func (Submit) effect()    {}
func (Print) effect()     {}
func (SendCode) effect()  {}
func (CheckCode) effect() {}
func (IssueID) effect()   {}
func (LogIn) effect()     {}
func (Inquire) effect()   {}
func (EndVisit) effect()  {}

// Code is one security code of an issued service.
type Code = secret.Secret

// SlipKind is which slip is printed.
type SlipKind string

// The slips.
const (
	SlipNone        SlipKind = ""
	SlipIssuance    SlipKind = "issuance"
	SlipReservation SlipKind = "reservation"
	SlipApplication SlipKind = "application"
)

// SlipOutcome is what became of a slip, as the screen says it.
type SlipOutcome string

// The outcomes.
const (
	SlipPrinting    SlipOutcome = "printing"
	SlipPrinted     SlipOutcome = "printed"
	SlipUnconfirmed SlipOutcome = "unconfirmed"
	SlipNot         SlipOutcome = "not_printed"
	SlipUnknown     SlipOutcome = "unknown"
)

// Slip is the content of a slip, before layout. Text comes from the language
// file of Lang; Japanese staff words are added by the layout where Lang is not ja.
type Slip struct {
	Kind   SlipKind
	Lang   string
	At     time.Time
	Number string // 受付番号; empty for an issuance
	// Service is the catalogue ID; empty for a reservation.
	Service   string
	ServiceID string // issuance
	Codes     []Code // issuance; owned
	MyKeyID   string // reservation, when known
	Queued    bool   // taken here, not yet at the hub
	Guardian  bool
}
