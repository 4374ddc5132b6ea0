package flow

import (
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
)

// Settings are what a kiosk's visits have in common. They never change.
type Settings struct {
	Catalogue *catalogue.Catalogue
	Name      string // of the store and kiosk, as the screen and slip say it
	Phone     string // where to ask
	Demo      bool
	NoPrinter bool // by configuration: that there is none is no fault
	Layout    Layout
	Langs     []string      // the first one is the default
	IdleWarn  time.Duration // untouched time before the warning
	IdleCount time.Duration // the countdown after it
}

// State is the whole of the flow. The zero State is not usable: see [New].
type State struct {
	set *Settings
	now time.Time

	// The kiosk.
	reader  ReaderIs
	printer PrinterIs
	line    bool
	storage fault.Code // why nothing new can be stored, "" when it can
	enrol   fault.Code // why the hub does not take this kiosk, "" when it does
	sandbox bool       // behind the hub nothing is real
	// enrolLost: a restart would not know the hub any more.
	enrolLost bool
	staff     bool
	found     []FoundSubmission

	// The look, reset after each visit.
	lang string
	look Look

	// Where the shopper is.
	step     StepName
	overlay  OverlayKind
	question uint64
	touched  time.Time // last touch, or end of the last wait
	entered  time.Time // when the present step began
	// Why the visit ended, and whether there is a slip to take, on goodbye.
	leaving   string
	slipTaken bool

	visit  uint64 // number of the present or last visit
	ticket uint64
	v      *visit // nil when there is no visit: everything personal hangs here
}

// New returns the flow at the top screen. Devices count as away until a fact
// says otherwise.
func New(set Settings) State {
	if set.Catalogue == nil {
		set.Catalogue = &catalogue.Catalogue{}
	}
	if len(set.Langs) == 0 {
		set.Langs = []string{"ja"}
	}
	if set.IdleWarn == 0 {
		set.IdleWarn = 120 * time.Second
	}
	if set.IdleCount == 0 {
		set.IdleCount = 45 * time.Second
	}
	s := State{set: &set, step: StepTop, question: 1, printer: PrinterIs{Fault: fault.PrinterGone}}
	s.resetLook()
	return s
}

func (s *State) resetLook() {
	s.lang = s.set.Langs[0]
	s.look = Look{Size: 1, Contrast: ContrastNormal, Volume: 2}
}

// Step is the name of the present step: all that logs and reports may know.
func (s State) Step() StepName { return s.step }

// Visit is the number of the present visit; 0 when there is none.
func (s State) Visit() uint64 {
	if s.v == nil {
		return 0
	}
	return s.visit
}

// Question changes whenever the shopper is asked something else than before.
// A touch that was meant for an earlier question must not reach Step.
func (s State) Question() uint64 { return s.question }

// Discard wipes whatever is personal, for a kiosk that stops or starts over.
func (s *State) Discard() {
	if s.v != nil {
		s.v.wipe()
		s.v = nil
	}
}
