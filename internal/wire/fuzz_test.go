package wire

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"reflect"
	"testing"

	"kioskd/internal/fuzztest"
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

// fixedID is the same in every process that fuzzes: inputs go from one to another.
const fixedID = "0123456789ABCDEFGHJKMNPQRS"

// FuzzVerifyAck changes an acknowledgement, and what it is held against: none but the
// very one that was signed is taken. The key is fixed, so that seeds fit every worker.
func FuzzVerifyAck(f *testing.F) {
	priv := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	key := AckKeyOf(priv.Public().(ed25519.PublicKey))
	v, err := NewAckVerifier(key)
	if err != nil {
		f.Fatal(err)
	}
	body := someAck()
	body.ID = fixedID
	s, err := SignAck(priv, key.ID, body)
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, uint16(0), byte(0), uint16(0), []byte{}) // the control: nothing changed
	f.Add([]byte(`{"key_id":"","body":"","sig":""}`), uint16(1), byte(1), uint16(0), []byte{})
	f.Add(good[:len(good)-1], uint16(9), byte(0), uint16(3), []byte("AAAA"))
	f.Fuzz(func(t *testing.T, b []byte, at uint16, xor byte, cut uint16, put []byte) {
		// It holds for got, submission, hash and kiosk if and only if all are as signed.
		hold := func(got SignedAck, id string, hash []byte, kiosk string) {
			t.Helper()
			same := reflect.DeepEqual(got, s) && id == body.ID && bytes.Equal(hash, body.Hash) && kiosk == body.Kiosk
			ack, err := v.Verify(got, id, hash, kiosk)
			if (err == nil) != same || ack.Proven() != same || same && (ack.ID() != body.ID || ack.Verdict() != body.Verdict) {
				t.Fatalf("%+v against %q, %x, %q: %+v (%v)", got, id, hash, kiosk, ack, err)
			}
		}
		change := func(b []byte) []byte { return fuzztest.Changed(b, at, xor, cut, put) }
		for _, raw := range [][]byte{b, change(good)} {
			got, err := DecodeSignedAck(raw)
			if err == nil {
				hold(got, body.ID, body.Hash, body.Kiosk)
			} else if bytes.Equal(raw, good) {
				t.Fatalf("the good one does not decode: %v", err)
			}
		}
		hold(SignedAck{KeyID: s.KeyID, Body: change(s.Body), Sig: s.Sig}, body.ID, body.Hash, body.Kiosk)
		hold(SignedAck{KeyID: s.KeyID, Body: s.Body, Sig: change(s.Sig)}, body.ID, body.Hash, body.Kiosk)
		hold(s, string(change([]byte(body.ID))), body.Hash, body.Kiosk)
		hold(s, body.ID, change(body.Hash), body.Kiosk)
		hold(s, body.ID, body.Hash, string(change([]byte(body.Kiosk))))
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

// FuzzOpen changes what was sealed, and for what: nothing but the very bytes opens. The
// key is fixed, and what is changed is sealed in each process: sealing draws lots.
func FuzzOpen(f *testing.F) {
	key, err := ParseSealPrivateKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	payload := somePayload(f)
	good, err := Seal(key.Public(), "kiosk-1", fixedID, payload)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.ID, good.Kiosk, good.Schema, good.Sealed, uint16(0), byte(0), uint16(0), []byte{}) // the control
	f.Add(good.ID, "kiosk-2", good.Schema, good.Sealed, uint16(0), byte(0), uint16(0), []byte{})
	f.Add(good.ID, good.Kiosk, good.Schema, good.Sealed[:len(good.Sealed)-1], uint16(1100), byte(1), uint16(0), []byte{})
	f.Add(good.ID, good.Kiosk, good.Schema, []byte{}, uint16(len(good.Sealed)-1), byte(0), uint16(1), []byte{})
	f.Add("", "", 0, []byte{}, uint16(0), byte(0), uint16(0), []byte{1})
	f.Fuzz(func(t *testing.T, id, kiosk string, schema int, sealed []byte, at uint16, xor byte, cut uint16, put []byte) {
		bound := id == good.ID && kiosk == good.Kiosk && schema == good.Schema
		open := func(sealed []byte) bool {
			s := good
			s.ID, s.Kiosk, s.Schema, s.Sealed = id, kiosk, schema, sealed
			got, err := Open(key, s)
			if err == nil && (!bound || !reflect.DeepEqual(got, payload)) {
				t.Fatalf("id %q, kiosk %q, schema %d: opened to %+v", id, kiosk, schema, got)
			}
			return err == nil
		}
		open(sealed) // a seed of another process may open, and to the same only
		own := fuzztest.Changed(good.Sealed, at, xor, cut, put)
		if opened := open(own); opened != (bound && bytes.Equal(own, good.Sealed)) {
			t.Fatalf("id %q, kiosk %q, schema %d, changed at %d: opened %v", id, kiosk, schema, at, opened)
		}
	})
}
