package cardtest

import (
	"bytes"
	"crypto"
	"crypto/rsa"

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

// Escapee is a Card behind a reader that takes escape commands.
type Escapee interface {
	// Escape carries out a command of the reader's own make.
	Escape(command []byte) []byte
}

// FileEnd is what a card does when more is read than there is.
type FileEnd uint8

// The ways, all seen on cards.
const (
	EndExact FileEnd = iota // 6Cxx with the right length
	EndWarn                 // the rest, with 6282
	EndShort                // the rest, with 9000
)

// Profile is how a My Number card is made. The zero value of each switch is the
// common plastic card.
type Profile struct {
	ATR         []byte
	Label       string          // of the token information
	Key         *rsa.PrivateKey // nil: no user-authentication certificate was issued
	Certificate []byte          // DER
	Authority   []byte          // DER of the issuer, free to read
	PIN         string
	Tries       int  // left on a fresh card
	Phone       bool // the certificate is behind the PIN
	Filler      int  // FF bytes behind the certificate
	End         FileEnd
	Chained     bool    // long answers come as 61xx and GET RESPONSE
	FirstFails  bool    // the first command after power-up answers 6F00
	SFI         bool    // short file identifiers are served
	BlockedSW   apdu.SW // answer to the query of a blocked PIN; 0 = 6984
}

// pinTries is the maximum of the user-authentication PIN.
const pinTries = 3

type file struct {
	data    []byte // nil: a key or a PIN
	behind  uint16 // PIN file that must be verified, 0 = free
	private *rsa.PrivateKey
	pin     *pin
}

type pin struct {
	value    []byte
	max      int
	fresh    int // tries of a fresh card
	left     int
	verified bool
}

type application struct {
	aid   []byte
	files map[uint16]*file
}

// JPKI is a virtual My Number card. It is used by one goroutine at a time; a
// [Reader] sees to that.
type JPKI struct {
	profile Profile
	apps    []*application
	app     *application // nil: nothing but the issuer security domain
	file    uint16
	woken   bool   // a command was seen since power-up
	rest    []byte // what GET RESPONSE will give
	strayed bool
	spent   int
}

// NewJPKI makes a card by p.
func NewJPKI(p Profile) *JPKI {
	if p.BlockedSW == 0 {
		p.BlockedSW = apdu.Blocked
	}
	auth := &pin{value: []byte(p.PIN), max: pinTries, fresh: p.Tries, left: p.Tries}
	files := map[uint16]*file{
		0x0006: {data: tokenInfo(p.Label)},
		0x0008: {data: []byte{0x00, 0x00, 0x00}}, // which certificates there are; none for signing
		0x000B: {data: p.Authority},
		0x0018: {pin: auth},
	}
	if p.Key != nil {
		certificate := &file{data: append(append([]byte{}, p.Certificate...), bytes.Repeat([]byte{0xFF}, p.Filler)...)}
		if p.Phone {
			certificate.behind = 0x0018
		}
		files[0x0008].data[1] = 0x8F
		files[0x000A] = certificate
		files[0x0017] = &file{private: p.Key, behind: 0x0018}
	}
	// The applications that hold the individual number exist so that a test can
	// tell when somebody strays into them. What they hold is behind PINs that
	// nobody knows.
	number := map[uint16]*file{
		0x0001: {data: []byte{0xFF, 0x10, 0x0C}, behind: 0x0011},
		0x0002: {data: []byte{0xFF, 0x20, 0x00}, behind: 0x0011},
		0x0003: {data: []byte{0xFF, 0x30, 0x00}, behind: 0x0011},
		0x0011: {pin: &pin{value: []byte{0xFF}, max: pinTries, fresh: pinTries, left: pinTries}},
	}
	return &JPKI{profile: p, apps: []*application{
		{aid: apdu.JPKI(), files: files},
		{aid: []byte{0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08}, files: number},
		{aid: []byte{0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02}, files: number},
	}}
}

// tokenInfo is EF 0006: a CK_TOKEN_INFO with 32-bit words; readers look at the label.
func tokenInfo(label string) []byte {
	b := bytes.Repeat([]byte{' '}, 160)
	copy(b, label)
	copy(b[32:], "JPKI-TEST")
	clear(b[96:140])
	return b
}

// ATR implements Card.
func (c *JPKI) ATR() []byte { return bytes.Clone(c.profile.ATR) }

// Power implements Card.
func (c *JPKI) Power(bool) {
	c.woken = false
	c.leave()
	c.app = nil
}

// ResetCounters implements Card.
func (c *JPKI) ResetCounters() {
	for _, a := range c.apps {
		for _, f := range a.files {
			if f.pin != nil {
				f.pin.left, f.pin.verified = f.pin.fresh, false
			}
		}
	}
	c.spent = 0
}

// TriesLeft is the counter of the user-authentication PIN.
func (c *JPKI) TriesLeft() int { return c.apps[0].files[0x0018].pin.left }

// Verifications counts how often a PIN was compared since the last ResetCounters.
func (c *JPKI) Verifications() int { return c.spent }

// Strayed reports whether anybody ever selected an application that holds the
// individual number.
func (c *JPKI) Strayed() bool { return c.strayed }

// leave ends what belongs to the selected application.
func (c *JPKI) leave() {
	c.file, c.rest = 0, nil
	if c.app == nil {
		return
	}
	for _, f := range c.app.files {
		if f.pin != nil {
			f.pin.verified = false
		}
	}
}

// Answer implements Card.
func (c *JPKI) Answer(command []byte) []byte {
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
		c.leave()
		c.app = nil
		return apdu.OK
	}
	for i, a := range c.apps {
		if !bytes.Equal(aid, a.aid) {
			continue
		}
		c.strayed = c.strayed || i > 0
		if a != c.app {
			c.leave()
			c.app = a
		}
		c.file = 0
		return apdu.OK
	}
	return apdu.NotFound
}

// current finds the file that a command with the given reference means.
func (c *JPKI) current(short bool, sfi byte) (*file, apdu.SW) {
	id := c.file
	if short {
		if !c.profile.SFI {
			return nil, apdu.Parameters
		}
		id = uint16(sfi & 0x1F)
	}
	if c.app == nil || id == 0 {
		return nil, apdu.NoCurrentFile
	}
	f := c.app.files[id]
	if f == nil {
		return nil, apdu.NotFound
	}
	if short {
		c.file = id
	}
	return f, apdu.OK
}

func (c *JPKI) open(f *file) bool {
	return f.behind == 0 || c.app.files[f.behind].pin.verified
}

func (c *JPKI) read(cmd apdu.Command) apdu.Answer {
	short := cmd.P1&0x80 != 0
	f, sw := c.current(short, cmd.P1)
	switch {
	case sw != apdu.OK:
		return only(sw)
	case f.data == nil:
		return only(apdu.WrongStructure)
	case !c.open(f):
		return only(apdu.NotSatisfied)
	case cmd.Le == 0 || len(cmd.Data) != 0:
		return only(apdu.Length)
	}
	offset := int(cmd.P1)<<8 | int(cmd.P2)
	if short {
		offset = int(cmd.P2)
	}
	if offset >= len(f.data) {
		return only(apdu.OffsetPast)
	}
	rest := f.data[offset:]
	if cmd.Le <= len(rest) {
		return apdu.Answer{Data: rest[:cmd.Le], SW: apdu.OK}
	}
	switch c.profile.End {
	case EndWarn:
		return apdu.Answer{Data: rest, SW: apdu.EndOfFile}
	case EndShort:
		return apdu.Answer{Data: rest, SW: apdu.OK}
	default:
		return only(0x6C00 | apdu.SW(len(rest)))
	}
}

func (c *JPKI) verify(cmd apdu.Command) apdu.SW {
	if cmd.P1 != 0x00 || cmd.P2&0x80 == 0 {
		return apdu.Parameters
	}
	f, sw := c.current(cmd.P2&0x1F != 0, cmd.P2)
	switch {
	case sw != apdu.OK:
		return sw
	case f.pin == nil:
		return apdu.WrongStructure
	case cmd.Le != 0:
		return apdu.Length
	}
	p := f.pin
	if len(cmd.Data) == 0 {
		switch {
		case p.verified:
			return apdu.OK
		case p.left == 0:
			return c.profile.BlockedSW
		default:
			return apdu.TriesSW(p.left)
		}
	}
	if len(cmd.Data) > 16 {
		return apdu.Length
	}
	if p.left == 0 {
		return apdu.Blocked
	}
	c.spent++
	if !bytes.Equal(cmd.Data, p.value) {
		p.left--
		p.verified = false
		return apdu.TriesSW(p.left)
	}
	p.left, p.verified = p.max, true
	return apdu.OK
}

func (c *JPKI) compute(cmd apdu.Command) apdu.Answer {
	if cmd.P2&0x80 == 0 {
		return only(apdu.Parameters)
	}
	f, sw := c.current(cmd.P2&0x1F != 0, cmd.P2)
	switch {
	case sw != apdu.OK:
		return only(sw)
	case f.private == nil:
		return only(apdu.WrongStructure)
	case !c.open(f):
		return only(apdu.NotSatisfied)
	}
	var hash crypto.Hash
	switch cmd.P1 {
	case 0x00: // PKCS #1 v1.5 over exactly the given bytes
		if len(cmd.Data) == 0 || len(cmd.Data) > f.private.Size()-11 {
			return only(apdu.Conditions)
		}
	case 0x02: // the card builds the DigestInfo
		if hash = crypto.SHA256; len(cmd.Data) != hash.Size() {
			return only(apdu.Conditions)
		}
	default:
		return only(apdu.Parameters)
	}
	sig, err := rsa.SignPKCS1v15(nil, f.private, hash, cmd.Data)
	if err != nil {
		return only(apdu.Conditions)
	}
	if cmd.Le < len(sig) {
		return only(apdu.Length)
	}
	return apdu.Answer{Data: sig, SW: apdu.OK}
}

func only(sw apdu.SW) apdu.Answer { return apdu.Answer{SW: sw} }

func word(sw apdu.SW) []byte { return only(sw).Bytes() }
