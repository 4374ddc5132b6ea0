package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Limits of the parts of a payload, in bytes.
const (
	maxSignature   = 1 << 10
	maxCertificate = 8 << 10
)

// buckets are the padded sizes of a payload before it is sealed. Issuances,
// reservations and applications all fit the first, so that the size of a row
// does not tell which it is.
//
//nolint:gochecknoglobals // a table that never changes
var buckets = [...]int{8 << 10, 16 << 10, 32 << 10}

// lengthPrefix is the size of the payload's length in front of it.
const lengthPrefix = 4

func padded(p Payload) ([]byte, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	b, err := encode(p)
	if err != nil {
		return nil, err
	}
	return pad(b)
}

// pad gives b in the smallest bucket that holds it, behind its length, and clears it:
// only the encoder's own buffers are beyond reach.
func pad(b []byte) ([]byte, error) {
	defer clear(b)
	for _, size := range buckets {
		if lengthPrefix+len(b) <= size {
			out := make([]byte, size)
			binary.BigEndian.PutUint32(out, uint32(len(b)))
			copy(out[lengthPrefix:], b)
			return out, nil
		}
	}
	return nil, errors.New("the payload is too long")
}

func unpadded(b []byte) (Payload, error) {
	if len(b) < lengthPrefix {
		return Payload{}, fmt.Errorf("cannot read payload: %w: cut short", ErrMalformed)
	}
	n := uint64(binary.BigEndian.Uint32(b))
	body := b[lengthPrefix:]
	if n > uint64(len(body)) || len(bytes.Trim(body[n:], "\x00")) != 0 {
		return Payload{}, fmt.Errorf("cannot read payload: %w: wrong padding", ErrMalformed)
	}
	p, err := Decode[Payload](body[:n])
	if err != nil {
		return Payload{}, fmt.Errorf("cannot read payload: %w", err)
	}
	if err := p.validate(); err != nil {
		return Payload{}, fmt.Errorf("cannot read payload: %w: %s", ErrMalformed, err.Error())
	}
	return p, nil
}

func (p Payload) validate() error {
	if p.Schema != Schema {
		return fmt.Errorf("schema %d is not %d", p.Schema, Schema)
	}
	switch p.Kind {
	case KindIssuance:
		if p.Issuance == nil || p.Signed != nil {
			return errors.New("an issuance holds an issuance and nothing else")
		}
		return p.Issuance.validate()
	case KindReservation, KindApplication:
		if p.Signed == nil || p.Issuance != nil {
			return fmt.Errorf("a %s holds a signed document and nothing else", p.Kind)
		}
		return p.Signed.validate(p.Kind)
	case KindInquiry:
	}
	return errors.New("the kind is not one that is queued")
}

func (i *Issuance) validate() error {
	for _, f := range []struct{ name, value string }{
		{"kiosk", i.Kiosk}, {"issue_ref", i.IssueRef}, {"service", i.Service},
	} {
		if err := checkName(f.name, f.value); err != nil {
			return err
		}
	}
	return checkTime(i.Time)
}

func (s *Signed) validate(kind Kind) error {
	if len(s.Signature) == 0 || len(s.Signature) > maxSignature {
		return errors.New("signature is empty or too long")
	}
	if len(s.Certificate) == 0 || len(s.Certificate) > maxCertificate {
		return errors.New("certificate is empty or too long")
	}
	d, err := DecodeDocument(s.Document)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "cannot "))
	}
	if d.Kind != kind {
		return errors.New("the document is of another kind")
	}
	return nil
}
