package identity

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"kioskd/internal/wire"
)

// pairing is one conversation with the hub of a code.
type pairing struct {
	code wire.PairingCode
	opt  Options
	ca   *x509.Certificate // that the code pins; known once the hub has proved itself
}

// Why a handshake is broken off, before anything secret was sent.
var (
	errForeign = errors.New("its certificate is not from the CA that the code names")
	errVersion = errors.New("it does not speak " + wire.ALPNEnrol)
)

// lifeError says that the hub proved itself, but not for the time that this
// machine's clock shows.
type lifeError struct{ from, until time.Time }

func (e *lifeError) Error() string { return "a certificate of the hub is not valid now" }

// enrol sends the request and gives the answer and the hub's time.
func (p *pairing) enrol(ctx context.Context, r wire.EnrolRequest) (wire.Enrolled, time.Time, error) {
	got, err := p.exchange(ctx, http.MethodPost, r, p.opt.Now)
	if life, ok := errors.AsType[*lifeError](err); ok {
		return wire.Enrolled{}, time.Time{}, p.whoseClock(ctx, life)
	}
	if err != nil {
		return wire.Enrolled{}, time.Time{}, p.explain(err)
	}
	if got.status != http.StatusOK && got.status != http.StatusCreated {
		return wire.Enrolled{}, time.Time{}, refusal(got)
	}
	if kind := got.mediaType(); kind != "application/json" {
		return wire.Enrolled{}, time.Time{}, fmt.Errorf("cannot enrol: the hub answers with %q: are hub and kiosk of one version?", kind)
	}
	a, err := wire.Decode[wire.Enrolled](got.body)
	if err != nil {
		return wire.Enrolled{}, time.Time{}, fmt.Errorf("cannot enrol: cannot read the hub's answer: %w: are hub and kiosk of one version?", err)
	}
	return a, p.hubTime(got), nil
}

// hubTime is what the hub's clock shows by an answer of it.
func (p *pairing) hubTime(got reply) time.Time {
	if date, err := http.ParseTime(got.header.Get("Date")); err == nil {
		return date
	}
	return p.opt.Now()
}

// reply is an answer that was read whole.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) mediaType() string {
	kind, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// exchange does one round trip on a connection of its own. The hub is verified in
// the handshake, at the time that at gives; the body goes out only after that.
func (p *pairing) exchange(ctx context.Context, method string, body any, at func() time.Time) (reply, error) {
	var out io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		defer clear(b) // the token
		out = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://"+p.code.Host+wire.PathEnrol, out)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, application/problem+json")
	client := &http.Client{
		Transport: &http.Transport{
			Proxy:       http.ProxyFromEnvironment,
			DialContext: p.dial,
			TLSClientConfig: &tls.Config{
				MinVersion: tls.VersionTLS13,
				NextProtos: []string{wire.ALPNEnrol},
				// The CA is not known before the handshake: VerifyConnection does all of the
				// verifying, against the one that the code pins.
				InsecureSkipVerify: true, //nolint:gosec // see above
				VerifyConnection:   func(cs tls.ConnectionState) error { return p.verify(cs, at()) },
			},
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  20 * time.Second,
			MaxResponseHeaderBytes: 16 << 10,
			DisableKeepAlives:      true,
		},
		// A hub never redirects; a captive portal does.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, wire.MaxBody+1))
	return reply{status: resp.StatusCode, header: resp.Header, body: answer}, errors.Join(err, resp.Body.Close())
}

// dial marks its errors, whoever dials.
func (p *pairing) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := p.opt.DialContext(ctx, network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return conn, nil
}

// verify lets a connection stand only when the other side holds a certificate for
// the code's host from the CA that the code pins, and from no other.
func (p *pairing) verify(cs tls.ConnectionState, now time.Time) error {
	if len(cs.PeerCertificates) == 0 {
		return errForeign
	}
	var ca *x509.Certificate
	for _, c := range cs.PeerCertificates {
		if c.IsCA && p.code.Pins(c.Raw) {
			ca = c
			break
		}
	}
	if ca == nil {
		return errForeign
	}
	host, _, err := net.SplitHostPort(p.code.Host)
	if err != nil {
		return err
	}
	leaf := cs.PeerCertificates[0]
	from, until := leaf.NotBefore, leaf.NotAfter
	if ca.NotBefore.After(from) {
		from = ca.NotBefore
	}
	if ca.NotAfter.Before(until) {
		until = ca.NotAfter
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	check := func(at time.Time) error {
		_, err := leaf.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: x509.NewCertPool(), DNSName: host, CurrentTime: at,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		})
		return err
	}
	err = check(now)
	if life, ok := errors.AsType[x509.CertificateInvalidError](err); ok && life.Reason == x509.Expired {
		if err = check(from.Add(until.Sub(from) / 2)); err == nil { // all else is right
			return &lifeError{from: from, until: until}
		}
	}
	switch {
	case err != nil:
		if _, ok := errors.AsType[x509.HostnameError](err); ok {
			return err
		}
		return errors.Join(errForeign, err)
	case cs.NegotiatedProtocol != wire.ALPNEnrol:
		return errVersion
	}
	p.ca = ca
	return nil
}

// whoseClock finds out whether this machine's clock is wrong or the hub's
// certificate has ended, by asking the hub, which has proved itself but for the
// time, what its clock shows. Nothing secret is sent.
func (p *pairing) whoseClock(ctx context.Context, life *lifeError) error {
	here := p.opt.Now()
	got, err := p.exchange(ctx, http.MethodGet, nil, func() time.Time { return life.from.Add(life.until.Sub(life.from) / 2) })
	if err == nil {
		if hub, err := http.ParseTime(got.header.Get("Date")); err == nil {
			if hub.Before(life.from) || hub.After(life.until) {
				return fmt.Errorf("cannot enrol: the hub's certificate is valid from %s until %s only, and the hub's clock shows %s: renew it at the hub",
					show(life.from), show(life.until), show(hub))
			}
			return fmt.Errorf("cannot enrol: the clock of this kiosk is wrong: it shows %s, the hub's shows %s: set it (timedatectl set-time), and try again",
				show(here), show(hub))
		}
	}
	return fmt.Errorf("cannot enrol: the hub's certificate is valid from %s until %s, and the clock of this kiosk shows %s: set the clock if that is wrong, else renew the certificate at the hub",
		show(life.from), show(life.until), show(here))
}

func show(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// explain says what to do about a conversation that came to nothing.
func (p *pairing) explain(err error) error {
	var record tls.RecordHeaderError
	var host x509.HostnameError
	var op *net.OpError
	var slow net.Error
	at := p.code.Host
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("cannot reach the hub at %s: %w: check the network cable, the address behind the code's @ and the firewall", at, op.Err)
	case errors.Is(err, errVersion), strings.Contains(err.Error(), "no application protocol"):
		return fmt.Errorf("cannot enrol at %s: what answers there takes no pairing codes: are hub and kiosk of one version, and is this the port for kiosks?", at)
	case errors.As(err, &host):
		return fmt.Errorf("cannot enrol: the hub's certificate is not for the address %s: make a code with a name that the hub's certificate has", at)
	case errors.Is(err, errForeign):
		return fmt.Errorf("cannot enrol: something else answers at %s: its certificate is not the hub's: "+
			"check the address, and that no log-in page or inspecting proxy of the network stands between", at)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("cannot enrol: something else answers at %s: it does not speak TLS: "+
			"check the address, and that no log-in page of the network stands between", at)
	case strings.Contains(err.Error(), "protocol version"):
		return fmt.Errorf("cannot enrol: what answers at %s does not speak TLS 1.3: it is not the hub, or a proxy stands between", at)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("cannot enrol: %w", context.Canceled)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return fmt.Errorf("cannot enrol: the hub at %s does not answer in time: try again; the same code may be used", at)
	}
	return fmt.Errorf("cannot enrol: the connection to the hub at %s broke: %w: try again; the same code may be used", at, err)
}

// refusal says what to do about a hub that says no. The hub is the real one, so its
// own words are worth showing.
func refusal(got reply) error {
	var said, remedy string
	if got.mediaType() == "application/problem+json" {
		if p, err := wire.Decode[wire.Problem](got.body); err == nil {
			if p.Detail != "" {
				said = fmt.Sprintf(" (the hub says: %.200q)", p.Detail)
			} else {
				said = fmt.Sprintf(" (the hub says: %.60q)", p.Code)
			}
		}
	}
	switch got.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity: // the hub does not tell these apart, for whoever guesses
		remedy = "the hub does not take this code: it was used by another kiosk, has expired (it is good for one hour) or was made by another hub: make a new one"
	case http.StatusTooManyRequests:
		remedy = "too many tries: wait a minute, and try again with the same code"
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge:
		remedy = "the hub does not understand this kiosk: bring both to one version"
	default:
		remedy = fmt.Sprintf("the hub cannot do it now (status %d): try again in a while with the same code", got.status)
	}
	return fmt.Errorf("cannot enrol: %s%s", remedy, said)
}
