package jpki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"kioskd/internal/hw/card/apdu"
)

// scheme is how a key signs. The certificate's key decides: RSA on the cards of
// today, ECDSA on those that are announced. The dialogue is the same.
type scheme interface {
	// input is what is given to the card for this message.
	input(message []byte) []byte
	// normal is the form of a card's signature in which it leaves this package.
	normal(signature []byte) []byte
	// check verifies on the host, in whichever form the card gave it.
	check(message, signature []byte) error
}

func schemeOf(cert *x509.Certificate) (scheme, error) {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		// A longer signature does not fit into a short answer.
		if bits := key.N.BitLen(); bits < 2048 || key.Size() > apdu.MaxShort {
			return nil, fmt.Errorf("cannot use an RSA key of %d bits", bits)
		}
		return rsaSHA256{key}, nil
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P384() {
			return nil, fmt.Errorf("cannot use an ECDSA key on %s", key.Params().Name)
		}
		return ecdsaSHA384{key}, nil
	default:
		return nil, fmt.Errorf("cannot use a key of type %T", key)
	}
}

// rsaSHA256 is RSASSA-PKCS1-v1_5 with SHA-256. The card pads and nothing else.
type rsaSHA256 struct{ key *rsa.PublicKey }

func (rsaSHA256) input(message []byte) []byte {
	sum := sha256.Sum256(message)
	return append([]byte{
		0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
	}, sum[:]...)
}

func (rsaSHA256) normal(signature []byte) []byte { return signature }

func (r rsaSHA256) check(message, signature []byte) error {
	sum := sha256.Sum256(message)
	return rsa.VerifyPKCS1v15(r.key, crypto.SHA256, sum[:], signature)
}

// ecdsaSHA384 is ECDSA on P-384 with SHA-384, which the next generation of cards
// is to use. Its commands are not public: that the card takes the hash, as it
// does today, is a guess, and its signature may come in either usual form.
type ecdsaSHA384 struct{ key *ecdsa.PublicKey }

var errSignature = errors.New("signature does not verify")

func (ecdsaSHA384) input(message []byte) []byte {
	sum := sha512.Sum384(message)
	return sum[:]
}

// normal makes ASN.1 of r and s side by side, and leaves everything else alone.
func (ecdsaSHA384) normal(signature []byte) []byte {
	const half = 48 // bytes of P-384
	type rs struct{ R, S *big.Int }
	if len(signature) != 2*half {
		return signature
	}
	var already rs
	if rest, err := asn1.Unmarshal(signature, &already); err == nil && len(rest) == 0 {
		return signature
	}
	der, err := asn1.Marshal(rs{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])})
	if err != nil {
		return signature // cannot happen; the check decides
	}
	return der
}

func (e ecdsaSHA384) check(message, signature []byte) error {
	if sum := sha512.Sum384(message); !ecdsa.VerifyASN1(e.key, sum[:], e.normal(signature)) {
		return errSignature
	}
	return nil
}
