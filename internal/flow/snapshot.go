package flow

import (
	"time"

	"kioskd/internal/fault"
)

// SnapshotVersion is the version of the screen protocol.
const SnapshotVersion = 1

// Snapshot is everything the screen shows. After each change the whole of it is
// sent. It never holds a PIN, password or code that was typed: only how many
// characters there are.
type Snapshot struct {
	V   int    `json:"v"`
	Seq uint64 `json:"seq"` // set by the kiosk
	// Since is the Seq with which the present question appeared. An intent that
	// carries a smaller Seq was meant for an earlier question and is dropped.
	Since    uint64    `json:"since"` // set by the kiosk
	Lang     string    `json:"lang"`
	Look     Look      `json:"look"`
	Screen   Screen    `json:"screen"`
	Progress *Progress `json:"progress"` // nil outside a visit
	Overlay  *Overlay  `json:"overlay"`  // nil: none
	Busy     *Busy     `json:"busy"`     // nil: not waiting
	Kiosk    KioskView `json:"kiosk"`
	Deadline *Deadline `json:"deadline"` // nil: nothing runs out
	Nav      Nav       `json:"nav"`
}

// Look is how the screen is set for this shopper.
type Look struct {
	Size     int      `json:"size"` // 0..3
	Contrast Contrast `json:"contrast"`
	Volume   int      `json:"volume"` // 0..3, 0 = silent
}

// Nav says which of the fixed buttons are there.
type Nav struct {
	Back bool `json:"back"`
	Home bool `json:"home"`
	Next bool `json:"next"` // the primary button may be pressed
}

// Progress is where in the plan the shopper is.
type Progress struct {
	Procedures []Procedure `json:"procedures"` // of this plan, in order
	Procedure  Procedure   `json:"procedure"`  // the present one
	At         int         `json:"at"`         // 1-based, within the present procedure
	Of         int         `json:"of"`
}

// Overlay lies over the screen.
type Overlay struct {
	Kind  OverlayKind `json:"kind"`
	Langs []string    `json:"langs,omitempty"` // language: the choices
}

// BusyWith says what is being waited for.
type BusyWith string

// What a screen can wait for.
const (
	BusySMS      BusyWith = "sms"
	BusyOTP      BusyWith = "otp"
	BusyIssue    BusyWith = "issue"
	BusyLogin    BusyWith = "login"
	BusyStanding BusyWith = "standing"
	BusyCard     BusyWith = "card"
	BusyStore    BusyWith = "store"
	BusySend     BusyWith = "send"
)

// Busy is a wait. The spinner shows from 500 ms on; Slow turns true at 10 s,
// when an honest message and a way out appear.
type Busy struct {
	With    BusyWith `json:"with"`
	SinceMS int64    `json:"since_ms"` // how long it has lasted
	LimitMS int64    `json:"limit_ms"` // how long it lasts at most
	Slow    bool     `json:"slow"`
}

// KioskView is the kiosk itself, as the screen needs it.
type KioskView struct {
	Name    string       `json:"name"`  // of the store and kiosk
	Phone   string       `json:"phone"` // where to ask, may be empty
	Demo    bool         `json:"demo"`  // simulated hardware or sandbox, or no hub at all: says so on screen
	Line    bool         `json:"line"`
	Reader  bool         `json:"reader"`
	Card    bool         `json:"card"` // a card lies on the reader
	Printer bool         `json:"printer"`
	Faults  []fault.Code `json:"faults"` // what is wrong with the kiosk now
	Staff   bool         `json:"staff"`  // staff has been called
	Layout  Layout       `json:"layout"`
	Langs   []string     `json:"langs"`
}

// Place says where around the screen a device sits.
type Place string

// The places.
const (
	PlaceLeft  Place = "left"
	PlaceRight Place = "right"
	PlaceBelow Place = "below"
	PlaceAbove Place = "above"
)

// Layout is where the devices really are, so that arrows point to them.
type Layout struct {
	Reader  Place `json:"reader"` // for the My Number card
	WAON    Place `json:"waon"`   // for the WAON card; most often the same reader
	Printer Place `json:"printer"`
}

// DeadlineWhy says what runs out.
type DeadlineWhy string

// What can run out.
const (
	DeadlineIdle    DeadlineWhy = "idle"    // the countdown of the idle overlay, then everything is wiped
	DeadlineCode    DeadlineWhy = "code"    // life of the one-time password
	DeadlineGoodbye DeadlineWhy = "goodbye" // back to the top
)

// Deadline is a time that the screen counts down.
type Deadline struct {
	Why     DeadlineWhy `json:"why"`
	LeftMS  int64       `json:"left_ms"` // when the snapshot was made
	TotalMS int64       `json:"total_ms"`
}

// Screen is the closed union of what can be shown; the member "kind" tells
// which. Titles, help and button texts come from the language file under
// "step.<step>.…".
//
//sumtype:decl
type Screen interface{ screen() }

// Menu is the top screen.
type Menu struct {
	Kind    string       `json:"kind" enum:"menu"`
	Step    StepName     `json:"step"`
	Choices []MenuChoice `json:"choices"`
}

// MenuChoice is one plan.
type MenuChoice struct {
	Plan      Plan         `json:"plan"`
	Available bool         `json:"available"`
	Because   []fault.Code `json:"because"` // why not, or what will be missing (no slip, sent later)
}

// Recovered tells about submissions of a visit that a restart cut short.
type Recovered struct {
	Kind  string            `json:"kind" enum:"recovered"`
	Step  StepName          `json:"step"`
	Items []FoundSubmission `json:"items"`
}

// Services is a list to choose from: with a search field in apply_search,
// without in issue_kind.
type Services struct {
	Kind     string       `json:"kind" enum:"services"`
	Step     StepName     `json:"step"`
	Search   bool         `json:"search"`
	Query    string       `json:"query"`
	Results  []ServiceRow `json:"results"` // this page
	Total    int          `json:"total"`
	Page     int          `json:"page"` // 0-based
	Pages    int          `json:"pages"`
	Selected string       `json:"selected"` // ID, or ""
}

// ServiceRow is a service in a list. Texts are in the snapshot's language.
type ServiceRow struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Operator string `json:"operator"`
	Mark     string `json:"mark"`
	Colour   string `json:"colour"`
	Grants   string `json:"grants"` // "topup" or "purchase"
}

// ServiceView is one service in full.
type ServiceView struct {
	Kind    string     `json:"kind" enum:"service"`
	Step    StepName   `json:"step"`
	Service ServiceRow `json:"service"`
	About   string     `json:"about"`
	Reward  string     `json:"reward"`
	Ask     string     `json:"ask"`
	// Carried says that ID and code come from the issuance of this visit.
	Carried bool `json:"carried"`
}

// TermsView is one page of terms. Next is possible when all pages were seen and
// the box is ticked.
type TermsView struct {
	Kind    string     `json:"kind" enum:"terms"`
	Step    StepName   `json:"step"`
	Service ServiceRow `json:"service"`
	Title   string     `json:"title"`
	Heading string     `json:"heading"`
	Paras   []string   `json:"paras"`
	Page    int        `json:"page"`
	Pages   int        `json:"pages"`
	AllSeen bool       `json:"all_seen"`
	Ticked  bool       `json:"ticked"`
	Tick    string     `json:"tick"`
}

// Keyboard is what to type on.
type Keyboard string

// The keyboards.
const (
	KeyboardDigits  Keyboard = "digits"
	KeyboardKana    Keyboard = "kana"
	KeyboardLetters Keyboard = "letters"
)

// EntryProblem stands beside a field. Texts: "problem.<code>" with the given
// numbers as {n}.
type EntryProblem struct {
	Code string `json:"code"`
	N    int    `json:"n"`
}

// Entry is one field and its keyboard.
type Entry struct {
	Kind     string   `json:"kind" enum:"entry"`
	Step     StepName `json:"step"`
	Keyboard Keyboard `json:"keyboard"`
	Label    string   `json:"label"`   // from the catalogue; "" = use the step's text
	Hint     string   `json:"hint"`    // from the catalogue; "" = use the step's text
	Picture  string   `json:"picture"` // illustration, "" = none
	Secret   bool     `json:"secret"`
	Text     string   `json:"text"`  // always "" for a secret
	Count    int      `json:"count"` // characters typed
	Min      int      `json:"min"`
	Max      int      `json:"max"`
	Groups   []int    `json:"groups"`
	Complete bool     `json:"complete"`
	// Problem is set after a try that failed; it goes with the next key.
	Problem *EntryProblem `json:"problem"`
	Rules   []Rule        `json:"rules"` // password: met one by one
	Tap     bool          `json:"tap"`   // a WAON card on the reader fills the field
	Resend  *ResendView   `json:"resend"`
	To      string        `json:"to"`    // where a message went: the phone number, last four digits
	Index   int           `json:"index"` // which of several codes, 0-based
	Of      int           `json:"of"`    // how many codes there are
}

// Rule is one rule of a password: "rule.<code>".
type Rule struct {
	Code string `json:"code" enum:"length,letter,digit,charset"`
	Met  bool   `json:"met"`
}

// ResendView is the second message of the one-time password.
type ResendView struct {
	Allowed bool  `json:"allowed"`
	InMS    int64 `json:"in_ms"` // wait until it is allowed
	Left    int   `json:"left"`  // further messages
}

// Birth is the date of birth.
type Birth struct {
	Kind     string        `json:"kind" enum:"birth"`
	Step     StepName      `json:"step"`
	Era      Era           `json:"era"`
	Eras     []Era         `json:"eras"`
	Digits   string        `json:"digits"` // YYMMDD, or YYYYMMDD for the western calendar
	Complete bool          `json:"complete"`
	Problem  *EntryProblem `json:"problem"`
	Date     string        `json:"date"` // YYYY-MM-DD once complete and real, else ""
}

// Consent is a statement with a box.
type Consent struct {
	Kind   string   `json:"kind" enum:"consent"`
	Step   StepName `json:"step"`
	Ticked bool     `json:"ticked"`
}

// CardStatus is what the reader sees.
type CardStatus string

// What it can see.
const (
	CardWaiting CardStatus = "waiting"
	CardReading CardStatus = "reading"
	CardProblem CardStatus = "problem"
)

// CardView asks for the My Number card, or asks to leave it there.
type CardView struct {
	Kind    string     `json:"kind" enum:"card"`
	Step    StepName   `json:"step"` // card or reading
	Status  CardStatus `json:"status"`
	Problem fault.Code `json:"problem"` // with CardProblem
	Purpose Procedure  `json:"purpose"` // reserve or apply
	// Guardian says that a legal guardian acts for a child; where it is false on
	// step card, Another opens the statement.
	Guardian bool `json:"guardian"`
}

// PINView asks for the PIN.
type PINView struct {
	Kind      string        `json:"kind" enum:"pin"`
	Step      StepName      `json:"step"`
	Count     int           `json:"count"` // 0..4
	TriesLeft int           `json:"tries_left"`
	TriesMax  int           `json:"tries_max"`
	Purpose   Procedure     `json:"purpose"`
	Resume    bool          `json:"resume"` // apply after an earlier reserve: the PIN opens it
	Card      bool          `json:"card"`   // it still lies there
	Problem   *EntryProblem `json:"problem"`
}

// LastTry asks for an explicit yes before the last try.
type LastTry struct {
	Kind    string    `json:"kind" enum:"last_try"`
	Step    StepName  `json:"step"`
	Purpose Procedure `json:"purpose"`
}

// ShownField is a labelled value to read off the screen.
type ShownField struct {
	Label  string `json:"label"`
	Value  string `json:"value"`
	Groups []int  `json:"groups"`
}

// IssuedView shows ID and code: the purpose of the procedure.
type IssuedView struct {
	Kind    string       `json:"kind" enum:"issued"`
	Step    StepName     `json:"step"`
	Service ServiceRow   `json:"service"`
	Fields  []ShownField `json:"fields"`
	Slip    SlipOutcome  `json:"slip"` // "" = none yet
	Because fault.Code   `json:"because"`
	Again   bool         `json:"again"`  // the slip can be asked for again
	Onward  bool         `json:"onward"` // reserve can follow now
}

// Delivery is where a submission is.
type Delivery string

// The deliveries.
const (
	DeliverySending  Delivery = "sending"  // stored here, being sent
	DeliveryAccepted Delivery = "accepted" // the hub has it and accepts it
	DeliveryRefused  Delivery = "refused"  // the hub has it and refuses it: Because says why
	DeliveryQueued   Delivery = "queued"   // stored here, sent when the line is back
)

// ReservedView is the end of reserve.
type ReservedView struct {
	Kind        string      `json:"kind" enum:"reserved"`
	Step        StepName    `json:"step"`
	Number      string      `json:"number"`
	MyKeyID     string      `json:"mykey_id"` // when the hub has said it
	Delivery    Delivery    `json:"delivery"`
	Because     fault.Code  `json:"because"`
	Slip        SlipOutcome `json:"slip"`
	SlipBecause fault.Code  `json:"slip_because"`
	Again       bool        `json:"again"`
	Onward      bool        `json:"onward"` // apply can follow now
}

// CheckRow is one line of the check screen.
type CheckRow struct {
	Key    string `json:"key" enum:"service,operator,grants,service_id,code,phone_last4,guardian"`
	Label  string `json:"label"`  // from the catalogue, "" = "check.<key>"
	Value  string `json:"value"`  // "" when masked
	Masked int    `json:"masked"` // number of characters of a masked value
	Groups []int  `json:"groups"`
	Edit   bool   `json:"edit"` // Pick{ID: key} goes back to it
}

// Check shows everything before what cannot be changed.
type Check struct {
	Kind    string     `json:"kind" enum:"check"`
	Step    StepName   `json:"step"`
	Service ServiceRow `json:"service"`
	Rows    []CheckRow `json:"rows"`
	PINKept bool       `json:"pin_kept"` // the PIN of this visit is still good: the card signs at once
}

// AppliedView is the end of apply.
type AppliedView struct {
	Kind        string      `json:"kind" enum:"applied"`
	Step        StepName    `json:"step"`
	Service     ServiceRow  `json:"service"`
	Number      string      `json:"number"`
	Delivery    Delivery    `json:"delivery"`
	Because     fault.Code  `json:"because"`
	CompleteBy  *time.Time  `json:"complete_by"`
	Ask         string      `json:"ask"`
	Slip        SlipOutcome `json:"slip"`
	SlipBecause fault.Code  `json:"slip_because"`
	Again       bool        `json:"again"`
	// Fix is what Another does about a refusal: "id" types ID and code anew,
	// "reserve" reserves first; "" = nothing.
	Fix string `json:"fix" enum:",id,reserve"`
}

// GrantRow is one granting of points.
type GrantRow struct {
	At     time.Time `json:"at"`
	Points int       `json:"points"`
	For    string    `json:"for"`
}

// ManageView is the management page.
type ManageView struct {
	Kind       string       `json:"kind" enum:"manage"`
	Step       StepName     `json:"step"`
	Service    ServiceRow   `json:"service"`
	Status     string       `json:"status" enum:"issued,applied,completed"`
	Fields     []ShownField `json:"fields"` // ID and code, until complete
	AppliedAt  *time.Time   `json:"applied_at"`
	CompleteBy *time.Time   `json:"complete_by"`
	Points     []GrantRow   `json:"points"`
	PointsSum  int          `json:"points_sum"`
	Page       int          `json:"page"`
	Pages      int          `json:"pages"`
}

// Trouble is a fault with a screen of its own: what happened, that nothing is
// lost, what to do now. Texts: "fault.<code>.title", ".text", ".do".
type Trouble struct {
	Kind  string     `json:"kind" enum:"trouble"`
	Step  StepName   `json:"step"`
	Code  fault.Code `json:"code"`
	Retry bool       `json:"retry"` // Next tries again
	// Other is a second way forward (Another): "" none, "manage", "reserve", "other_card", "details".
	Other string `json:"other" enum:",manage,reserve,details"`
	Wait  int    `json:"wait"` // seconds until a retry makes sense, 0 = now
	Kept  bool   `json:"kept"` // what was typed is kept
}

// Goodbye is the end: everything has been wiped.
type Goodbye struct {
	Kind   string   `json:"kind" enum:"goodbye"`
	Step   StepName `json:"step"`
	Reason string   `json:"reason" enum:"finished,idle,left,staff"`
	Slip   bool     `json:"slip"` // there is a slip to take along
}

func (Menu) screen()         {}
func (Recovered) screen()    {}
func (Services) screen()     {}
func (ServiceView) screen()  {}
func (TermsView) screen()    {}
func (Entry) screen()        {}
func (Birth) screen()        {}
func (Consent) screen()      {}
func (CardView) screen()     {}
func (PINView) screen()      {}
func (LastTry) screen()      {}
func (IssuedView) screen()   {}
func (ReservedView) screen() {}
func (Check) screen()        {}
func (AppliedView) screen()  {}
func (ManageView) screen()   {}
func (Trouble) screen()      {}
func (Goodbye) screen()      {}

// Screens returns one zero value of every member of the union, with Kind set:
// the source of the generated TypeScript.
func Screens() []Screen {
	return []Screen{
		Menu{Kind: "menu"}, Recovered{Kind: "recovered"}, Services{Kind: "services"}, ServiceView{Kind: "service"},
		TermsView{Kind: "terms"}, Entry{Kind: "entry"}, Birth{Kind: "birth"}, Consent{Kind: "consent"},
		CardView{Kind: "card"}, PINView{Kind: "pin"}, LastTry{Kind: "last_try"}, IssuedView{Kind: "issued"},
		ReservedView{Kind: "reserved"}, Check{Kind: "check"}, AppliedView{Kind: "applied"}, ManageView{Kind: "manage"},
		Trouble{Kind: "trouble"}, Goodbye{Kind: "goodbye"},
	}
}
