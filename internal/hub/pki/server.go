package pki

import (
	"crypto/tls"
	"log/slog"
	"sync"
	"time"

	"kioskd/internal/wire"
)

// ServerCertificate is the hub's own certificate, issued anew while it serves. It
// is safe for concurrent use.
type ServerCertificate struct {
	keys  *PKI
	hosts []string
	now   func() time.Time
	log   *slog.Logger

	mu   sync.Mutex
	have *tls.Certificate
}

// Serving issues the first certificate for the given host names and addresses.
func (p *PKI) Serving(now func() time.Time, log *slog.Logger, hosts ...string) (*ServerCertificate, error) {
	first, err := p.Server(now(), hosts...)
	if err != nil {
		return nil, err
	}
	return &ServerCertificate{keys: p, hosts: hosts, now: now, log: log, have: &first}, nil
}

// Get gives the certificate for the next connection; when two thirds of its life
// are over it is a new one. It fits tls.Config.GetCertificate.
func (s *ServerCertificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Before(wire.RenewalDue(s.have.Leaf.NotBefore, s.have.Leaf.NotAfter)) {
		return s.have, nil
	}
	next, err := s.keys.Server(now, s.hosts...)
	if err != nil {
		s.log.Error("Server certificate not renewed", "until", s.have.Leaf.NotAfter, "error", err)
		return s.have, nil // it lasts for a while yet
	}
	s.log.Info("Server certificate renewed", "until", next.Leaf.NotAfter)
	s.have = &next
	return s.have, nil
}
