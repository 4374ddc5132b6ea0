package printertest

import "time"

// slack is how far the head may lag behind before the printer waits for it: more
// often would only cost time.
const slack = 5 * time.Millisecond

// take receives one byte. What it has printed is looked at only where that matters:
// before a real-time command acts and around a fault; receive does the rest, once for
// all bytes that came together.
func (p *Printer) take(b byte) {
	p.m.buffer = append(p.m.buffer, b)
	w := p.m.window[:]
	copy(w, w[1:])
	w[len(w)-1] = b
	if p.model.Star {
		p.starRealTime(w)
	} else {
		p.epsonRealTime(w)
	}
	t := p.trigger
	if t == nil {
		return
	}
	if !t.armed {
		p.work() // which may arm it
	}
	if !t.armed {
		return
	}
	if t.left--; t.left <= 0 {
		p.work()
		p.trigger = nil
		p.strike(t.fault)
	}
}

// strike lets a fault happen.
func (p *Printer) strike(f Fault) {
	p.set(func(s *State) {
		switch f {
		case RunLow:
			s.Paper = PaperLow
		case RunOut:
			s.Paper = PaperOut
		case OpenCover:
			s.Cover = true
		case PowerOff:
			s.Power = false
		case Unplug:
			s.Unplugged = true
		case Overheat:
			s.Hot = true
		case Jam:
			s.Cutter = true
		case GoOffline:
			s.Offline = true
		case Mute:
			s.Mute = true
		}
	})
}

// stopped says that it cannot print now.
func (p *Printer) stopped() bool {
	s := p.state
	return !s.Power || s.Cover || s.Paper == PaperOut || s.Cutter || s.Hot || s.Offline
}

// pushStatus sends the automatic bytes, when they were asked for.
func (p *Printer) pushStatus() {
	if !p.m.auto || p.model.Dumb {
		return
	}
	if p.model.Star {
		p.say(p.starStatus()...)
	} else {
		p.say(p.epsonPush()...)
	}
}

// work prints from the buffer until it is empty, the printer stops or the head
// has to catch up.
func (p *Printer) work() {
	before := len(p.m.slips)
	for len(p.m.buffer) > 0 && !p.stopped() && !p.behind() {
		b := p.m.buffer[0]
		p.m.buffer = p.m.buffer[1:]
		if cmd, done := p.m.parse(b); done {
			if p.model.Star {
				p.starAct(cmd)
			} else {
				p.epsonAct(cmd)
			}
		}
	}
	p.changed.Broadcast()
	if len(p.m.slips) != before {
		p.wake()
	}
}

// behind says that the head still prints what was worked off; work goes on when
// it has caught up.
func (p *Printer) behind() bool {
	if p.speed == 0 {
		p.m.moved = 0
		return false
	}
	now := time.Now()
	if p.headFree.Before(now) {
		p.headFree = now
	}
	p.headFree = p.headFree.Add(time.Duration(p.m.moved) * time.Second / time.Duration(p.speed))
	p.m.moved = 0
	lag := p.headFree.Sub(now)
	if lag <= slack || p.closed {
		return false
	}
	if !p.waiting {
		p.waiting = true
		time.AfterFunc(lag, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.waiting = false
			p.work()
		})
	}
	return true
}

// begin notes that a job prints: an armed trigger starts to count.
func (p *Printer) begin() {
	if p.trigger != nil {
		p.trigger.armed = true
	}
}
