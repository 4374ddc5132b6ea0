package cardtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"

	"kioskd/internal/hw/card/apdu"
)

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
	var sig []byte
	switch key := f.private.(type) {
	case *rsa.PrivateKey:
		sig, sw = signRSA(key, cmd.P1, cmd.Data)
	case *ecdsa.PrivateKey:
		sig, sw = signECDSA(key, cmd.P1, cmd.Data, c.profile.RawECDSA)
	default:
		sw = apdu.Conditions
	}
	switch {
	case sw != apdu.OK:
		return only(sw)
	case cmd.Le < len(sig):
		return only(apdu.Length)
	}
	return apdu.Answer{Data: sig, SW: apdu.OK}
}

// signRSA signs by one of the six schemes that P1 chooses. The even ones take
// what is to be padded, the odd ones the message.
func signRSA(key *rsa.PrivateKey, p1 byte, data []byte) ([]byte, apdu.SW) {
	const hash = crypto.SHA256
	var (
		sig []byte
		err error
	)
	if len(data) == 0 {
		return nil, apdu.Conditions
	}
	switch digest := sha256.Sum256(data); p1 {
	case 0x00: // PKCS #1 v1.5 over exactly the given bytes
		sig, err = rsa.SignPKCS1v15(nil, key, 0, data)
	case 0x01: // the bare hash, without a DigestInfo
		sig, err = rsa.SignPKCS1v15(nil, key, 0, digest[:])
	case 0x02: // the card builds the DigestInfo
		sig, err = rsa.SignPKCS1v15(nil, key, hash, data)
	case 0x03:
		sig, err = rsa.SignPKCS1v15(nil, key, hash, digest[:])
	case 0x04:
		sig, err = signPSS(key, data)
	case 0x05:
		sig, err = signPSS(key, digest[:])
	default:
		return nil, apdu.Parameters
	}
	if err != nil { // the data have another length than the scheme takes
		return nil, apdu.Conditions
	}
	return sig, apdu.OK
}

func signPSS(key *rsa.PrivateKey, digest []byte) ([]byte, error) {
	return rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
}

// signECDSA is a guess at the next generation of cards, whose commands are not
// public: the card takes the hash and signs it.
func signECDSA(key *ecdsa.PrivateKey, p1 byte, hash []byte, raw bool) ([]byte, apdu.SW) {
	size := (key.Params().BitSize + 7) / 8
	switch {
	case p1 != 0x00:
		return nil, apdu.Parameters
	case len(hash) != size:
		return nil, apdu.Conditions
	}
	if raw {
		r, s, err := ecdsa.Sign(rand.Reader, key, hash)
		if err != nil {
			return nil, apdu.Conditions
		}
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), apdu.OK
	}
	sig, err := ecdsa.SignASN1(rand.Reader, key, hash)
	if err != nil {
		return nil, apdu.Conditions
	}
	return sig, apdu.OK
}
