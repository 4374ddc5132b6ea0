package walk

import (
	"fmt"
	"net/url"
)

// enter fills the field on screen.
func (s *shopper) enter(shot snapshot) {
	text := ""
	switch shot.Screen.Step {
	case "manage_phone", "manage_password":
		if s.steady && s.plan != "manage" { // sent here, and has nothing to look up
			s.send(shot.Seq, "home", nil)
			s.send(shot.Seq, "next", nil)
			return
		}
	}
	switch shot.Screen.Step {
	case "issue_card", "apply_id":
		if s.tap && !s.unissued {
			s.tap = false
			s.lay("waon-1")
			return
		}
		text = s.card
		s.madeUp = shot.Screen.Step == "apply_id" && s.service != "waon"
	case "issue_name":
		text = s.kana
	case "issue_phone":
		text = s.phone
		if s.misled {
			s.misled, text = false, "09000000002" // the sandbox cannot send there
		}
	case "issue_code":
		if text = s.message(); text == "" || s.still > 2 { // lost on the way, or too old by now
			s.minuteLater()
			s.send(shot.Seq, "resend", nil)
			return
		}
		s.eyes.keepOff(text)
		if s.clumsy {
			s.clumsy, text = false, "000000"
		}
	case "issue_password":
		// Another one each time it is asked. What was typed a moment ago may only not
		// be on its way yet: that is typed again.
		if s.password == "" || s.taken && !s.steady {
			s.taken = false
			s.password = fmt.Sprintf("Kq%07dz", s.rnd.IntN(10000000))
		}
		text = s.password
		s.eyes.keepOff(text)
	case "manage_password":
		if shot.Screen.Problem != nil {
			s.t.Fatalf("the password that was set last is refused: %v", shot.Screen.Problem)
		}
		text = s.password
		s.eyes.keepOff(text)
	case "manage_phone":
		text = s.phone
	case "apply_code":
		text = s.code
		s.eyes.keepOff(text)
	case "apply_phone":
		text = s.phone[7:]
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
		} `json:"messages"`
	}
	s.get(s.hub+"/api/sms?phone="+url.QueryEscape(s.phone), &box)
	if len(box.Messages) == 0 {
		return ""
	}
	return box.Messages[0].Code
}

// whim does, now and then, what nobody asked for: turns back, changes a row that
// was right, wants another message, looks at the languages. It reports whether
// it did.
func (s *shopper) whim(shot snapshot) bool {
	if s.whims == 0 || shot.Overlay != nil || shot.Busy != nil || s.rnd.IntN(7) != 0 {
		return false
	}
	send := func(typ string, data any) func() { return func() { s.send(shot.Seq, typ, data) } }
	type whim struct {
		name string
		do   func()
	}
	can := []whim{
		{"language", func() {
			send("open", map[string]any{"overlay": "language"})()
			send("lang", map[string]any{"lang": "en"})()
		}},
		{"display", send("open", map[string]any{"overlay": "display"})},
		{"size", send("size", map[string]any{"size": s.rnd.IntN(4)})},
		{"contrast", send("contrast", map[string]any{"contrast": "dark"})},
		{"staff", send("staff", map[string]any{"on": true})},
	}
	add := func(name string, times int, do func()) {
		for range times {
			can = append(can, whim{name, do})
		}
	}
	sc := shot.Screen
	if shot.Nav.Home {
		add("home, or not", 1, func() { send("home", nil)(); send("back", nil)() })
	}
	if shot.Nav.Back {
		add("back", 6, send("back", nil))
		switch sc.Step {
		case "apply_id", "apply_code", "apply_phone":
			add("half typed, then back", 6, func() {
				send("clear", nil)()
				s.keys(shot.Seq, "9")
				send("back", nil)()
			})
		}
	}
	switch {
	case sc.Resend != nil && sc.Resend.Left > 0:
		add("resend", 6, func() { s.minuteLater(); send("resend", nil)() })
	case sc.Kind == "check":
		for _, row := range sc.Rows {
			if row.Edit {
				add("edit "+row.Key, 4, send("pick", map[string]any{"id": row.Key}))
			}
		}
	case sc.Kind == "service", sc.Kind == "card" && sc.Step == "card" && sc.Status == "waiting":
		add("another", 6, send("another", nil))
	case sc.Again:
		add("print again", 8, func() { s.reprints++; send("print_again", nil)() })
	case sc.Kind == "reserved" && shot.Nav.Next:
		add("finish here", 2, send("another", nil))
	case sc.Kind == "issued" && shot.Nav.Next:
		add("finish here", 1, send("another", nil))
	}
	w := can[s.rnd.IntN(len(can))]
	s.whims--
	s.acted = moment{} // whatever it does, what the screen asks for is still to be done
	s.say("WHIM %s", w.name)
	w.do()
	return true
}

// goesAway leaves in the middle: by the button, or without a word. It reports
// whether the shopper is about to.
func (s *shopper) goesAway(shot snapshot) bool {
	if s.leaves == "" || shot.Busy != nil {
		return false
	}
	if s.stays--; s.stays > 0 || !s.begun {
		return false
	}
	switch over := momentOf(shot).over; {
	case s.leaves == "home" && over == "home":
		s.send(shot.Seq, "next", nil)
	case s.leaves == "home":
		s.say("GOES HOME")
		s.send(shot.Seq, "home", nil)
	default: // longer than any screen waits, and than its countdown
		s.say("WALKS AWAY")
		s.dock("clock", map[string]any{"forward_sec": 320})
	}
	return true
}

// minuteLater lets a minute pass at both ends.
func (s *shopper) minuteLater() {
	s.dock("clock", map[string]any{"forward_sec": 60})
	if s.forward != nil {
		s.forward(60)
		return
	}
	s.post(s.hub+"/api/sandbox/clock", map[string]any{"forward_sec": 60})
}
