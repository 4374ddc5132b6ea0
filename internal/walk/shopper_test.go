package walk

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"
)

// shopper walks one visit by looking at the screen, as a person does.
type shopper struct {
	*rig
	rnd     *rand.Rand
	ledger  *ledger
	plan    string
	persona string
	card    string // payment card number
	phone   string
	tap     bool // a WAON card is tapped instead of typing its number
	slip    bool // a wrong PIN is still to come
	faults  int  // still to come in this visit
	said    []string
	acts    int
}

const (
	maxActs = 400
	pin     = "1234"
)

// visit walks until the screen says how it ended, and returns that.
func (s *shopper) visit() string {
	s.t.Helper()
	var last snapshot
	for s.acts = 0; s.acts < maxActs; s.acts++ {
		shot, fresh := s.look(&last)
		if !fresh {
			s.impatient(shot)
			continue
		}
		s.note(shot)
		if end := s.ended(shot); end != "" {
			return end
		}
		if s.faults > 0 && s.rnd.IntN(12) == 0 {
			s.faults--
			if s.fault(shot) {
				return "killed"
			}
		}
		s.act(shot)
	}
	s.t.Fatalf("the visit does not end; the last acts: %s", strings.Join(s.said[max(0, len(s.said)-40):], " · "))
	return ""
}

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
	case <-time.After(400 * time.Millisecond):
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
	case "reserved", "applied":
		if sc.Number != "" {
			s.ledger.promise(sc.Number, sc.Delivery)
		}
	case "issued":
		s.ledger.issued[s.card] = true
	case "recovered":
		for _, it := range sc.Items {
			s.ledger.promise(it.Number, "recovered")
		}
	}
	s.say("%s", sc.Step)
}

// ended names the end that the screen shows, or "".
func (s *shopper) ended(shot snapshot) string {
	switch shot.Screen.Kind {
	case "goodbye":
		s.send(shot.Seq, "next", nil)
		return "goodbye"
	case "recovered":
		s.send(shot.Seq, "next", nil)
		return "recovered"
	case "menu":
		if s.acts > 3 && len(s.said) > 3 {
			return "top"
		}
	}
	return ""
}

// impatient: nothing has moved for a while. Waits are shortened by the clock,
// cards put back, and the same act done again, which must be harmless.
func (s *shopper) impatient(shot snapshot) {
	s.say("waits")
	s.repair()
	switch {
	case shot.Screen.Kind == "card" && (shot.Screen.Status == "problem" || !shot.Kiosk.Card):
		s.dock("card", map[string]any{"persona": ""})
		s.dock("card", map[string]any{"persona": s.persona})
	case shot.Busy != nil, shot.Screen.Kind == "entry" && shot.Screen.Step == "issue_code":
		s.dock("clock", map[string]any{"forward_sec": 5})
	}
	if shot.Screen.Kind != "" {
		s.act(shot)
	}
}

func (s *shopper) act(shot snapshot) {
	sc := shot.Screen
	send := func(typ string, data any) { s.send(shot.Seq, typ, data) }
	if shot.Overlay != nil {
		send("close", nil)
		return
	}
	if shot.Busy != nil && !shot.Nav.Back {
		return
	}
	switch sc.Kind {
	case "menu":
		for _, c := range sc.Choices {
			if c.Plan == s.plan && c.Available {
				send("start", map[string]any{"plan": s.plan})
				return
			}
		}
		s.repair()
	case "services":
		id := "aeon-card-waon"
		if sc.Step == "apply_search" {
			id = "waon" // its ID is the number on the card, whatever was issued
		}
		send("pick", map[string]any{"id": id})
	case "terms":
		if sc.Page < sc.Pages-1 {
			send("turn", map[string]any{"page": sc.Page + 1})
			return
		}
		send("box", map[string]any{"on": true})
		send("next", nil)
	case "entry":
		s.enter(shot)
	case "birth":
		send("clear", nil)
		s.keys(shot.Seq, "250203")
		send("next", nil)
	case "consent":
		send("box", map[string]any{"on": true})
		send("next", nil)
	case "card":
		if sc.Step == "card" && sc.Status == "problem" && shot.Kiosk.Card {
			s.dock("card", map[string]any{"persona": ""}) // the WAON card, or a card that will not do
		}
		if sc.Step == "card" && !shot.Kiosk.Card {
			s.dock("card", map[string]any{"persona": s.persona})
		}
	case "pin":
		s.enterPIN(shot)
	case "trouble":
		s.repair()
		switch {
		case sc.Retry && shot.Nav.Next:
			send("next", nil)
		case sc.Retry: // a wait is shown
		case sc.Other == "reserve":
			send("another", nil)
		default:
			send("home", nil)
			send("next", nil)
		}
	case "issued":
		if sc.Slip != "printing" {
			send("next", nil)
		}
	default:
		if shot.Nav.Next {
			send("next", nil)
		}
	}
}

func (s *shopper) enterPIN(shot snapshot) {
	digits := pin
	if s.slip {
		digits, s.slip = "9999", false
	}
	s.send(shot.Seq, "clear", nil)
	s.keys(shot.Seq, digits)
	s.send(shot.Seq, "next", nil)
	if s.rnd.IntN(4) == 0 {
		s.send(shot.Seq, "next", nil) // a double tap
	}
}

// keys types a text, a few characters at a time: faster than fingers, and within
// what one window may send.
func (s *shopper) keys(seq uint64, text string) {
	for part := range slices.Chunk([]rune(text), 4) {
		s.send(seq, "key", map[string]any{"text": string(part)})
	}
}

func (s *shopper) enter(shot snapshot) {
	var text string
	switch shot.Screen.Step {
	case "issue_card", "apply_id":
		if s.tap {
			s.tap = false
			s.dock("card", map[string]any{"persona": "waon-1"})
			return
		}
		text = s.card
	case "issue_name":
		text = "ヤマダ タロウ"
	case "issue_phone":
		text = s.phone
	case "issue_code":
		text = s.message()
		if text == "" {
			return
		}
	case "apply_code":
		text = "123456"
	case "apply_phone":
		text = s.phone[7:]
	default:
		text = "abcd1234"
	}
	s.send(shot.Seq, "clear", nil)
	s.keys(shot.Seq, text)
	s.send(shot.Seq, "next", nil)
}

// message reads the newest SMS of this phone from the sandbox.
func (s *shopper) message() string {
	var box struct {
		Messages []struct {
			Code string `json:"code"`
			Text string `json:"text"`
		} `json:"messages"`
	}
	s.get(s.hub+"/api/sms?phone="+url.QueryEscape(s.phone), &box)
	if len(box.Messages) == 0 {
		return ""
	}
	return box.Messages[0].Code
}

// repair puts the hardware in order, as staff would.
func (s *shopper) repair() {
	s.dock("tear", map[string]any{"at": -1})
	s.dock("reader", map[string]any{"power": true})
	s.dock("line", map[string]any{"mode": "up"})
	s.dock("printer", map[string]any{"paper": "full", "cover": "closed", "power": "on"})
}

// failSlip breaks the next slip somewhere on its way.
func (s *shopper) failSlip(how string) {
	s.dock("printer", map[string]any{"fail_at_byte": s.rnd.IntN(20000), "fault": how})
}

// fault makes one thing go wrong; it reports whether the daemon was killed.
func (s *shopper) fault(shot snapshot) bool {
	kinds := []func(){
		func() { s.dock("tear", map[string]any{"at": s.rnd.IntN(16)}) },
		func() { s.dock("tear", map[string]any{"at": s.rnd.IntN(16)}) },
		func() { s.dock("card", map[string]any{"persona": ""}) },
		func() { s.dock("card", map[string]any{"persona": "unknown"}) },
		func() { s.dock("reader", map[string]any{"power": false}) },
		func() { s.dock("line", map[string]any{"mode": "down"}) },
		func() { s.dock("line", map[string]any{"mode": "down"}) },
		func() { s.dock("line", map[string]any{"mode": "rubbish"}) },
		func() { s.dock("line", map[string]any{"mode": "slow"}) },
		func() { s.dock("printer", map[string]any{"paper": "out"}) },
		func() { s.dock("printer", map[string]any{"cover": "open"}) },
		func() { s.dock("printer", map[string]any{"power": "off"}) },
		func() { s.failSlip("paper_out") },
		func() { s.failSlip("power_off") },
		func() { s.failSlip("mute") },
		func() { s.slip = true },
		func() { s.send(1, "next", nil) },
		func() { s.send(shot.Seq, "rubbish", map[string]any{"x": 1}) },
		func() { s.disconnect(); s.connect() },
		s.restartHub,
		func() { s.act(shot); s.restartKiosk() },
	}
	i := s.rnd.IntN(len(kinds))
	s.say("FAULT %d", i)
	kinds[i]()
	return i == len(kinds)-1
}
