package wire

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"reflect"
	"testing"
)

func FuzzDecodeDocument(f *testing.F) {
	f.Add([]byte(someApplicationText))
	f.Add([]byte(`{"schema":1,"kind":"inquiry","kiosk":"k","time":"2026-11-01T09:30:00Z","nonce":"AAECAwQFBgcICQoLDA0ODw","inquiry":{}}`))
	f.Add([]byte(`{"a":1,"A":2}`))
	f.Add([]byte(`[[[[]]]]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := DecodeDocument(b)
		if err != nil {
			return
		}
		again, err := EncodeDocument(d)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("accepted %q, which encodes as %q (%v)", b, again, err)
		}
	})
}

func FuzzDecodeSubmission(f *testing.F) {
	f.Add([]byte(`{"id":"0123456789ABCDEFGHJKMNPQRS","kiosk":"k","schema":1,"key_id":"seal-1","sealed":"AAAA"}`))
	f.Add([]byte(`{"kiosk":"k","id":"0123456789ABCDEFGHJKMNPQRS","schema":1,"key_id":"seal-1" ,"sealed":"AA=="}`))
	f.Add([]byte(`{"sealed":"AAAA","id":"0123456789ABCDEFGHJKMNPQRS","kiosk":"k","schema":1,"key_id":"s","sealed":"AAAA"}`))
	f.Add([]byte("{\"id\":\"0123456789ABCDEFGHJKMNPQRS\",\"kiosk\":\"k\",\"schema\":1,\"key_id\":\"s\",\"sealed\":\"AA\nAA\"}"))
	f.Add([]byte(`{,"sealed":"AAAA"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSubmission(b)
		if err == nil && (!ValidID(s.ID) || len(s.Sealed) > MaxSealed || s.Schema != Schema) {
			t.Fatalf("accepted %q", b)
		}
		// The short way takes nothing that the long one refuses or reads otherwise.
		if short, ok := submissionAsEncoded(b); ok {
			long, err := Decode[Submission](b)
			if err != nil || !reflect.DeepEqual(short, long) {
				t.Fatalf("%q: read as %+v, and as %+v (%v)", b, short, long, err)
			}
		}
	})
}

// What kiosks send goes the short way.
func TestSubmissionAsEncoded(t *testing.T) {
	want := Submission{ID: NewSubmissionID(), Kiosk: "店 <1>", Schema: Schema, KeyID: "seal-1", Sealed: bytes.Repeat([]byte{0xfb, 0xff, 7}, 1700)}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := submissionAsEncoded(b)
	if !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("read: %v, %+v", ok, got)
	}
}

func FuzzUnpadded(f *testing.F) {
	b, err := padded(somePayload(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{0, 0, 0, 2, '{', '}', 0})
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := unpadded(b)
		if err != nil {
			return
		}
		if err := p.validate(); err != nil {
			t.Fatalf("accepted an invalid payload: %v", err)
		}
	})
}

func FuzzVerifyAck(f *testing.F) {
	priv, err := NewAckKey()
	if err != nil {
		f.Fatal(err)
	}
	key := AckKeyOf(priv.Public().(ed25519.PublicKey))
	v, err := NewAckVerifier(key)
	if err != nil {
		f.Fatal(err)
	}
	body := someAck()
	s, err := SignAck(priv, key.ID, body)
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"key_id":"","body":"","sig":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := DecodeSignedAck(b)
		if err != nil {
			return
		}
		ack, err := v.Verify(got, body.ID, body.Hash, body.Kiosk)
		if err == nil && !bytes.Equal(got.Body, s.Body) {
			t.Fatalf("a forged acknowledgement passed: %+v", ack)
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	f.Add(NumberOf("0123456789ABCDEFGHJKMNPQRS"))
	f.Add("oooo-llll-i")
	f.Add("ＡＢＣＤ")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		if again, err := ParseNumber(n); err != nil || again != n {
			t.Fatalf("%q reads as %q, which reads as %q (%v)", s, n, again, err)
		}
	})
}

func FuzzDecodeEnrolment(f *testing.F) {
	f.Add([]byte(`{"kiosk":"k","hub_url":"https://127.0.0.1:8443","ack_keys":[]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := DecodeEnrolment(b)
		if err == nil && e.Validate() != nil {
			t.Fatalf("accepted %q", b)
		}
	})
}

// FuzzOpen changes what was sealed, and for what: nothing but the very bytes opens.
func FuzzOpen(f *testing.F) {
	key, err := NewSealKey()
	if err != nil {
		f.Fatal(err)
	}
	good, err := Seal(key.Public(), "kiosk-1", NewSubmissionID(), somePayload(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.ID, good.Kiosk, good.Schema, good.Sealed)
	f.Add(good.ID, "kiosk-2", good.Schema, good.Sealed)
	f.Add(good.ID, good.Kiosk, good.Schema, good.Sealed[:len(good.Sealed)-1])
	f.Add("", "", 0, []byte{})
	f.Fuzz(func(t *testing.T, id, kiosk string, schema int, sealed []byte) {
		s := good
		s.ID, s.Kiosk, s.Schema, s.Sealed = id, kiosk, schema, sealed
		_, err := Open(key, s)
		same := id == good.ID && kiosk == good.Kiosk && schema == good.Schema && bytes.Equal(sealed, good.Sealed)
		if (err == nil) != same {
			t.Fatalf("id %q, kiosk %q, schema %d: %v", id, kiosk, schema, err)
		}
	})
}
