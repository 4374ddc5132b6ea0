package wire

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// maxOperatorName is the longest name of a kiosk in bytes.
const maxOperatorName = 256

// Enrolment is what a kiosk must know to talk to its hub: the hub's address and
// pinned CA, its own identity, the key to seal to and the keys whose
// acknowledgements count. It is one file of mode 0600, for it may hold a private key.
type Enrolment struct {
	Kiosk      string `json:"kiosk"`
	HubURL     string `json:"hub_url"`     // https://host:port
	HubCA      string `json:"hub_ca"`      // PEM; nothing else is trusted
	ClientCert string `json:"client_cert"` // PEM
	// ClientKey is the private key in PEM; empty where it is kept elsewhere, in a
	// file or credential of its own. See [Enrolment.WithKey].
	ClientKey string   `json:"client_key,omitempty"`
	SealKeyID string   `json:"seal_key_id"`
	SealKey   []byte   `json:"seal_key"`       // SealPublicKey.Bytes
	AckKeys   []AckKey `json:"ack_keys"`       // the current one, and the others during a change
	Name      string   `json:"name,omitempty"` // as operators call the kiosk
	// Sandbox says that behind the hub nothing is real: only there may simulated
	// hardware go.
	Sandbox bool `json:"sandbox,omitempty"`
}

// LoadEnrolment reads and checks a file. A missing file is fs.ErrNotExist.
func LoadEnrolment(path string) (*Enrolment, error) {
	b, err := ReadPrivate(path, 0o077)
	if err != nil {
		return nil, fmt.Errorf("cannot load enrolment: %w", err)
	}
	e, err := DecodeEnrolment(b)
	if err != nil {
		return nil, fmt.Errorf("cannot load enrolment %s: %w", path, err)
	}
	return e, nil
}

// DecodeEnrolment reads and checks the content of a file.
func DecodeEnrolment(b []byte) (*Enrolment, error) {
	e, err := Decode[Enrolment](b)
	if err != nil {
		return nil, err
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return &e, nil
}

// StoreEnrolment writes the file so that a reader sees the old or the new one
// whole, also after a power cut.
func StoreEnrolment(path string, e *Enrolment) error {
	if err := e.Validate(); err != nil {
		return fmt.Errorf("cannot store enrolment: %w", err)
	}
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot store enrolment: %w", err)
	}
	if err := WritePrivate(path, append(b, '\n')); err != nil {
		return fmt.Errorf("cannot store enrolment: %w", err)
	}
	return nil
}

// Validate lists everything that is wrong at once. It never quotes a key.
func (e *Enrolment) Validate() error {
	var bad []error
	if err := checkName("kiosk", e.Kiosk); err != nil {
		bad = append(bad, err)
	}
	u, err := url.Parse(e.HubURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		(u.Path != "" && u.Path != "/") {
		bad = append(bad, errors.New("hub_url is not of the form https://host:port"))
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(e.HubCA)) {
		bad = append(bad, errors.New("hub_ca holds no PEM certificate"))
	}
	if _, err := e.Certificate(); err != nil {
		bad = append(bad, errors.New("client_cert is not a certificate in PEM"))
	} else if _, err := tls.X509KeyPair([]byte(e.ClientCert), []byte(e.ClientKey)); e.ClientKey != "" && err != nil {
		bad = append(bad, errors.New("client_cert and client_key are not a matching PEM pair"))
	}
	return errors.Join(append(bad, validateKeys(e.SealKeyID, e.SealKey, e.AckKeys)...)...)
}

// validateKeys checks what a kiosk seals to and whose acknowledgements it takes.
func validateKeys(sealID string, seal []byte, acks []AckKey) (bad []error) {
	if k, err := ParseSealPublicKey(seal); err != nil {
		bad = append(bad, errors.New("seal_key is not a public key of the suite"))
	} else if k.ID() != sealID {
		bad = append(bad, fmt.Errorf("seal_key_id is %q, the key's hash says %q", sealID, k.ID()))
	}
	if len(acks) == 0 {
		bad = append(bad, errors.New("ack_keys is empty"))
	}
	for _, k := range acks {
		if err := k.validate(); err != nil {
			bad = append(bad, err)
		}
	}
	return bad
}

// Validate lists everything that is wrong with the keys of a desired state.
func (d Desired) Validate() error {
	bad := validateKeys(d.SealKeyID, d.SealKey, d.AckKeys)
	if d.Name != "" {
		bad = append(bad, checkText("name", d.Name, maxOperatorName))
	}
	return errors.Join(bad...)
}

// Is reports whether e is already what d wants it to be.
func (e *Enrolment) Is(d Desired) bool {
	return e.Name == d.Name && e.SealKeyID == d.SealKeyID && bytes.Equal(e.SealKey, d.SealKey) &&
		slices.EqualFunc(e.AckKeys, d.AckKeys, func(a, b AckKey) bool { return a.ID == b.ID && bytes.Equal(a.Key, b.Key) })
}

// Take makes e what d wants it to be.
func (e *Enrolment) Take(d Desired) {
	e.Name, e.SealKeyID, e.SealKey, e.AckKeys = d.Name, d.SealKeyID, d.SealKey, d.AckKeys
}

// KeysDigest is a SHA-256 of the hub's keys in e: the one that is sealed to and those whose
// acknowledgements count, in any order.
func (e *Enrolment) KeysDigest() [sha256.Size]byte {
	sum := sha256.Sum256(e.SealKey)
	keys := [][]byte{sum[:]}
	for _, k := range e.AckKeys {
		sum := sha256.Sum256(k.Key)
		keys = append(keys, sum[:])
	}
	slices.SortFunc(keys[1:], bytes.Compare)
	return sha256.Sum256(bytes.Join(keys, nil))
}

// Certificate is the kiosk's own, parsed.
func (e *Enrolment) Certificate() (*x509.Certificate, error) {
	b, _ := pem.Decode([]byte(e.ClientCert))
	if b == nil || b.Type != "CERTIFICATE" {
		return nil, errors.New("cannot read certificate: it is not one in PEM")
	}
	return x509.ParseCertificate(b.Bytes)
}

// WithKey is a whole enrolment: the one that is stored, and its private key in PEM
// that is kept elsewhere.
func (e *Enrolment) WithKey(key string) *Enrolment {
	whole := *e
	whole.ClientKey = key
	return &whole
}

// Format keeps the private key out of logs in every verb.
func (e Enrolment) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "enrolment of %q at %q", e.Kiosk, e.HubURL)
}
