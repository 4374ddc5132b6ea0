package identity

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"time"

	"kioskd/internal/wire"
)

// enrolLimit bounds the whole conversation.
const enrolLimit = 30 * time.Second

// clockOff is a difference of the clocks that an operator should hear of.
const clockOff = 5 * time.Minute

// Options change how the hub is reached. The zero value is what a kiosk uses.
type Options struct {
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	Now         func() time.Time
}

// Outcome is what became of an enrolment.
type Outcome struct {
	Enrolment *wire.Enrolment // as it is stored
	// Former is the enrolment that it took the place of; nil: there was none.
	Former *wire.Enrolment
	Key    string        // where the key lies
	Ahead  time.Duration // of the hub's clock over this machine's, when that is much
}

// Strands says why what still waits in the outbox does not reach the new hub; "":
// it does.
func (o Outcome) Strands() string {
	switch {
	case o.Former == nil:
		return ""
	case o.Former.Kiosk != o.Enrolment.Kiosk:
		return "the kiosk was " + o.Former.Kiosk + " before: what still waits in the outbox is addressed by that ID, and stays there"
	case o.Former.HubCA != o.Enrolment.HubCA:
		return "the kiosk had another hub before: what still waits in the outbox is sealed to that one, and stays there"
	}
	return ""
}

// Enrol makes the kiosk known at the hub of a pairing code and stores what the hub
// gives. The key is on disk before the code is used, so that the same code may be
// used again when the answer was lost. Its errors say what to do.
func (h Home) Enrol(ctx context.Context, code wire.PairingCode, opt Options) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, enrolLimit)
	defer cancel()
	if opt.DialContext == nil {
		opt.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	var key *Key
	err := h.locked(func() (err error) {
		former, err := h.former()
		if err != nil { // before the code is used up
			return err
		}
		if key, err = h.ensureKey(); err != nil {
			return err
		}
		// One that brings its own key, the demo's, may give way to any.
		if former != nil && former.ClientKey == "" && former.Kiosk != key.Kiosk() {
			return fmt.Errorf("cannot enrol: the key in %s is not that of %s, as which this kiosk is enrolled: put that key back; or, if it shall be another kiosk from now on, move %s away, and use the same code again",
				key.from, former.Kiosk, h.File)
		}
		return nil
	})
	if err != nil {
		return Outcome{}, err
	}
	csr, err := key.Request(key.Kiosk())
	if err != nil {
		return Outcome{}, err
	}
	p := &pairing{code: code, opt: opt}
	answer, hubTime, err := p.enrol(ctx, wire.EnrolRequest{Token: code.Token[:], CSR: csr})
	if err != nil {
		return Outcome{}, err
	}
	e, err := p.enrolment(answer, key, hubTime)
	if err != nil {
		return Outcome{}, fmt.Errorf("cannot enrol: the hub's answer cannot be used: %w: are hub and kiosk of one version?", err)
	}
	out := Outcome{Enrolment: e, Key: key.from}
	if d := hubTime.Sub(opt.Now()); d.Abs() > clockOff {
		out.Ahead = d
	}
	err = h.locked(func() (err error) {
		if out.Former, err = h.former(); err != nil {
			return err
		}
		return wire.StoreEnrolment(h.File, e)
	})
	return out, err
}

// former is the enrolment that is there already, nil where there is none. One that
// cannot be read is not written over: an operator may have put it there.
func (h Home) former() (*wire.Enrolment, error) {
	e, err := wire.LoadEnrolment(h.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // said above
	case err != nil:
		return nil, fmt.Errorf("cannot enrol: what is at %s cannot be read: %w: move it away, and use the same code again", h.File, err)
	}
	return e, nil
}

// enrolment checks the answer, member by member.
func (p *pairing) enrolment(a wire.Enrolled, key *Key, at time.Time) (*wire.Enrolment, error) {
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.ca.Raw}))
	if a.Kiosk != key.Kiosk() {
		return nil, errors.New("it is for another kiosk")
	}
	if _, err := CheckCertificate(a.ClientCert, key, a.Kiosk, ca, at); err != nil {
		return nil, fmt.Errorf("the certificate: %w", err)
	}
	if err := a.Desired.Validate(); err != nil {
		return nil, err
	}
	e := &wire.Enrolment{Kiosk: a.Kiosk, HubURL: "https://" + p.code.Host, HubCA: ca, ClientCert: a.ClientCert, Sandbox: a.Sandbox}
	e.Take(a.Desired)
	return e, e.Validate()
}
