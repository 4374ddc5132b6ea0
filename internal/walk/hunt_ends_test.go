package walk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"kioskd/internal/secret"
)

// pinMarkers are the shapes in which a PIN lies: four digits are found everywhere, and in
// quotes where the dock lists its cards.
func pinMarkers() []marker {
	return []marker{
		{"PIN as the card takes it", []byte("\x00\x20\x00\x80\x04" + pin)}, {"PIN as a secret", []byte(pin + "\x00\x00\x00\x00\x00\x00\x00\x00")},
		{"PIN that is given to a name", []byte("=" + pin)},
	}
}

// readable searches what people and programs read: files, logs, answers.
func readable(where string, content []byte, markers []marker) []string {
	return append(find(where, content, markers), pinTexts(where, content)...)
}

// pinTexts tells where a PIN stands as text. Its digits alone are found everywhere, and
// as a number that counts something too: it has to be quoted, given to a name, or to be
// said to be a PIN.
func pinTexts(where string, content []byte) (hits []string) {
	const quotes = "\"'`"
	is := func(i int, chars string) bool {
		return i >= 0 && i < len(content) && strings.IndexByte(chars, content[i]) >= 0
	}
	for at := 0; ; at += len(pin) {
		i := bytes.Index(content[at:], []byte(pin))
		if i < 0 {
			return hits
		}
		at += i
		end := at + len(pin)
		around := content[max(0, at-40):min(len(content), end+40)]
		quoted := is(at-1, quotes) && is(end, quotes+"\\")
		given := is(at-1, "=") && (end == len(content) || is(end, " &;\r\n"+quotes))
		named := bytes.Contains(bytes.ToLower(content[max(0, at-8):at]), []byte("pin"))
		if quoted || given || named {
			hits = append(hits, fmt.Sprintf("%s holds the PIN as text at %#x: %q", where, at, around))
		}
	}
}

// typedSecret is how a secret lies in memory while it is typed: what there is of it,
// the rest of its buffer, and how long it is.
func typedSecret(text string) []byte {
	b := append([]byte(text), make([]byte, secret.MaxLen-len(text))...)
	return binary.NativeEndian.AppendUint64(b, uint64(len(text)))
}

// comes adds what is known of who comes.
func (h *hunt) comes(who *person) {
	h.personal = append(h.personal, join(markersOf("phone number", who.phone), markersOf("card number", who.card))...)
}

// lookAtHub looks whether what is searched for can be found at the hub at all: while a
// visit lasts, buffers of its connections hold the password. PINs it never gets.
func (h *hunt) lookAtHub(password string) {
	h.t.Helper()
	hits, _ := h.memory(h.hubd, markersOf("password", password))
	h.sawHub = h.sawHub || len(hits) > 0
	hits, _ = h.memory(h.hubd, h.pins)
	h.fail(hits)
}

// lookForID takes the MyKey ID that the hub has given for one of the things that must go, and
// looks whether it can be found at all. The same person always has the same.
func (h *hunt) lookForID(id string) {
	h.t.Helper()
	switch {
	case id == "" || id == h.mykeyID:
	case h.mykeyID != "":
		h.t.Errorf("the MyKey ID was %s, and is %s", h.mykeyID, id)
	default:
		h.mykeyID = id
		markers := markersOf("MyKey ID", id)
		h.personal = append(h.personal, markers...)
		hits, _ := h.memory(h.kioskd, markers)
		h.sawID = len(hits) > 0
	}
}

// hangUp ends the connections to the console, which was read for a message: as long as
// somebody looks at it, its buffers show what he sees.
func hangUp() { http.DefaultTransport.(*http.Transport).CloseIdleConnections() }

// hubForgets is how long after the end of a visit the hub may take to forget its
// calls, on a machine that is busy.
const hubForgets = 15 * time.Second

// forgottenAtHub waits until the hub's memory holds nothing of the visit any more.
func (h *hunt) forgottenAtHub(all []marker) {
	h.t.Helper()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(hubForgets); ; <-tick.C {
		left, searched := h.memory(h.hubd, all)
		if searched < 1<<20 {
			h.t.Errorf("only %d bytes of the hub's memory were searched", searched)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(late) {
			h.fail(left)
			return
		}
	}
}

// cut is a visit that does not come to its end.
type cut struct {
	name  string
	story story
	at    string // the step at which it is cut short
	end   string // the reason that the goodbye gives
	// short types half of something, or does what else is left half done; what it
	// gives is how that lies in the kiosk's memory now, nil = nothing to look for.
	short func(h *hunt, s *shopper, shot snapshot) *marker
	// leave ends the visit, once what short did was found in memory.
	leave func(s *shopper, shot snapshot)
}

// goes is the shopper who presses home, and means it.
func goes(s *shopper, shot snapshot) {
	s.send(shot.Seq, "home", nil)
	s.send(shot.Seq, "next", nil)
}

// timeOut is a shopper who is not there any more.
func timeOut(s *shopper, _ snapshot) { s.dock("clock", map[string]any{"forward_sec": 320}) }

// staffEnds is somebody with a key.
func staffEnds(s *shopper, _ snapshot) { s.dock("reset", struct{}{}) }

// half types so much of a secret. A few digits alone are found everywhere, but not with
// the rest of the buffer that they are typed into.
func half(what, text string) func(h *hunt, s *shopper, shot snapshot) *marker {
	return func(_ *hunt, s *shopper, shot snapshot) *marker {
		if len(text) > 6 {
			s.eyes.keepOff(text)
		}
		s.send(shot.Seq, "clear", nil)
		s.keys(shot.Seq, text)
		return &marker{what + " that is half typed", typedSecret(text)}
	}
}

func cuts() []cut {
	issue, reserve := story{plan: "issue", calm: true}, story{plan: "reserve", service: "waon", calm: true}
	return []cut{
		{"the time is up over a PIN", reserve, "pin", "idle", half("PIN", pin[:3]), timeOut},
		{"home, over a password", issue, "issue_password", "left", half("password", "Jx4417w"), goes},
		{"staff end it over a code", issue, "issue_code", "staff", func(h *hunt, s *shopper, shot snapshot) *marker {
			return half("one-time password", s.message()[:5])(h, s, shot)
		}, staffEnds},
		{"the time is up over a password to log in", story{plan: "manage", calm: true}, "manage_password", "idle", half("password", "Jz5526v"), timeOut},
		{"the card is torn away, and home", reserve, "pin", "left", func(h *hunt, s *shopper, shot snapshot) *marker {
			s.dock("tear", map[string]any{"at": 2}) // once it has the PIN
			s.enterPIN(shot)
			return nil
		}, goes},
	}
}

// cutShort walks one of them, and searches for what it left.
func (h *hunt) cutShort(c cut, rnd *rand.Rand) {
	h.t.Helper()
	who := newPerson(rnd)
	who.kana, who.birth = "ヌヴォ ゾギュリ", "120917"
	h.comes(who)
	c.story.name = c.name
	s := &shopper{rig: h.rig, person: who, story: c.story, rnd: rnd, ledger: newLedger(), fingers: true}
	s.watch = func(shot snapshot) { h.during(s, shot) }
	done, torn := false, false
	s.cut = func(shot snapshot) bool {
		switch {
		case done && shot.Overlay != nil, torn && shot.Busy == nil && shot.Screen.Step != c.at:
			c.leave(s, shot)
			return true
		case torn || done:
			return true
		case shot.Screen.Step != c.at || shot.Busy != nil:
			return false
		}
		looks := c.short(h, s, shot)
		if looks == nil {
			torn = true
			return true
		}
		done = true
		h.secret = append(h.secret, *looks)
		h.eventually("the kiosk to hold the "+looks.what, func() bool {
			hits, _ := h.memory(h.kioskd, []marker{*looks})
			return len(hits) > 0
		})
		h.disks(h.secret)
		c.leave(s, shot)
		return true
	}
	before := h.rounds()
	if end := s.walk(); end != c.end || !done && !torn || s.resultSeen() != "" {
		h.t.Fatalf("%s: the visit ended as %q: %s", c.name, end, strings.Join(s.said, " · "))
	}
	h.forgotten(before)
	if h.t.Failed() {
		h.t.Fatalf("after %q", c.name)
	}
}
