package walk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"kioskd/internal/catalogue"
)

const (
	maxLooks = 900
	lookFor  = 400 * time.Millisecond
	pin      = "1234"
	// standing still for so many looks is too long: a card that lies there unused,
	// and anything at all.
	stillCard = 6
	stillMost = 40
)

// person is who comes, with what he or she carries, for one visit or two.
type person struct {
	persona  string
	kana     string // the name
	birth    string // as it is typed: year of the era, month, day
	card     string // number of the payment card
	phone    string
	code     string // on the back of a WAON card
	password string // the one set last
	taken    bool   // a screen has said that it is on its way
	id       string // payment service ID, once issued
	reserved bool   // a screen has said so
}

func newPerson(rnd *rand.Rand) *person {
	body := fmt.Sprintf("6900%011d", rnd.Int64N(100000000000))
	return &person{
		persona: fmt.Sprintf("person-%02d", 1+rnd.IntN(20)),
		kana:    "ヤマダ タロウ",
		birth:   "250203",
		card:    body + string(catalogue.LuhnDigit(body)),
		phone:   fmt.Sprintf("090%08d", 20000000+10*rnd.IntN(7000000)), // ends with 0: no PIN
		code:    fmt.Sprintf("%06d", rnd.IntN(1000000)),
	}
}

// shopper walks one visit by looking at the screen, as a person does.
type shopper struct {
	*rig
	*person
	story
	rnd    *rand.Rand
	ledger *ledger

	faults int    // still to come in this visit
	whims  int    // still to come
	death  *death // a kill at a chosen moment, nil = none
	tap    bool   // a WAON card is tapped instead of typing its number
	clumsy bool   // a wrong PIN is still to come
	misled bool   // a phone that gets no message is tried first
	slowAt string // step at which the line turns slow, "" = none
	leaves string // how the shopper goes away in the middle: "home", "idle", "" = stays
	stays  int    // acts until then
	steady bool   // chooses one password and keeps to it
	waits  bool   // for each slip to come out
	asks   bool   // for another slip, where one may not have come out

	madeUp   bool // the ID that was typed is not one that was issued
	relaid   bool // Next was pressed on a trouble while the right card lay there
	begun    bool // a question was asked
	reprints int
	recorded bool // an issued ID was shown and its slip came to an end
	// unkept: the kiosk's disk was broken in this visit. A slip does not wait for a record
	// that cannot be stored yet, so that it says nothing of it.
	unkept bool
	told   []string // numbers of submissions that the screen told of
	// After a kill: it came while the visit may have been ending; the next start
	// told of what was stored.
	endsMaybe, recovered bool
	fingers              bool           // types a character at a time, as the screen's keys do
	watch                func(snapshot) // sees what the shopper sees; nil = nobody does
	// cut does something else than the screen asks for, and reports whether it did; nil =
	// never.
	cut   func(snapshot) bool
	acted moment
	still int // looks without anything new
	said  []string
}

// moment is what makes a person act again: the same one needs no second act.
type moment struct {
	since                                    uint64
	kind, step, delivery, slip, status, over string
	problem                                  string
	page                                     int
	next, card, busy                         bool
}

func momentOf(s snapshot) moment {
	m := moment{
		since: s.Since, kind: s.Screen.Kind, step: s.Screen.Step, delivery: s.Screen.Delivery, slip: s.slip(),
		status: s.Screen.Status, problem: fmt.Sprint(s.Screen.Problem), page: s.Screen.Page, card: s.Kiosk.Card, busy: s.Busy != nil,
	}
	if s.Overlay != nil {
		m.over = s.Overlay.Kind
	}
	switch m.kind {
	case "entry", "pin", "birth", "consent", "terms": // these change with each key
	default:
		m.next = s.Nav.Next
	}
	return m
}

// visit walks until the screen says how it ended, and returns that.
func (s *shopper) visit(last snapshot) string {
	s.t.Helper()
	for looks := range maxLooks {
		shot, fresh := last, true
		if looks > 0 {
			shot, fresh = s.look(&last)
		}
		if wrong := s.eyes.complaints(); len(wrong) > 0 {
			s.t.Fatalf("on the screen: %s", strings.Join(wrong, "; "))
		}
		if !fresh {
			if end, over := s.impatient(shot); over {
				return end
			}
			continue
		}
		s.still = 0
		s.note(shot)
		if s.watch != nil {
			s.watch(shot)
		}
		if end := s.ended(shot); end != "" {
			return end
		}
		if momentOf(shot) == s.acted {
			continue
		}
		s.acted = momentOf(shot)
		if s.faults > 0 && s.rnd.IntN(s.power.oneIn()) == 0 {
			s.faults--
			if s.fault(shot) {
				return killed
			}
			continue
		}
		if s.act(shot) {
			return killed
		}
	}
	s.t.Fatal("the visit does not end")
	return ""
}

// killed is the end of a visit that a kill of the daemon cut short.
const killed = "killed"

// look waits a little for a newer snapshot.
func (s *shopper) look(last *snapshot) (snapshot, bool) {
	s.t.Helper()
	select {
	case shot, ok := <-s.shots:
		if !ok {
			s.connect()
			return *last, false
		}
		*last = shot
		return shot, true
	case <-time.After(lookFor):
		return *last, false
	}
}

func (s *shopper) say(format string, args ...any) {
	s.said = append(s.said, fmt.Sprintf(format, args...))
}

// note keeps what the screen promises.
func (s *shopper) note(shot snapshot) {
	sc := shot.Screen
	switch sc.Kind {
	case "reserved":
		s.tells(sc.Number, sc.Delivery)
		if sc.Delivery == "accepted" || sc.Delivery == "queued" {
			s.reserved = true
		}
	case "applied":
		s.tells(sc.Number, sc.Delivery)
		if s.reserved && !s.madeUp {
			s.ledger.mustBeAccepted(sc.Number)
		}
	case "issued":
		if s.id = ""; len(sc.Fields) > 0 {
			s.id = sc.Fields[0].Value
		}
		s.recorded = s.recorded || !s.unkept && sc.Slip != "" && sc.Slip != "printing"
	case "manage":
		if s.id != "" && (len(sc.Fields) == 0 || sc.Fields[0].Value != s.id) {
			s.t.Errorf("the management page shows another ID than was issued")
		}
	case "trouble":
		s.power.told(s.ledger, sc.Code)
	case "recovered":
		for _, it := range sc.Items {
			s.ledger.promise(it.Number, "recovered")
		}
	}
	now := sc.Step + strings.Repeat("?", min(1, len(momentOf(shot).over))) + sc.Code
	if shot.Busy != nil {
		s.taken = s.taken || shot.Busy.With == "issue"
		now += " (" + shot.Busy.With + ")"
	}
	if len(s.said) == 0 || s.said[len(s.said)-1] != now {
		s.say("%s", now)
	}
}

// tells: the screen has told of a submission.
func (s *shopper) tells(number, delivery string) {
	s.ledger.promise(number, delivery)
	if !slices.Contains(s.told, number) {
		s.told = append(s.told, number)
	}
}

// ended names the end that the screen shows, or "".
func (s *shopper) ended(shot snapshot) string {
	switch shot.Screen.Kind {
	case "goodbye":
		s.checkGoodbye(shot)
		s.send(shot.Seq, "next", nil)
		return shot.Screen.Reason
	case "recovered":
		s.t.Fatal("submissions were recovered although nothing was killed")
	case "menu":
		if s.begun {
			return "turned back"
		}
	default:
		s.begun = true
	}
	return ""
}

// impatient: nothing has moved for a while. Waits are shortened by the clock,
// cards put back, and the same act done again, which must be harmless.
func (s *shopper) impatient(shot snapshot) (string, bool) {
	s.still++
	if s.still > stillMost {
		s.t.Fatalf("the screen stands still at %s", shot.Screen.Step)
	}
	s.say("waits")
	if s.slowAt == "" || shot.Busy == nil || s.still > 4 { // a slow answer is borne for a while
		s.repair()
	}
	lies := s.lying()
	switch {
	case shot.Screen.Kind == "card" && shot.Screen.Step == "card" && shot.Busy == nil && shot.Overlay == nil && lies == s.persona && shot.Kiosk.Card:
		if s.still > stillCard && (shot.Screen.Status == "waiting" || s.relaid && shot.Screen.Status == "problem") {
			s.t.Fatalf("the right card lies on the reader and is not used (%s %v)", shot.Screen.Status, shot.Screen.Problem)
		}
		if shot.Screen.Status == "problem" && !s.relaid {
			s.lay("")
			s.lay(s.persona)
		}
	case shot.Screen.Kind == "card" && shot.Busy == nil && lies != s.persona:
		s.lay("")
		s.lay(s.persona)
	case shot.Busy != nil, shot.Screen.Step == "issue_code", shot.Screen.Kind == "trouble":
		s.dock("clock", map[string]any{"forward_sec": 5})
	}
	return killed, s.act(shot)
}

// lay puts a card on the reader; "" lifts what lies there.
func (s *shopper) lay(persona string) { s.dock("card", map[string]any{"persona": persona}) }

func (s *shopper) lying() string {
	var now struct {
		Reader struct{ Persona string }
	}
	s.get(s.kiosk+"/dock/api/state", &now)
	return now.Reader.Persona
}

// act does what the screen asks for; it reports whether the daemon was killed.
func (s *shopper) act(shot snapshot) bool {
	sc := shot.Screen
	send := func(typ string, data any) { s.send(shot.Seq, typ, data) }
	if s.cut != nil && s.cut(shot) || s.goesAway(shot) || s.whim(shot) {
		return false
	}
	if shot.Overlay != nil {
		send("close", nil)
		return false
	}
	if shot.Busy != nil {
		if shot.Nav.Back && s.rnd.IntN(2) == 0 {
			s.say("GIVES UP %s", shot.Busy.With)
			s.slowAt = "" // once is enough
			s.repair()
			send("back", nil)
		}
		return s.dies(shot)
	}
	if s.slowAt == sc.Step {
		s.dock("line", map[string]any{"mode": "slow"})
	}
	switch sc.Kind {
	case "menu":
		s.choosePlan(shot)
	case "services":
		s.pick(shot)
	case "terms":
		if sc.Page < sc.Pages-1 {
			send("turn", map[string]any{"page": sc.Page + 1})
			return false
		}
		send("box", map[string]any{"on": true})
		send("next", nil)
	case "entry":
		s.enter(shot)
	case "birth":
		send("clear", nil)
		s.keys(shot.Seq, s.birth)
		send("next", nil)
	case "consent":
		if s.rnd.IntN(2) == 0 {
			s.lay(s.persona) // while the statement is read
		}
		send("box", map[string]any{"on": true})
		send("next", nil)
	case "card":
		switch {
		case sc.Step != "card":
		case !shot.Kiosk.Card:
			s.relaid = false
			s.lay(s.persona)
		case sc.Status == "problem" && s.lying() != s.persona:
			s.lay("")
			s.lay(s.persona)
		}
	case "pin":
		s.relaid = false
		s.enterPIN(shot)
	case "trouble":
		if s.trouble(shot) {
			return true
		}
	case "issued", "reserved", "applied":
		s.result(shot)
	default:
		if shot.Nav.Next {
			send("next", nil)
		}
	}
	return s.dies(shot)
}

// choosePlan starts the plan, once it is offered.
func (s *shopper) choosePlan(shot snapshot) {
	for _, c := range shot.Screen.Choices {
		if c.Plan == s.plan && c.Available {
			s.send(shot.Seq, "start", map[string]any{"plan": s.plan})
			return
		}
	}
	s.repair()
}

// pick chooses the payment card to register, or the service to apply for.
func (s *shopper) pick(shot snapshot) {
	if shot.Screen.Step == "issue_kind" {
		s.send(shot.Seq, "pick", map[string]any{"id": "aeon-card-waon"})
		return
	}
	if s.lineBack {
		s.lineMode = ""
		s.repair()
	}
	s.send(shot.Seq, "pick", map[string]any{"id": s.service})
}

// result acts on the end of a procedure: on, or home with the slip.
func (s *shopper) result(shot snapshot) {
	sc := shot.Screen
	switch {
	case !shot.Nav.Next: // the hub's word is awaited
	case sc.Kind == "issued" && sc.Slip == "printing" && s.rnd.IntN(2) == 0: // the slip is awaited
	case s.waits && shot.slip() == "printing" && s.still < 6:
	case sc.Again && s.asks:
		s.asks = false
		s.reprints++
		s.say("PRINT AGAIN")
		s.repair()
		s.send(shot.Seq, "print_again", nil)
	case s.asks && s.waits && shot.slip() == "unknown" && s.still < 6: // the printer may come back
	case s.stop == sc.Kind:
		s.send(shot.Seq, "another", nil)
	case sc.Fix != "" && s.whims > 0:
		s.whims--
		s.say("FIX %s", sc.Fix)
		s.send(shot.Seq, "another", nil)
	default:
		s.send(shot.Seq, "next", nil)
	}
}

// trouble takes the way that the screen offers; it reports whether the daemon was killed.
func (s *shopper) trouble(shot snapshot) bool {
	sc := shot.Screen
	s.repair()
	if s.damaged(sc.Code) {
		return true
	}
	switch {
	case sc.Retry && shot.Nav.Next:
		if strings.HasPrefix(sc.Code, "card_") || sc.Code == "reader_gone" || sc.Code == "pin_uncertain" {
			lies := s.lying()
			if lies != s.persona {
				s.lay("")
				s.lay(s.persona)
			}
			s.relaid = true
		}
		s.send(shot.Seq, "next", nil)
	case sc.Retry: // a wait is shown
	case sc.Other != "":
		s.say("OTHER %s", sc.Other)
		s.send(shot.Seq, "another", nil)
	default:
		s.send(shot.Seq, "home", nil)
		s.send(shot.Seq, "next", nil)
	}
	return false
}

// keys types a text, a few characters at a time: faster than fingers, and within
// what one window may send.
func (s *shopper) keys(seq uint64, text string) {
	atOnce := 4
	if s.fingers {
		atOnce = 1
	}
	for part := range slices.Chunk([]rune(text), atOnce) {
		s.send(seq, "key", map[string]any{"text": string(part)})
	}
}

func (s *shopper) enterPIN(shot snapshot) {
	digits := pin
	if s.clumsy {
		digits, s.clumsy = "9999", false
	}
	s.eyes.keepOff(digits)
	s.send(shot.Seq, "clear", nil)
	s.keys(shot.Seq, digits)
	s.send(shot.Seq, "next", nil)
	if s.rnd.IntN(4) == 0 {
		s.send(shot.Seq, "next", nil) // a double tap
	}
}
