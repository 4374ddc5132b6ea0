package hub

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// Limits of an enrolment's connection: nobody has shown yet who they are.
const (
	enrolLimit     = 15 * time.Second // for reading and answering, each
	enrolHeaderMax = 4 << 10
)

func acceptable(key crypto.PublicKey) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return k.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return true
	}
	return false
}

// Protocols is for http.Server.TLSNextProto: what is spoken on a connection that
// negotiated wire.ALPNEnrol. That is one request in HTTP/1.1, and the connection
// ends. The handler of the API never sees it.
func (a *API) Protocols() map[string]func(*http.Server, *tls.Conn, http.Handler) {
	h := a.EnrolHandler()
	return map[string]func(*http.Server, *tls.Conn, http.Handler){
		wire.ALPNEnrol: func(outer *http.Server, conn *tls.Conn, _ http.Handler) {
			inner := &http.Server{
				Handler: h, ReadHeaderTimeout: enrolLimit, ReadTimeout: enrolLimit, WriteTimeout: enrolLimit,
				MaxHeaderBytes: enrolHeaderMax, ErrorLog: outer.ErrorLog,
			}
			inner.SetKeepAlivesEnabled(false)
			l := &oneConn{conn: conn, done: make(chan struct{})}
			_ = inner.Serve(l) // until the connection has ended
		},
	}
}

// EnrolHandler takes enrolments and nothing else. It is what Protocols serves.
func (a *API) EnrolHandler() http.Handler {
	return a.recovered(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != wire.PathEnrol {
			replyProblem(w, refuse(http.StatusForbidden, fault.HubRefused, "this connection is for POST "+wire.PathEnrol+" only"))
			return
		}
		a.enrol(w, r)
	}))
}

// oneConn is a listener that gives one connection, and ends with it.
type oneConn struct {
	conn   net.Conn
	given  bool
	done   chan struct{}
	closed sync.Once
}

// Accept gives the connection, then waits for its end.
func (l *oneConn) Accept() (net.Conn, error) {
	if !l.given {
		l.given = true
		return endingConn{l.conn, l}, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

// Close does nothing: the connection's end is the listener's.
func (l *oneConn) Close() error { return nil }

// Addr is the hub's address.
func (l *oneConn) Addr() net.Addr { return l.conn.LocalAddr() }

type endingConn struct {
	net.Conn

	l *oneConn
}

// Close ends the connection and its listener.
func (c endingConn) Close() error {
	defer c.l.closed.Do(func() { close(c.l.done) })
	return c.Conn.Close()
}

// enrol takes a kiosk in that has a pairing code.
func (a *API) enrol(w http.ResponseWriter, r *http.Request) {
	remote := host(r.RemoteAddr)
	if wait := a.enrolments.wait(remote, a.Now()); wait > 0 {
		a.Log.Warn("Enrolment put off: too many", "remote", remote)
		p := refuse(http.StatusTooManyRequests, fault.TooFast, "too many try to enrol")
		p.RetryAfter = wait
		replyProblem(w, p)
		return
	}
	b, p := body(w, r)
	if p != nil {
		replyProblem(w, p)
		return
	}
	req, err := wire.Decode[wire.EnrolRequest](b)
	if err != nil {
		replyProblem(w, refuse(http.StatusBadRequest, fault.BadMessage, err.Error()))
		return
	}
	key, spki, err := keyOf(req.CSR)
	if err != nil {
		p := refuse(http.StatusBadRequest, fault.BadMessage, err.Error())
		p.Field = "csr"
		replyProblem(w, p)
		return
	}
	cert, hash := NewCertificate(wire.KioskID(spki), a.Now()), sha256.Sum256(spki)
	kiosk, err := a.Store.Enrol(r.Context(), Enrolment{TokenHash: wire.PairingTokenHash(req.Token), KeyHash: hash[:], Certificate: cert})
	switch {
	case errors.Is(err, ErrInvitation):
		a.notInvited(r.Context(), remote, cert.Kiosk, err)
		// The same words for every reason: they must not help to find a code.
		replyProblem(w, refuse(http.StatusForbidden, fault.HubRefused, "this pairing code is not accepted: ask the operator for a new one"))
		return
	case err != nil:
		a.broken(w, "kiosk not enrolled", err)
		return
	}
	a.rows.forget(kiosk.ID)
	cert = kiosk.Own(cert) // as it was noted
	certPEM, err := a.Authority.Client(cert, key)
	if err != nil { // the kiosk may ask again
		a.broken(w, "certificate not issued", err)
		return
	}
	a.Log.Info("Kiosk enrolled", "kiosk", kiosk.ID, "name", kiosk.Name, "remote", remote, "serial", cert.Serial)
	a.answerJSON(w, wire.Enrolled{Kiosk: kiosk.ID, ClientCert: certPEM, Desired: a.desired(kiosk), Sandbox: a.Sandbox})
}

// notInvited says why to the operator.
func (a *API) notInvited(ctx context.Context, remote, kiosk string, why error) {
	if errors.Is(why, ErrInviteExpired) { // somebody was late
		a.Log.Warn("Enrolment refused", "kiosk", kiosk, "remote", remote, "error", why)
		return
	}
	a.Log.Error("Enrolment refused", "kiosk", kiosk, "remote", remote, "error", why, "alarm", true)
	a.raise(ctx, Alarm{Kind: AlarmEnrol, Text: "last from " + remote + ": " + why.Error()})
}

// desired says what the hub wants this kiosk to be.
func (a *API) desired(k Kiosk) wire.Desired {
	d := wire.Desired{Name: k.Name}
	d.SealKeyID, d.SealKey, d.AckKeys = a.Ingest.Keys().Offer()
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings and bytes always encode
	}
	sum := sha256.Sum256(b)
	d.Revision = hex.EncodeToString(sum[:16])
	return d
}

func (a *API) getDesired(w http.ResponseWriter, _ *http.Request, k Kiosk) {
	a.answerJSON(w, a.desired(k))
}

func (a *API) answerJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		a.broken(w, "answer not encoded", err)
		return
	}
	reply(w, http.StatusOK, b)
}

func host(hostport string) string {
	h, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport
	}
	return h
}
