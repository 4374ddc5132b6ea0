package doctor

import (
	"time"

	"kioskd/internal/hw/card/jpki"
)

// CardFacts is what was found out about readers and the cards on them.
type CardFacts struct {
	Service Service  `json:"service"`
	Readers []Reader `json:"readers"`
	Cards   []Card   `json:"cards"`
}

// Service is the program that all readers are reached through.
type Service struct {
	Running     bool   `json:"running"`
	Libpcsclite string `json:"libpcsclite"` // version, as this program was built
	Err         error  `json:"-"`           // why it is not running
}

// Reader is one reader of the machine, served or not.
type Reader struct {
	Name      string `json:"name"`
	MyNumber  bool   `json:"my_number"` // My Number cards are looked for there
	WAON      bool   `json:"waon"`      // and WAON cards
	NotServed string `json:"not_served,omitempty"`
	Lies      string `json:"lies"`
}

// Why a reader is not served.
const (
	NoPattern = "pattern" // no pattern of the configuration fits its name
	SAM       = "sam"     // a slot for security modules inside the reader
)

// What lies on a reader.
const (
	LiesNothing = "nothing"
	LiesSilent  = "silent" // it gives no answer to reset
	LiesTaken   = "taken"  // another program has it for itself
	LiesFeliCa  = "felica"
	LiesISO     = "iso"
)

// Card is a card that was examined.
type Card struct {
	Reader      string       `json:"reader"`
	Tech        string       `json:"tech"` // TechISO and so on
	Kind        jpki.Kind    `json:"kind,omitempty"`
	Readable    bool         `json:"readable"`
	Steps       []Step       `json:"steps"`
	Certificate *Certificate `json:"certificate,omitempty"`
	TriesLeft   *int         `json:"tries_left,omitempty"`
	WAON        *WAON        `json:"waon,omitempty"`
}

// What a card speaks.
const (
	TechISO     = "iso"
	TechFeliCa  = "felica"
	TechUnknown = "unknown"
)

// Names of the steps.
const (
	stepConnect     = "connect"
	stepIdentify    = "identify"
	stepCertificate = "certificate"
	stepCounter     = "pin_counter"
	stepNumber      = "waon_number"
)

// Certificate is what may be told of a certificate: nothing in it tells whose
// it is.
type Certificate struct {
	Size      int       `json:"size"` // bytes
	Key       string    `json:"key"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Issuer    string    `json:"issuer"`
}

// Whether the issuer of a certificate is known.
const (
	IssuerConfigured = "configured"
	IssuerUnknown    = "unknown"
	IssuerNotChecked = "not_checked" // no roots are configured: the hub judges
)

// WAON is how the number of a WAON card was read.
type WAON struct {
	Strategy string    `json:"strategy,omitempty"` // the way that works
	Service  string    `json:"service,omitempty"`  // code, in hex
	Number   string    `json:"number,omitempty"`   // all but the last four digits hidden
	Tried    []Attempt `json:"tried,omitempty"`
}

// Attempt is a way that did not lead to a number.
type Attempt struct {
	Strategy string `json:"strategy"`
	Said     string `json:"said"`
}
