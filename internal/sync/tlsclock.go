package sync

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"time"
)

// tlsTime is the time by which the hub's certificate is judged. That is the hub's own,
// once an answer of it has told: what is done to this machine's clock from then on does
// not cut the kiosk off. Before, it is this machine's, which may stand at 1970; but the
// hub has issued the kiosk's certificate, so the time from which that is good has come.
func (c *Client) tlsTime() time.Time {
	now, known := c.clock.time(c.now())
	if !known && now.Before(c.since) {
		return c.since
	}
	return now
}

// untimely reports whether the hub's certificate was refused for the time alone: there
// is one at which it is good, for this hub and by the pinned CA. Package x509 looks at
// the time first, and a stranger's certificate may have expired as well.
func (c *Client) untimely(err error) bool {
	refused, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok || len(refused.UnverifiedCertificates) == 0 {
		return false
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); !ok || invalid.Reason != x509.Expired {
		return false
	}
	hub, err := url.Parse(c.base)
	if err != nil {
		return false
	}
	between := x509.NewCertPool()
	for _, cert := range refused.UnverifiedCertificates[1:] {
		between.AddCert(cert)
	}
	leaf := refused.UnverifiedCertificates[0]
	for _, at := range []time.Time{leaf.NotBefore, leaf.NotAfter} {
		opts := x509.VerifyOptions{DNSName: hub.Hostname(), Roots: c.tls.RootCAs, Intermediates: between, CurrentTime: at}
		if _, err := leaf.Verify(opts); err == nil {
			return true
		}
	}
	return false
}
