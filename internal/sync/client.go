package sync

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
	"slices"
	"strings"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// ClientOptions change how the hub is reached. The zero value is what a kiosk uses.
type ClientOptions struct {
	// DialContext opens connections in place of the net package, so that the line
	// can be cut, slowed and spoilt.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Interactive bounds a call that a shopper waits for, its one repetition
	// included. The screen is honest long before. Default 25 s.
	Interactive time.Duration
	// Background bounds one sending and one report. Default 30 s.
	Background time.Duration
	// Connect bounds the making of a connection. Default 5 s.
	Connect time.Duration
	// Accepted is told what each answer says about whether the hub accepts this kiosk,
	// and when the call that it answers was begun. It must not block.
	Accepted func(yes bool, asked time.Time)
	// Desired is told each desired state that the hub gave, before it is used.
	Desired func(wire.Desired)
}

// Client speaks to the hub over mutual TLS 1.3 with the enrolled CA pinned.
//
// Every method returns a *RefusalError when the hub says no and otherwise a
// *fault.Error with line_down, hub_slow, hub_rubbish, hub_refused or clock_wrong. When
// the caller's context ends, the error is that of the context.
type Client struct {
	base    string
	kiosk   string
	http    *http.Client
	tls     *tls.Config
	opts    ClientOptions
	observe func(error)
	clock   *hubClock
	now     func() time.Time // time.Now, but for tests that set the wall clock
	since   time.Time        // from when on the kiosk's certificate is good
	trust   ackTrust
}

// NewClient makes a client for one enrolment. It opens no connection yet.
func NewClient(e *wire.Enrolment, opts ClientOptions) (*Client, error) {
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("cannot use enrolment: %w", err)
	}
	cert, err := tls.X509KeyPair([]byte(e.ClientCert), []byte(e.ClientKey))
	if err != nil {
		return nil, fmt.Errorf("cannot use enrolment: %w", err)
	}
	mine, err := e.Certificate()
	if err != nil {
		return nil, fmt.Errorf("cannot use enrolment: %w", err)
	}
	trust, err := wire.NewAckVerifier(e.AckKeys...)
	if err != nil {
		return nil, fmt.Errorf("cannot use enrolment: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(e.HubCA))
	if opts.Interactive == 0 {
		opts.Interactive = 25 * time.Second
	}
	if opts.Background == 0 {
		opts.Background = 30 * time.Second
	}
	if opts.Connect == 0 {
		opts.Connect = 5 * time.Second
	}
	if opts.DialContext == nil {
		opts.DialContext = (&net.Dialer{}).DialContext
	}
	c := &Client{
		base:  strings.TrimSuffix(e.HubURL, "/"),
		kiosk: e.Kiosk,
		opts:  opts,
		clock: &hubClock{},
		now:   time.Now,
		since: mine.NotBefore,
	}
	c.tls = &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots, Certificates: []tls.Certificate{cert}, Time: c.tlsTime}
	c.http = &http.Client{
		Transport: newRoads(&http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer(opts),
			TLSClientConfig:     c.tls.Clone(),
			TLSHandshakeTimeout: 2 * opts.Connect,
			MaxIdleConnsPerHost: sendersAtOnce,
			IdleConnTimeout:     90 * time.Second,
		}),
		// A hub never redirects; a captive portal does.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.trust.keys.Store(trust)
	return c, nil
}

// dialer bounds dialling and marks its errors, whoever dials.
func dialer(opts ClientOptions) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, opts.Connect)
		defer cancel()
		conn, err := opts.DialContext(ctx, network, addr)
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
		return conn, nil
	}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Observe lets fn see the result of every interactive call, as evidence of how
// the line is. It is called once, before the client is used.
func (c *Client) Observe(fn func(error)) { c.observe = fn }

// Skew is how far the hub's clock is ahead of this machine's, as far as its
// answers tell; 0 while they don't.
func (c *Client) Skew() time.Duration { return c.clock.skew(c.now()) }

// Submit sends a sealed submission and verifies what the hub answers. Sending the
// same one again is harmless.
func (c *Client) Submit(ctx context.Context, s wire.Submission) (wire.Ack, error) {
	const op = "send submission"
	ctx, cancel := context.WithTimeout(ctx, c.opts.Background)
	defer cancel()
	signed, err := exchange[wire.SignedAck](ctx, c, op, http.MethodPut, wire.PathSubmissions+s.ID, s)
	if err != nil {
		return wire.Ack{}, err
	}
	defer clear(signed.Body) // may hold a MyKey ID
	ack, err := c.verifyAck(ctx, signed, s)
	if err != nil {
		return wire.Ack{}, hubFault(op, fault.HubRubbish, err, "the hub's acknowledgement key is not the enrolled one")
	}
	return ack, nil
}

// Report sends the sign of life.
func (c *Client) Report(ctx context.Context, r wire.Report) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Background)
	defer cancel()
	_, err := exchange[none](ctx, c, "send report", http.MethodPost, wire.PathReport, r)
	return err
}

// Audit sends a piece of the audit log. What the hub has against it is in the answer.
func (c *Client) Audit(ctx context.Context, b wire.AuditBatch) (wire.AuditAnswer, error) {
	const op = "send audit log"
	ctx, cancel := context.WithTimeout(ctx, c.opts.Background)
	defer cancel()
	a, err := exchange[wire.AuditAnswer](ctx, c, op, http.MethodPost, wire.PathAudit, b)
	if err == nil {
		if bad := a.Validate(); bad != nil {
			err = hubFault(op, fault.HubRubbish, bad, "")
		}
	}
	return a, err
}

// Kiosk is the ID under which the hub knows this kiosk.
func (c *Client) Kiosk() string { return c.kiosk }

// IssueStart opens an issuance; a one-time password goes out by SMS.
func (c *Client) IssueStart(ctx context.Context, r wire.IssueStart) (wire.IssueStarted, error) {
	named(&r.RequestID)
	return interact[wire.IssueStarted](ctx, c, "start issuance", wire.PathIssueStart, r)
}

// IssueResend asks for another one-time password.
func (c *Client) IssueResend(ctx context.Context, r wire.IssueResend) (wire.IssueStarted, error) {
	named(&r.RequestID)
	return interact[wire.IssueStarted](ctx, c, "resend code", wire.PathIssueResend, r)
}

// IssueVerify checks the one-time password.
func (c *Client) IssueVerify(ctx context.Context, r wire.IssueVerify) (wire.IssueVerified, error) {
	named(&r.RequestID)
	return interact[wire.IssueVerified](ctx, c, "check code", wire.PathIssueVerify, r)
}

// IssueComplete sets the password and issues.
func (c *Client) IssueComplete(ctx context.Context, r wire.IssueComplete) (wire.Issued, error) {
	named(&r.RequestID)
	return interact[wire.Issued](ctx, c, "issue id", wire.PathIssueComplete, r)
}

// Lookup logs in to the management page.
func (c *Client) Lookup(ctx context.Context, r wire.Lookup) (wire.Account, error) {
	named(&r.RequestID)
	return interact[wire.Account](ctx, c, "look up account", wire.PathLookup, r)
}

// Inquiry asks where the signer stands.
func (c *Client) Inquiry(ctx context.Context, r wire.InquiryRequest) (wire.Standing, error) {
	return interact[wire.Standing](ctx, c, "inquire", wire.PathInquiry, r)
}

func named(id *string) {
	if *id == "" {
		*id = wire.NewSubmissionID()
	}
}

// interact does a call that someone waits for. A connection that breaks under it
// leaves open whether the hub has acted, so the same request, with the same
// RequestID, is sent once more; nothing else is repeated.
func interact[A any](ctx context.Context, c *Client, op, path string, body any) (A, error) {
	limited, cancel := context.WithTimeout(ctx, c.opts.Interactive)
	defer cancel()
	a, err := exchange[A](limited, c, op, http.MethodPost, path, body)
	if err != nil && fault.CodeOf(err) == fault.LineDown && lost(err) && limited.Err() == nil {
		a, err = exchange[A](limited, c, op, http.MethodPost, path, body)
	}
	if c.observe != nil && ctx.Err() == nil {
		c.observe(err)
	}
	return a, err
}

// none is an answer without content.
type none struct{}

// exchange does one round trip. body nil sends none.
func exchange[A any](ctx context.Context, c *Client, op, method, path string, body any) (A, error) {
	var zero A
	var b []byte
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			return zero, fmt.Errorf("cannot %s: %w", op, err)
		}
	}
	defer clear(b) // may hold a password; Forget reaches the transport's copies
	if len(b) > wire.MaxBody {
		return zero, fmt.Errorf("cannot %s: the request is longer than %d bytes", op, wire.MaxBody)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(b))
	if err != nil {
		return zero, fmt.Errorf("cannot %s: %w", op, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, application/problem+json")
	sent := c.now()
	resp, err := c.http.Do(req)
	if err != nil {
		return zero, c.ended(ctx, op, err)
	}
	back := c.now()
	answer, err := readAnswer(io.LimitReader(resp.Body, wire.MaxBody+1))
	defer clear(answer) // may hold codes
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return zero, c.ended(ctx, op, err)
	}
	a, err := understand[A](op, resp, answer)
	if answered(err) {
		c.clock.note(resp.Header, sent, back)
	}
	c.judge(err, sent)
	return a, err
}

// readAnswer reads to the end, or as far as r goes. Unlike io.ReadAll it clears the
// buffers that the answer has outgrown: only what it gives is left, for the caller to clear.
func readAnswer(r io.Reader) ([]byte, error) {
	b := make([]byte, 0, 1<<10)
	for {
		if len(b) == cap(b) {
			grown := append(make([]byte, 0, 2*cap(b)), b...)
			clear(b)
			b = grown
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// ended tells the caller's own end from a failure of the line.
func (c *Client) ended(ctx context.Context, op string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("cannot %s: %w", op, context.Canceled)
	}
	if c.untimely(err) {
		return hubFault(op, fault.ClockWrong, err, "set the kiosk's clock; if that is right, look at the hub's certificate")
	}
	return transportFault(op, err)
}

// understand accepts an answer only in the words of the protocol: whatever a
// captive portal or a proxy says is not the hub's word.
func understand[A any](op string, resp *http.Response, b []byte) (A, error) {
	var zero A
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	strange := &statusError{Status: resp.StatusCode, Type: kind, RetryAfter: parseRetryAfter(resp.Header)}
	switch {
	case len(b) > wire.MaxBody:
		return zero, hubFault(op, fault.HubRubbish, fmt.Errorf("%w, longer than %d bytes", strange, wire.MaxBody), "")
	case resp.StatusCode == http.StatusNoContent:
		if _, ok := any(zero).(none); ok {
			return zero, nil
		}
	case resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated:
		if kind != "application/json" {
			break
		}
		if _, ok := any(zero).(none); ok {
			return zero, nil
		}
		a, err := wire.Decode[A](b)
		if err != nil {
			return zero, hubFault(op, fault.HubRubbish, err, "")
		}
		return a, nil
	case kind == "application/problem+json" && resp.StatusCode >= 400:
		p, err := wire.Decode[wire.Problem](b)
		if err != nil || p.Status != resp.StatusCode {
			return zero, hubFault(op, fault.HubRubbish, errors.Join(strange, err), "")
		}
		if !slices.Contains(fault.All(), p.Code) {
			p.Code = fault.HubRefused // a newer hub's word that no screen here has a text for
		}
		wait := max(strange.RetryAfter, min(time.Duration(max(0, p.RetryAfterSec))*time.Second, maxRetryAfter))
		return zero, &RefusalError{Op: op, Problem: p, RetryAfter: wait}
	case resp.StatusCode >= 502 && resp.StatusCode <= 504:
		return zero, hubFault(op, fault.LineDown, strange, "a proxy answers, the hub behind it does not")
	}
	return zero, hubFault(op, fault.HubRubbish, strange, "something else answers in the hub's place")
}
