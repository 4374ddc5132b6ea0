package wire

import (
	"bytes"
	"encoding/base64"
	"fmt"
)

// sealedMember begins the last member of a submission as kiosks encode it. Within a
// string its quotes would be escaped.
const sealedMember = `,"sealed":"`

// DecodeSubmission reads the body of a PUT, as strictly as [Decode].
func DecodeSubmission(b []byte) (Submission, error) {
	s, ok := submissionAsEncoded(b)
	if !ok {
		var err error
		if s, err = Decode[Submission](b); err != nil {
			return Submission{}, fmt.Errorf("cannot decode submission: %w", err)
		}
	}
	if err := s.validate(); err != nil {
		return Submission{}, fmt.Errorf("cannot decode submission: %w: %s", ErrMalformed, err.Error())
	}
	return s, nil
}

// submissionAsEncoded reads what the encoder writes, with the sealed bytes as its last
// member, and nothing else: reading those as JSON, character by character and three times
// over, is the most that a hub would spend on a message beside cryptography. What it does
// not take is left to Decode.
func submissionAsEncoded(b []byte) (Submission, bool) {
	head, sealed, ok := bytes.Cut(b, []byte(sealedMember))
	sealed, ended := bytes.CutSuffix(sealed, []byte(`"}`))
	// Line breaks are skipped by base64 and are no part of a JSON string.
	if !ok || !ended || len(b) > MaxBody || bytes.ContainsAny(sealed, "\r\n") {
		return Submission{}, false
	}
	s, err := Decode[struct {
		ID     string `json:"id"`
		Kiosk  string `json:"kiosk"`
		Schema int    `json:"schema"`
		KeyID  string `json:"key_id"`
	}](append(bytes.Clone(head), '}'))
	if err != nil || s.ID == "" { // without any member before it the comma is wrong
		return Submission{}, false
	}
	content := make([]byte, base64.StdEncoding.DecodedLen(len(sealed)))
	n, err := base64.StdEncoding.Decode(content, sealed)
	if err != nil {
		return Submission{}, false
	}
	return Submission{ID: s.ID, Kiosk: s.Kiosk, Schema: s.Schema, KeyID: s.KeyID, Sealed: content[:n]}, true
}
