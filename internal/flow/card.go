package flow

import (
	"cmp"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

const (
	pinLen   = 4
	triesMax = 3
	// signAttempts bounds how often the card is asked again by itself after it
	// fell silent; then a touch is needed.
	signAttempts = 3
	// arrivalsMax is how many cards a step takes for a sign of life.
	arrivalsMax = 5
)

// readerIs takes what the reader sees. What follows from it is in cardMoves.
func (t *turn) readerIs(f ReaderIs) {
	iso := f.ISO != 0 && f.ISO != t.reader.ISO
	felica := f.FeliCa != 0 && f.FeliCa != t.reader.FeliCa
	t.reader = f
	if t.v == nil || !iso && !felica {
		return
	}
	t.someoneIsThere()
	switch {
	case iso && f.FeliCa == 0 && t.wantsWAON():
		t.problemHere("tap_wrong_card", 0)
	case felica && f.ISO == 0 && t.step == StepCard:
		t.wrongKind()
	}
}

// wrongKind: a FeliCa card lies where the My Number card is asked for.
func (t *turn) wrongKind() {
	c := &t.v.card
	if c.refused == t.reader.FeliCa {
		return
	}
	c.refused, c.problem = t.reader.FeliCa, fault.CardWrongKind
	t.question++
}

// someoneIsThere: a card where one is asked for counts as a touch. A card at the
// edge of the field, coming and going by itself, must not keep a visit open.
func (t *turn) someoneIsThere() {
	t.v.arrivals++
	asked := t.step == StepCard || t.step == StepPIN || t.step == StepReading || t.wantsWAON()
	if !asked || t.v.arrivals > arrivalsMax {
		return
	}
	t.touched = t.now
	if t.overlay == OverlayIdle {
		t.cover(OverlayNone)
	}
}

// wantsWAON reports whether the field on screen is filled by a tap.
func (s *State) wantsWAON() bool {
	switch s.step {
	case StepIssueCard:
		return s.issueField().Tap == "waon"
	case StepApplyID:
		f, ok := s.idField()
		return ok && f.Tap == "waon"
	default:
	}
	return false
}

// wantsMyNumber reports whether this visit will need the My Number card: then
// it is read as soon as it lies there, while the shopper still reads or types.
func (s *State) wantsMyNumber() bool {
	switch s.step {
	case StepGoodbye, StepTop, StepRecovered, StepApplied, StepManage:
		return false
	case StepCard, StepPIN:
		return true
	default:
	}
	return s.v.plan == PlanFull || s.v.procedure == Reserve || s.v.procedure == Apply
}

// cardMoves starts what the card on the reader makes possible. It runs after
// every fact, so it does not matter in which order card and step arrive.
func (t *turn) cardMoves() {
	if t.v == nil {
		return
	}
	c := &t.v.card
	if c.number != 0 && c.number != t.reader.ISO {
		c.number = 0
	}
	if t.reader.FeliCa != 0 {
		t.feliCaMoves()
	}
	if t.reader.ISO == 0 || t.v.pending != nil || t.v.inspecting.on() {
		return
	}
	switch {
	case c.number == 0 && c.refused != t.reader.ISO && t.wantsMyNumber():
		k, e := t.errandFor(limitInspect)
		t.v.inspecting = e
		t.emit(Inspect{Ticket: k, Card: t.reader.ISO})
	case c.number != 0 && t.step == StepCard:
		t.proceed() // it is known already: nothing is asked again
	}
}

// feliCaMoves reads the number where it is asked for. Where the My Number card
// is, the card is in its way, unless it has a reader of its own.
func (t *turn) feliCaMoves() {
	switch {
	case t.wantsWAON() && !t.v.tapping.on() && t.v.tapped != t.reader.FeliCa:
		k, e := t.errandFor(limitWAON)
		t.v.tapping, t.v.tapped = e, t.reader.FeliCa
		t.emit(ReadWAON{Ticket: k, Card: t.reader.FeliCa})
	case t.step == StepCard && t.reader.ISO == 0 && !t.reader.Apart:
		t.wrongKind()
	}
}

// waonSeen fills the field with the number that the card gave.
func (t *turn) waonSeen(f WAONSeen) {
	if t.v == nil || !t.mine(f.Ticket, t.v.tapping.ticket) {
		return
	}
	t.v.tapping = errand{}
	if !t.wantsWAON() {
		return
	}
	t.touched = t.now
	if f.Fault == fault.CardLifted {
		t.v.tapped = 0
		t.problemHere("tap_lifted", 0)
		return
	}
	if f.Fault != "" {
		t.problemHere("tap_unreadable", 0)
		return
	}
	t.question++
	switch t.step {
	case StepIssueCard:
		t.v.issue.number = f.Number
		t.touchIssueCard(Next{})
	case StepApplyID:
		t.v.apply.id = f.Number
		t.touchApply(Next{})
	default:
	}
}

// sign sets out to have the card sign for p, from wherever the shopper is.
func (t *turn) sign(p purpose) {
	c := &t.v.card
	c.purpose, c.lastTry, c.attempts = p, false, 0
	t.v.procedure = Apply
	if p == forReserve {
		t.v.procedure = Reserve
	}
	t.proceed()
}

// proceed goes as far towards the signature as what is known allows.
func (t *turn) proceed() {
	c := &t.v.card
	switch {
	case c.number == 0 || c.number != t.reader.ISO:
		t.moveOn(StepCard)
	case c.tries == 0:
		t.forgetPIN()
		t.fail(fault.PINBlocked, "", "", 0)
	case c.pin.Len() != pinLen || !c.pinFits():
		t.forgetPIN()
		t.moveOn(StepPIN)
	case c.tries == 1 && !c.lastTry:
		t.moveOn(StepLastTry)
	default:
		t.signNow()
	}
}

// moveOn goes to a step of the card dialogue; these steps pass by themselves,
// so only the question they started from is remembered for Back.
func (t *turn) moveOn(to StepName) {
	switch t.step {
	case to:
	case StepCard, StepPIN, StepLastTry, StepReading, StepTrouble:
		t.replace(to)
	default:
		t.forward(to)
	}
}

// pinFits: the PIN was typed for the card that lies there.
func (c *cardData) pinFits() bool {
	return c.pinFor == c.holder && (c.holder != "" || c.pinCard == c.number)
}

func (t *turn) forgetPIN() {
	c := &t.v.card
	c.pin.Wipe()
	c.pinFor, c.pinCard, c.lastTry = "", 0, false
}

// cardSeen takes the identification of a card.
func (t *turn) cardSeen(f CardSeen) {
	if t.v == nil || !t.mine(f.Ticket, t.v.inspecting.ticket) {
		return
	}
	t.v.inspecting = errand{}
	c := &t.v.card
	if f.Card != t.reader.ISO {
		return // another one lies there by now: cardMoves looks at it
	}
	if f.Fault == "" && c.signer != "" && f.Holder != "" && f.Holder != c.signer {
		f.Fault = fault.CardChanged // one visit is one person
	}
	if f.Fault != "" {
		c.refused, c.problem = f.Card, f.Fault
		if t.step == StepCard {
			t.touched = t.now
			t.question++
			if f.Fault == fault.PINBlocked {
				t.fail(f.Fault, "", "", 0)
			}
		}
		return
	}
	wrong := c.triesAt >= 0 && f.Holder == c.triesOf && f.TriesLeft < c.triesAt
	c.triesAt, c.triesOf = -1, ""
	c.number, c.holder, c.tries, c.problem = f.Card, f.Holder, f.TriesLeft, ""
	if wrong || c.pin.Len() == pinLen && !c.pinFits() {
		t.forgetPIN()
	}
	switch t.step {
	case StepCard:
		t.proceed()
		if wrong && t.step == StepPIN {
			t.problemHere("pin_wrong", c.tries)
		}
	case StepPIN:
		if c.tries == 0 {
			t.proceed()
		}
	default:
	}
}

// touchCard handles a touch within the card dialogue.
func (t *turn) touchCard(f Fact) {
	switch t.step {
	case StepCard:
		if _, ok := f.(Another); ok {
			t.forward(StepGuardian)
		}
	case StepPIN:
		t.touchPIN(f)
	case StepLastTry:
		switch f.(type) {
		case Next:
			t.v.card.lastTry = true
			t.proceed()
		case Back, Another:
			t.forgetPIN()
			t.replace(StepPIN)
		default:
		}
	default:
	}
}

func (t *turn) touchPIN(f Fact) {
	c := &t.v.card
	t.typedSecret(&c.pin, f, digits, pinLen)
	if _, ok := f.(Next); !ok {
		return
	}
	if c.pin.Len() != pinLen {
		t.problemHere("too_short", pinLen)
		return
	}
	c.pinFor, c.pinCard = c.holder, c.number
	t.proceed()
}

// signNow sends the one VERIFY and the signature.
func (t *turn) signNow() {
	c := &t.v.card
	minTries := 2
	if c.lastTry {
		minTries = 1
	}
	c.attempts++
	doc, codes := t.document()
	k := t.await(BusyCard, limitSign)
	t.moveOn(StepReading)
	t.emit(Sign{
		Ticket: k, Card: c.number, Holder: cmp.Or(c.signer, c.holder), PIN: c.pin.Clone(), MinTries: minTries,
		Document: doc, Codes: codes,
	})
}

// document is what the card signs now.
func (t *turn) document() (wire.Document, []Code) {
	v := t.v
	doc := wire.Document{Schema: wire.Schema}
	switch v.card.purpose {
	case forReserve:
		doc.Kind = wire.KindReservation
		doc.Reservation = &wire.Reservation{Guardian: v.guardian}
	case forApply:
		a := &v.apply
		doc.Kind = wire.KindApplication
		doc.Application = &wire.Application{
			Service: a.service, ServiceID: a.id, PhoneLast4: wire.Private(a.last4),
			Terms: t.termsVersion(), Guardian: v.guardian,
		}
		return doc, cloneAll(a.codes)
	case forResume:
		doc.Kind = wire.KindInquiry
		doc.Inquiry = &wire.Inquiry{}
	}
	return doc, nil
}

// documentSigned takes the card's signature, or why there is none.
func (t *turn) documentSigned(f DocumentSigned) {
	if !t.arrived(f.Ticket) {
		return
	}
	c := &t.v.card
	before := c.tries
	if f.Fault == "" && c.signer != "" && f.Holder != c.signer {
		f.Fault = fault.CardChanged // one visit is one person, also where only the PIN opens the certificate
		clear(f.Signed.Document)
	}
	if f.Verified {
		c.tries, c.lastTry = triesMax, false // a right PIN resets the counter
	}
	switch f.Fault {
	case "":
		c.forget()
		c.signer, c.unsent, c.unsentID, c.attempts = f.Holder, &f.Signed, f.ID, 0
		if c.holder == "" { // a phone told its certificate only after the PIN
			c.holder, c.pinFor = f.Holder, f.Holder
		}
		t.signed()
	case fault.PINWrong:
		t.forgetPIN()
		c.tries = f.TriesLeft
		switch {
		case c.tries == 0:
			t.fail(fault.PINBlocked, "", "", 0)
			return
		case c.tries < 0: // wrong, and the card did not say how many are left: ask it
			c.triesAt, c.triesOf = triesMax+1, c.holder
			t.cardAgain(fault.PINWrong)
			return
		}
		t.replace(StepPIN)
		t.problemHere("pin_wrong", c.tries)
	case fault.PINBlocked:
		t.forgetPIN()
		c.tries = 0
		t.fail(fault.PINBlocked, "", "", 0)
	case fault.PINUncertain:
		c.triesAt, c.triesOf = before, c.holder
		t.cardAgain(f.Fault)
	case fault.PINTriesLow:
		// The counter fell since it was read: the question has to be asked first.
		c.tries = f.TriesLeft
		t.proceed()
	case fault.CardLifted, fault.CardMute, fault.ReaderGone, fault.ReaderBusy:
		t.cardAgain(f.Fault)
	case fault.CardChanged:
		t.forgetPIN()
		t.cardAgain(f.Fault)
	default:
		c.number = 0
		t.fail(f.Fault, StepCard, "", 0)
	}
}

// cardAgain asks for the card once more; the shopper goes on where he or she
// was, and the PIN is not asked again unless it was wrong.
func (t *turn) cardAgain(code fault.Code) {
	c := &t.v.card
	c.number, c.refused, c.problem = 0, 0, code
	if c.attempts >= signAttempts {
		c.attempts = 0
		t.fail(code, StepCard, "", 0)
		return
	}
	t.replace(StepCard)
}

// signed does with a signature what it was made for.
func (t *turn) signed() {
	c := &t.v.card
	switch c.purpose {
	case forReserve:
		t.submitSigned()
	case forApply:
		t.forgetPIN()
		t.submitSigned()
	case forResume:
		if !t.line {
			t.openApply()
			return
		}
		t.emit(Inquire{Ticket: t.await(BusyStanding, limitHub), Signed: c.signedCopy()})
	}
}

// standingIs takes where the person stands and opens apply, or says why not.
func (t *turn) standingIs(f StandingIs) {
	if !t.arrived(f.Ticket) {
		return
	}
	switch {
	// A wrong clock says nothing about the person.
	case f.Problem.Code == fault.DocumentRefused || f.Problem.Code == fault.CertExpired || f.Problem.Code == fault.CertForeign:
		t.fail(f.Problem.Code, "", "", 0)
	case f.Problem.Code != "":
		t.openApply() // not known now: the application is taken and checked when it is sent
	case f.Standing.Applied:
		t.fail(fault.AlreadyApplied, "", "manage", 0)
	case !f.Standing.Reserved:
		t.fail(fault.NotReserved, "", "reserve", 0)
	default:
		t.openApply()
	}
}

// openApply: PIN and card have opened apply; it starts with the search.
func (t *turn) openApply() {
	t.v.card.forget()
	t.v.apply.resumed = true
	t.settle(StepSearch)
}
