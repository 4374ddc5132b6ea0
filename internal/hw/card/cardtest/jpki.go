package cardtest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"sync"

	"kioskd/internal/hw/card/apdu"
)

// Card is anything that answers APDUs.
type Card interface {
	ATR() []byte
	// Power switches the card off or on. Both end every selection and verified
	// PIN; counters stay.
	Power(on bool)
	// Answer carries out one command and returns data and status word. The
	// command is not kept.
	Answer(command []byte) []byte
	// ResetCounters gives all PINs the tries of a fresh card of its kind.
	ResetCounters()
}

// WarmResetter is a Card that tells a warm reset from switching it off and on.
type WarmResetter interface {
	// WarmReset ends every selection. Whether it ends a verified PIN is the card's habit.
	WarmReset()
}

// Escapee is a Card behind a reader that takes escape commands.
type Escapee interface {
	// Escape carries out a command of the reader's own make.
	Escape(command []byte) []byte
}

type file struct {
	data    []byte // nil: a key or a PIN
	behind  uint16 // PIN file that must be verified, 0 = free
	private crypto.Signer
	pin     *pin
}

// pin is kept as its hash: a daemon with a simulated card holds the card in its
// own memory, and a test that searches that memory for a PIN must find only what
// the daemon itself left there.
type pin struct {
	value    [sha256.Size]byte
	max      int
	fresh    int // tries of a fresh card
	left     int
	verified bool
}

type application struct {
	aid   []byte
	files map[uint16]*file
}

// JPKI is a virtual My Number card. All methods may be called from any goroutine:
// while a device talks to the card, a test reads its counters.
type JPKI struct {
	profile Profile

	mu      sync.Mutex
	apps    []*application // the first is JPKI
	app     *application   // nil: nothing but the issuer security domain
	file    uint16
	woken   bool   // a command was seen since power-up
	rest    []byte // what GET RESPONSE will give
	strayed bool
	spent   int
	misses  int
}

// NewJPKI makes a card by p.
func NewJPKI(p Profile) *JPKI {
	if p.BlockedSW == 0 {
		p.BlockedSW = apdu.Blocked
	}
	// The applications that hold the individual number exist so that a test can
	// tell when somebody strays into them. What they hold is behind PINs that
	// nobody knows.
	number := map[uint16]*file{
		0x0001: {data: []byte{0xFF, 0x10, 0x0C}, behind: 0x0011},
		0x0002: {data: []byte{0xFF, 0x20, 0x00}, behind: 0x0011},
		0x0003: {data: []byte{0xFF, 0x30, 0x00}, behind: 0x0011},
		0x0011: {pin: &pin{value: sha256.Sum256([]byte{0xFF}), max: pinTries, fresh: pinTries, left: pinTries}},
	}
	return &JPKI{profile: p, apps: []*application{
		{aid: apdu.JPKI(), files: p.files()},
		{aid: []byte{0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08}, files: number},
		{aid: []byte{0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02}, files: number},
	}}
}

// ATR implements Card.
func (c *JPKI) ATR() []byte { return bytes.Clone(c.profile.ATR) }

// Power implements Card.
func (c *JPKI) Power(bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off()
}

// off ends everything that does not outlive the field; the lock is held.
func (c *JPKI) off() {
	c.woken = false
	c.deselect()
	c.forget(nil)
}

// WarmReset implements WarmResetter.
func (c *JPKI) WarmReset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.profile.KeepOverReset {
		c.deselect()
		return
	}
	c.off()
}

// ResetCounters implements Card.
func (c *JPKI) ResetCounters() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.apps {
		for _, f := range a.files {
			if f.pin != nil {
				f.pin.left, f.pin.verified = f.pin.fresh, false
			}
		}
	}
	c.spent, c.misses = 0, 0
}

// TriesLeft is the counter of the user-authentication PIN.
func (c *JPKI) TriesLeft() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.apps[0].files[filePIN].pin.left
}

// Verifications counts how often a PIN was compared since the last ResetCounters.
func (c *JPKI) Verifications() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spent
}

// Misses counts how many of them were wrong.
func (c *JPKI) Misses() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.misses
}

// Strayed reports whether anybody ever selected an application that holds the
// individual number.
func (c *JPKI) Strayed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.strayed
}

func (c *JPKI) deselect() { c.app, c.file, c.rest = nil, 0, nil }

// forget takes verified PINs back, but those of one application.
func (c *JPKI) forget(but *application) {
	for _, a := range c.apps {
		if a == but {
			continue
		}
		for _, f := range a.files {
			if f.pin != nil {
				f.pin.verified = false
			}
		}
	}
}

// Answer implements Card.
func (c *JPKI) Answer(command []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.profile.FirstFails && !c.woken {
		c.woken = true
		return word(apdu.NoDiagnosis)
	}
	c.woken = true
	cmd, err := apdu.ParseCommand(command)
	if err != nil {
		return word(apdu.Length)
	}
	rest := c.rest
	c.rest = nil
	if cmd.INS == apdu.InsGetResponse && cmd.CLA == 0x00 {
		return c.getResponse(cmd, rest)
	}
	a := c.do(cmd)
	if c.profile.Chained && a.SW == apdu.OK && len(a.Data) > 0 {
		c.rest = a.Data
		return word(moreData(len(a.Data)))
	}
	return a.Bytes()
}

func (c *JPKI) getResponse(cmd apdu.Command, rest []byte) []byte {
	if len(rest) == 0 {
		return word(apdu.Conditions)
	}
	n := min(cmd.Le, len(rest))
	if c.rest = rest[n:]; len(c.rest) == 0 {
		c.rest = nil
		return apdu.Answer{Data: rest[:n], SW: apdu.OK}.Bytes()
	}
	return apdu.Answer{Data: rest[:n], SW: moreData(len(c.rest))}.Bytes()
}

func moreData(n int) apdu.SW {
	if n >= 256 {
		n = 0
	}
	return 0x6100 | apdu.SW(n)
}

func (c *JPKI) do(cmd apdu.Command) apdu.Answer {
	switch cla := cmd.CLA; {
	case cla == 0x80 && cmd.INS == apdu.InsCompute:
		return c.compute(cmd)
	case cla == 0x80:
		return only(apdu.NoInstruction)
	case cla&0xF0 == 0 && cla&0x03 != 0:
		return only(apdu.NoChannel)
	case cla&0xF0 == 0 && cla&0x0C != 0:
		return only(apdu.NoSecureMsg)
	case cla != 0x00:
		return only(apdu.NoClass)
	}
	switch cmd.INS {
	case apdu.InsSelect:
		return only(c.selects(cmd))
	case apdu.InsReadBinary:
		return c.read(cmd)
	case apdu.InsVerify:
		return only(c.verify(cmd))
	case insGetChallenge:
		return challenge(cmd)
	case insGetData:
		return object(cmd)
	default:
		return only(apdu.NoInstruction)
	}
}

func (c *JPKI) selects(cmd apdu.Command) apdu.SW {
	if cmd.P2 != 0x0C && cmd.P2 != 0x00 {
		return apdu.Parameters
	}
	switch {
	case cmd.P1 == 0x04:
		return c.selectApplication(cmd.Data)
	case cmd.P1 == 0x02:
		if len(cmd.Data) != 2 {
			return apdu.Length
		}
		id := uint16(cmd.Data[0])<<8 | uint16(cmd.Data[1])
		if c.app == nil || c.app.files[id] == nil {
			return apdu.NotFound
		}
		c.file = id
		return apdu.OK
	case cmd.P1 == 0x00 && c.app != nil:
		return apdu.OK // the master file: nothing changes
	default:
		return apdu.Parameters
	}
}

// selectApplication matches whole names only. A name that is not there changes
// nothing; another application takes verified PINs back, the same one does not.
func (c *JPKI) selectApplication(aid []byte) apdu.SW {
	if bytes.Equal(aid, apdu.ISD()) {
		c.deselect()
		c.forget(nil)
		return apdu.OK
	}
	for i, a := range c.apps {
		if !bytes.Equal(aid, a.aid) {
			continue
		}
		c.strayed = c.strayed || i > 0
		c.forget(a)
		c.app, c.file = a, 0
		return apdu.OK
	}
	return apdu.NotFound
}

// Instructions that no dialogue here needs; real cards answer them in any state.
const (
	insGetChallenge byte = 0x84
	insGetData      byte = 0xCA
)

func challenge(cmd apdu.Command) apdu.Answer {
	switch {
	case cmd.P1 != 0 || cmd.P2 != 0:
		return only(apdu.Parameters)
	case cmd.Le == 0 || len(cmd.Data) != 0:
		return only(apdu.Length)
	}
	b := make([]byte, cmd.Le)
	_, _ = rand.Read(b) // never fails
	return apdu.Answer{Data: b, SW: apdu.OK}
}

// object is GET DATA: the only object is the ATR of the contacts, without its
// first byte.
func object(cmd apdu.Command) apdu.Answer {
	atr := ContactATR()[1:]
	switch {
	case cmd.P1 != 0x5F || cmd.P2 != 0x51:
		return only(apdu.NoObject)
	case cmd.Le == 0 || len(cmd.Data) != 0:
		return only(apdu.Length)
	case cmd.Le < len(atr):
		return only(0x6C00 | apdu.SW(len(atr)))
	}
	return apdu.Answer{Data: atr, SW: apdu.OK}
}

func only(sw apdu.SW) apdu.Answer { return apdu.Answer{SW: sw} }

func word(sw apdu.SW) []byte { return only(sw).Bytes() }
