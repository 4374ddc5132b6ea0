package wire

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// Enrolment is what a kiosk must know to talk to its hub: the hub's address and
// pinned CA, its own identity, the key to seal to and the keys whose
// acknowledgements count. It is one file of mode 0600, for it holds a private key.
type Enrolment struct {
	Kiosk      string   `json:"kiosk"`
	HubURL     string   `json:"hub_url"`     // https://host:port
	HubCA      string   `json:"hub_ca"`      // PEM; nothing else is trusted
	ClientCert string   `json:"client_cert"` // PEM
	ClientKey  string   `json:"client_key"`  // PEM
	SealKeyID  string   `json:"seal_key_id"`
	SealKey    []byte   `json:"seal_key"` // SealPublicKey.Bytes
	AckKeys    []AckKey `json:"ack_keys"` // the current one, and the next during a change
	// Sandbox says that behind the hub nothing is real: only there may simulated
	// hardware go.
	Sandbox bool `json:"sandbox,omitempty"`
}

// LoadEnrolment reads and checks a file. A missing file is fs.ErrNotExist.
func LoadEnrolment(path string) (*Enrolment, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot load enrolment: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("cannot load enrolment: %s is open to others (mode %04o): run chmod 600", path, st.Mode().Perm())
	}
	if st.Size() > MaxBody {
		return nil, fmt.Errorf("cannot load enrolment: %s is too long", path)
	}
	b, err := os.ReadFile(path)
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
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot store enrolment: %w", err)
	}
	tmp, err := writeTemp(dir, append(b, '\n'))
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		if tmp != "" {
			err = errors.Join(err, os.Remove(tmp))
		}
		return fmt.Errorf("cannot store enrolment: %w", err)
	}
	return syncDir(dir)
}

// writeTemp writes and syncs a new file of mode 0600. Its name is returned also
// beside an error, for the caller to remove.
func writeTemp(dir string, b []byte) (string, error) {
	f, err := os.CreateTemp(dir, ".enrolment-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return f.Name(), errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot sync folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("cannot sync folder: %w", err)
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
	if _, err := tls.X509KeyPair([]byte(e.ClientCert), []byte(e.ClientKey)); err != nil {
		bad = append(bad, errors.New("client_cert and client_key are not a matching PEM pair"))
	}
	if k, err := ParseSealPublicKey(e.SealKey); err != nil {
		bad = append(bad, errors.New("seal_key is not a public key of the suite"))
	} else if k.ID() != e.SealKeyID {
		bad = append(bad, fmt.Errorf("seal_key_id is %q, the key's hash says %q", e.SealKeyID, k.ID()))
	}
	if len(e.AckKeys) == 0 {
		bad = append(bad, errors.New("ack_keys is empty"))
	}
	for _, k := range e.AckKeys {
		if err := k.validate(); err != nil {
			bad = append(bad, err)
		}
	}
	return errors.Join(bad...)
}

// Format keeps the private key out of logs in every verb.
func (e Enrolment) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "enrolment of %q at %q", e.Kiosk, e.HubURL)
}
