package hub

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// kioskURN is how a client certificate names its kiosk.
const kioskURN = "urn:kioskd:kiosk:"

var kioskID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// ValidKioskID says whether id may name a kiosk.
func ValidKioskID(id string) bool { return kioskID.MatchString(id) }

// KioskURI is the URI that a kiosk's client certificate carries.
func KioskURI(id string) *url.URL {
	return &url.URL{Scheme: "urn", Opaque: strings.TrimPrefix(kioskURN, "urn:") + id}
}

var errNoKiosk = errors.New("cannot tell the kiosk: its certificate names none, or several")

// kioskOf reads the kiosk from the verified client certificate. URI and common
// name must say the same.
func kioskOf(r *http.Request) (string, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return "", errNoKiosk
	}
	cert := r.TLS.VerifiedChains[0][0]
	if len(cert.URIs) != 1 {
		return "", errNoKiosk
	}
	id, ok := strings.CutPrefix(cert.URIs[0].String(), kioskURN)
	if !ok || id != cert.Subject.CommonName || !ValidKioskID(id) {
		return "", errNoKiosk
	}
	return id, nil
}

// ServerTLS is how the API listens: TLS 1.3, and a client certificate of the
// hub's own CA or no connection at all.
func ServerTLS(cert tls.Certificate, clients *x509.CertPool) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
	}
}
