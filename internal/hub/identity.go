package hub

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"kioskd/internal/wire"
)

// ClientLife is how long a kiosk's certificate is good. A kiosk renews it when two
// thirds are over, so it may be without a line for a month.
const ClientLife = 90 * 24 * time.Hour

// CertificateEarly is how long before its issue a certificate begins to be good: a
// kiosk's clock may be a little behind.
const CertificateEarly = 24 * time.Hour

// Authority issues kiosks' certificates.
type Authority interface {
	// Client issues the client certificate c for this public key, in PEM.
	Client(c Certificate, key crypto.PublicKey) (certPEM string, err error)
}

// NewCertificate gives the data of a certificate that is to be issued now.
func NewCertificate(kiosk string, now time.Time) Certificate {
	now = now.UTC().Truncate(time.Second) // as certificates have it
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // crypto/rand's reader never fails
	}
	// A serial number is at least 1, and has 64 random bits or more.
	return Certificate{Serial: n.Add(n, big.NewInt(1)).Text(16), Kiosk: kiosk, Issued: now, Expires: now.Add(ClientLife)}
}

// kioskURN is how a client certificate names its kiosk.
const kioskURN = "urn:kioskd:kiosk:"

var kioskID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// ValidKioskID says whether id may name a kiosk.
func ValidKioskID(id string) bool { return kioskID.MatchString(id) }

// KioskURI is the URI that a kiosk's client certificate carries.
func KioskURI(id string) *url.URL {
	return &url.URL{Scheme: "urn", Opaque: strings.TrimPrefix(kioskURN, "urn:") + id}
}

var (
	errNoKiosk = errors.New("cannot tell the kiosk: its certificate names none, or several")
	errWrong   = errors.New("cannot accept the certificate: it is not of the key that the kiosk's ID is made from")
	errOver    = errors.New("cannot accept the certificate: it has expired: enrol the kiosk again")
)

// keyed tells an ID that is made from a key; the demo's is not.
var keyed = regexp.MustCompile(`^k-[a-z2-7]{26}$`)

// kioskOf reads the kiosk from the verified client certificate. URI and common
// name must say the same, and belong to the key. TLS looks at its life when the
// connection begins; a connection may outlive it.
func kioskOf(r *http.Request, now time.Time) (string, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return "", errNoKiosk
	}
	cert := r.TLS.VerifiedChains[0][0]
	if len(cert.URIs) != 1 {
		return "", errNoKiosk
	}
	id, ok := strings.CutPrefix(cert.URIs[0].String(), kioskURN)
	switch {
	case !ok || id != cert.Subject.CommonName || !ValidKioskID(id):
		return "", errNoKiosk
	case keyed.MatchString(id) && wire.KioskID(cert.RawSubjectPublicKeyInfo) != id:
		return "", errWrong
	case now.After(cert.NotAfter):
		return "", errOver
	}
	return id, nil
}

// ServerTLS is ServerTLSOf with one certificate for ever.
func ServerTLS(cert tls.Certificate, clients *x509.CertPool) *tls.Config {
	c := ServerTLSOf(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }, clients)
	c.Certificates = []tls.Certificate{cert} // else a server of httptest takes one of its own
	return c
}

// ServerTLSOf is how the API listens: TLS 1.3, and a client certificate of the
// hub's own CA or no connection at all. The one exception is a client that asks
// for wire.ALPNEnrol: it has no certificate yet, and gets nothing but that
// protocol, for which the server must have API.Protocols. The chain of cert must
// hold the CA.
func ServerTLSOf(cert func(*tls.ClientHelloInfo) (*tls.Certificate, error), clients *x509.CertPool) *tls.Config {
	enrol := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		GetCertificate:         cert,
		ClientAuth:             tls.NoClientCert,
		NextProtos:             []string{wire.ALPNEnrol},
		SessionTicketsDisabled: true, // nothing of such a connection lives on
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: cert,
		ClientAuth:     tls.RequireAndVerifyClientCert,
		ClientCAs:      clients,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if slices.Contains(hello.SupportedProtos, wire.ALPNEnrol) {
				return enrol, nil
			}
			return nil, nil //nolint:nilnil // the configuration above
		},
	}
}

// keyOf checks a certificate request and gives its key: its signature proves that
// whoever made it has that key. Nothing else of it counts.
func keyOf(csr []byte) (key crypto.PublicKey, spki []byte, err error) {
	const most = 4 << 10 // what a key of the accepted kinds needs, many times over
	if len(csr) > most {
		return nil, nil, errors.New("the certificate request is too long")
	}
	r, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, nil, errors.New("the certificate request does not parse")
	}
	if !acceptable(r.PublicKey) {
		return nil, nil, errors.New("the key is neither ECDSA P-256 nor Ed25519")
	}
	if err := r.CheckSignature(); err != nil {
		return nil, nil, errors.New("the certificate request is not signed by its key")
	}
	// The ID is made from these bytes: of one key there must be one encoding.
	spki, err = x509.MarshalPKIXPublicKey(r.PublicKey)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot encode key: %w", err)
	}
	if !slices.Equal(spki, r.RawSubjectPublicKeyInfo) {
		return nil, nil, errors.New("the key is not in its usual encoding")
	}
	return r.PublicKey, spki, nil
}
