package cardtest

import (
	"bytes"
	"crypto"
	"crypto/sha256"

	"kioskd/internal/hw/card/apdu"
)

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
	ATR   []byte
	Label string // of the token information

	Key         crypto.Signer // RSA or ECDSA; nil: no user-authentication certificate was issued
	Certificate []byte        // DER
	Authority   []byte        // DER of the issuer, free to read
	PIN         string
	Tries       int // left on a fresh card

	SignKey         crypto.Signer // nil: no certificate for signing was issued
	SignCertificate []byte        // DER, behind the password
	SignAuthority   []byte        // DER of the issuer, free to read
	SignPassword    string

	Phone         bool // the certificate is behind the PIN
	Filler        int  // FF bytes behind the certificates
	End           FileEnd
	Chained       bool    // long answers come as 61xx and GET RESPONSE
	FirstFails    bool    // the first command after power-up answers 6F00
	SFI           bool    // short file identifiers are served
	BlockedSW     apdu.SW // answer to the query of a blocked PIN; 0 = 6984
	KeepOverReset bool    // a verified PIN outlives a warm reset
	RawECDSA      bool    // an ECDSA signature is r and s side by side, not ASN.1
}

// Maximum tries of the user-authentication PIN and of the signing password.
const (
	pinTries      = 3
	passwordTries = 5
)

// Files of the JPKI application that have to do with each other.
const (
	fileSignCertificate = 0x0001
	fileCertificates    = 0x0008
	fileCertificate     = 0x000A
	filePIN             = 0x0018
	filePassword        = 0x001B
)

// files makes the JPKI application.
func (p *Profile) files() map[uint16]*file {
	files := map[uint16]*file{
		0x0002:           {data: p.SignAuthority},
		0x0006:           {data: tokenInfo(p.Label)},
		fileCertificates: {data: []byte{0x00, 0x00, 0x00}}, // which certificates there are
		0x000B:           {data: p.Authority},
		0x0016:           {}, // key of terminals: there, but not to be read
		filePIN:          {pin: &pin{value: sha256.Sum256([]byte(p.PIN)), max: pinTries, fresh: p.Tries, left: p.Tries}},
		// What a card without a signing certificate has here is not known. This one
		// has a password that nothing matches.
		filePassword: {pin: &pin{value: sha256.Sum256([]byte(p.SignPassword)), max: passwordTries, fresh: passwordTries, left: passwordTries}},
	}
	if p.Key != nil {
		f := &file{data: p.filled(p.Certificate)}
		if p.Phone {
			f.behind = filePIN
		}
		files[fileCertificates].data[1] = issued
		files[fileCertificate] = f
		files[0x0017] = &file{private: p.Key, behind: filePIN}
	}
	if p.SignKey != nil {
		files[fileCertificates].data[0] = issued
		files[fileSignCertificate] = &file{data: p.filled(p.SignCertificate), behind: filePassword}
		files[0x001A] = &file{private: p.SignKey, behind: filePassword}
	}
	return files
}

// issued stands in EF 0008 for a certificate that there is.
const issued = 0x8F

func (p *Profile) filled(certificate []byte) []byte {
	return append(append([]byte{}, certificate...), bytes.Repeat([]byte{0xFF}, p.Filler)...)
}

// tokenInfo is EF 0006: a CK_TOKEN_INFO with 32-bit words; readers look at the label.
func tokenInfo(label string) []byte {
	b := bytes.Repeat([]byte{' '}, 160)
	copy(b, label)
	copy(b[32:], "JPKI-TEST")
	clear(b[96:140])
	return b
}
