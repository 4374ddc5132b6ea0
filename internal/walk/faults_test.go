package walk

import (
	"slices"
	"time"
)

// death is a kill at a chosen moment: shortly after the shopper has acted on a
// step, while what follows from it is under way.
type death struct {
	step  string
	hub   bool // the hub dies, and starts again
	after time.Duration
}

// newDeath draws one visit in four a death.
func (s *shopper) newDeath() *death {
	if s.rnd.IntN(4) > 0 && s.power == nil {
		return nil
	}
	steps := []string{
		"pin", "pin", "reading", "reading", "apply_check", "apply_check", "reserved", "applied", "issued", "issued",
		"issue_phone", "issue_code", "issue_password", "issue_password", "card", "apply_service",
	}
	return &death{
		step: steps[s.rnd.IntN(len(steps))], hub: s.rnd.IntN(3) == 0,
		after: time.Duration(s.rnd.IntN(90)) * time.Millisecond,
	}
}

// dies kills when the moment has come; it reports whether the daemon was killed.
func (s *shopper) dies(shot snapshot) bool {
	if s.death == nil || shot.Screen.Step != s.death.step {
		return false
	}
	d := s.death
	s.death = nil
	if s.power == nil { // else it is for the disk to say when
		<-time.After(d.after)
	}
	if d.hub {
		s.say("HUB KILLED after %s", d.after)
		s.restartHub()
		if s.power != nil {
			s.death = s.newDeath()
		}
		return false
	}
	s.say("KILLED after %s", d.after)
	s.endsMaybe = slices.Contains([]string{"reserved", "applied", "issued"}, d.step)
	s.restartKiosk()
	return true
}

// repair puts the hardware in order, as staff would. The line is only as good as
// the story has it.
func (s *shopper) repair() {
	s.power.mend()
	s.dock("tear", map[string]any{"at": -1})
	s.dock("reader", map[string]any{"power": true})
	s.setLine()
	if s.press != nil {
		s.press.mend()
		return
	}
	s.dock("printer", map[string]any{"paper": "full", "cover": "closed", "power": "on"})
}

func (s *shopper) setLine() {
	mode := s.lineMode
	if mode == "" {
		mode = "up"
	}
	s.dock("line", map[string]any{"mode": mode})
}

// fault makes one thing go wrong; it reports whether the daemon was killed.
func (s *shopper) fault(shot snapshot) bool {
	dock := func(what string, body map[string]any) func() { return func() { s.dock(what, body) } }
	tear := func() { s.dock("tear", map[string]any{"at": s.rnd.IntN(16)}) }
	failSlip := func(how string) func() { // breaks the next slip somewhere on its way
		return func() { s.dock("printer", map[string]any{"fail_at_byte": s.rnd.IntN(20000), "fault": how}) }
	}
	if s.power != nil && s.rnd.IntN(2) == 0 {
		return s.diskFault(shot)
	}
	kinds := []struct {
		name string
		do   func()
	}{
		{"tear", tear}, {"tear", tear},
		{"card lifted", dock("card", map[string]any{"persona": ""})},
		{"other card", dock("card", map[string]any{"persona": "unknown"})},
		{"reader off", dock("reader", map[string]any{"power": false})},
		{"line down", dock("line", map[string]any{"mode": "down"})},
		{"line down", dock("line", map[string]any{"mode": "down"})},
		{"line rubbish", dock("line", map[string]any{"mode": "rubbish"})},
		{"line slow", dock("line", map[string]any{"mode": "slow"})},
		{"paper out", dock("printer", map[string]any{"paper": "out"})},
		{"cover open", dock("printer", map[string]any{"cover": "open"})},
		{"printer off", dock("printer", map[string]any{"power": "off"})},
		{"slip: paper out", failSlip("paper_out")},
		{"slip: power off", failSlip("power_off")},
		{"slip: mute", failSlip("mute")},
		{"wrong PIN", func() { s.clumsy = true }},
		{"stale touch", func() { s.send(1, "next", nil) }},
		{"rubbish touch", func() { s.send(shot.Seq, "rubbish", map[string]any{"x": 1}) }},
		{"window closed", func() { s.disconnect(); s.connect() }},
		{"hub killed", s.restartHub},
		{"killed", nil},
	}
	i := s.rnd.IntN(len(kinds))
	s.say("FAULT %s", kinds[i].name)
	if kinds[i].do != nil {
		kinds[i].do()
		return s.act(shot)
	}
	s.death = &death{step: shot.Screen.Step, after: time.Duration(s.rnd.IntN(30)) * time.Millisecond}
	return s.act(shot) || s.dies(shot)
}
