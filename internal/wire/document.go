package wire

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a document, in bytes.
const (
	MaxDocument = 4 << 10
	maxName     = 64 // kiosk, service, service ID, version of terms
	maxCode     = 32
	maxCodes    = 3
	nonceLen    = 16
)

// NewNonce gives 16 random bytes in the form that Document.Nonce takes.
func NewNonce() string {
	var b [nonceLen]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// EncodeDocument gives the canonical bytes of d, which the card signs. Equal
// documents have equal bytes on every machine. A document that DecodeDocument
// would refuse is refused here as well.
func EncodeDocument(d Document) ([]byte, error) {
	if err := d.validate(); err != nil {
		return nil, fmt.Errorf("cannot encode document: %w", err)
	}
	d.Time = d.Time.UTC()
	b, err := encode(d)
	if err != nil {
		return nil, err
	}
	if len(b) > MaxDocument {
		return nil, fmt.Errorf("cannot encode document: longer than %d bytes", MaxDocument)
	}
	return b, nil
}

// DecodeDocument reads canonical bytes. Bytes that are not exactly what
// EncodeDocument gives for their content are refused: a signature must not have
// two readings.
func DecodeDocument(b []byte) (Document, error) {
	if len(b) > MaxDocument {
		return Document{}, fmt.Errorf("cannot decode document: %w: longer than %d bytes", ErrMalformed, MaxDocument)
	}
	d, err := Decode[Document](b)
	if err != nil {
		return Document{}, fmt.Errorf("cannot decode document: %w", err)
	}
	again, err := EncodeDocument(d)
	if err != nil {
		return Document{}, fmt.Errorf("cannot decode document: %w: %s", ErrMalformed, err.Error())
	}
	if !bytes.Equal(again, b) {
		return Document{}, fmt.Errorf("cannot decode document: %w: not canonical", ErrMalformed)
	}
	return d, nil
}

// Digest is what the card signs and what an acknowledgement names: SHA-256.
func Digest(b []byte) [sha256.Size]byte { return sha256.Sum256(b) }

func (d Document) validate() error {
	if d.Schema != Schema {
		return fmt.Errorf("schema %d is not %d", d.Schema, Schema)
	}
	contents := 0
	for _, set := range []bool{d.Reservation != nil, d.Application != nil, d.Inquiry != nil} {
		if set {
			contents++
		}
	}
	if contents != 1 {
		return fmt.Errorf("%d contents instead of one", contents)
	}
	var match bool
	switch d.Kind {
	case KindReservation:
		match = d.Reservation != nil
	case KindApplication:
		match = d.Application != nil
	case KindInquiry:
		match = d.Inquiry != nil
	case KindIssuance: // a record, never signed by a card
	}
	if !match {
		return errors.New("the content is not of the kind")
	}
	if err := checkName("kiosk", d.Kiosk); err != nil {
		return err
	}
	if err := checkTime(d.Time); err != nil {
		return err
	}
	if n, err := base64.RawURLEncoding.Strict().DecodeString(d.Nonce); err != nil || len(n) != nonceLen {
		return fmt.Errorf("nonce is not %d bytes in base64url", nonceLen)
	}
	if d.Application != nil {
		return d.Application.validate()
	}
	return nil
}

func (a *Application) validate() error {
	for _, f := range []struct{ name, value string }{
		{"service", a.Service}, {"service_id", a.ServiceID}, {"terms", a.Terms},
	} {
		if err := checkName(f.name, f.value); err != nil {
			return err
		}
	}
	if len(a.Codes) < 1 || len(a.Codes) > maxCodes {
		return fmt.Errorf("%d codes instead of 1 to %d", len(a.Codes), maxCodes)
	}
	for _, c := range a.Codes {
		if err := checkText("codes", string(c), maxCode); err != nil {
			return err
		}
	}
	// Not every service asks for the phone number.
	if a.PhoneLast4 != "" && (len(a.PhoneLast4) != 4 || strings.Trim(string(a.PhoneLast4), "0123456789") != "") {
		return errors.New("phone_last4 is neither empty nor four digits")
	}
	return nil
}

func checkName(field, s string) error { return checkText(field, s, maxName) }

// checkText never repeats the value: it may be personal.
func checkText(field, s string, limit int) error {
	switch {
	case s == "":
		return fmt.Errorf("%s is missing", field)
	case len(s) > limit:
		return fmt.Errorf("%s is longer than %d bytes", field, limit)
	case !utf8.ValidString(s):
		return fmt.Errorf("%s is not UTF-8", field)
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return fmt.Errorf("%s holds a control character", field)
		}
	}
	return nil
}

func checkTime(t time.Time) error {
	if _, offset := t.Zone(); offset != 0 {
		return errors.New("time is not in UTC")
	}
	if t.Nanosecond() != 0 {
		return errors.New("time is not in whole seconds")
	}
	if y := t.Year(); y < 1970 || y > 9999 {
		return errors.New("time is not between 1970 and 9999")
	}
	return nil
}
