package wire

import (
	"encoding/hex"
	"time"

	"kioskd/internal/fault"
)

// Paths of the hub's API. See docs/PROTOCOL.md and internal/hub/openapi.yaml.
const (
	PathSubmissions   = "/v1/submissions/" // PUT {id}: Submission → SignedAck
	PathIssueStart    = "/v1/issue/start"
	PathIssueResend   = "/v1/issue/resend"
	PathIssueVerify   = "/v1/issue/verify"
	PathIssueComplete = "/v1/issue/complete"
	PathLookup        = "/v1/lookup"
	PathInquiry       = "/v1/inquiry"
	PathReport        = "/v1/report"
)

// MaxBody is the largest request or answer in bytes that either side reads.
const MaxBody = 64 << 10

// Every interactive request carries a RequestID: the same one again gives the
// same answer again, so a lost answer can be asked for.

// IssueStart opens an issuance and sends the one-time password by SMS.
type IssueStart struct {
	RequestID  string  `json:"request_id"`
	Service    string  `json:"service"`     // catalogue ID of a service that issues
	CardNumber string  `json:"card_number"` // 16 digits
	NameKana   string  `json:"name_kana"`   // full-width katakana, one space between family and given name
	Birth      Private `json:"birth"`       // YYYY-MM-DD
	Phone      Private `json:"phone"`       // 11 digits
}

// IssueStarted says that a message is on its way.
type IssueStarted struct {
	Session      string `json:"session"`
	ExpiresInSec int    `json:"expires_in_sec"` // life of the code
	ResendInSec  int    `json:"resend_in_sec"`  // wait before another message
	ResendsLeft  int    `json:"resends_left"`
	TriesLeft    int    `json:"tries_left"`
}

// IssueResend asks for another message; the answer is an IssueStarted.
type IssueResend struct {
	RequestID string `json:"request_id"`
	Session   string `json:"session"`
}

// IssueVerify carries the one-time password.
type IssueVerify struct {
	RequestID string  `json:"request_id"`
	Session   string  `json:"session"`
	Code      Private `json:"code"`
}

// IssueVerified is the answer to a right code; a wrong one is a Problem with TriesLeft.
type IssueVerified struct {
	Session string `json:"session"`
}

// IssueComplete sets the password and issues. When the answer is lost a shopper may
// choose another password, and the first request still be on its way: Try counts up
// within a session, and of two requests the one with the higher number counts, in
// whatever order they come. 0 is from a kiosk that does not count.
type IssueComplete struct {
	RequestID string  `json:"request_id"`
	Session   string  `json:"session"`
	Password  Private `json:"password"`
	Try       uint32  `json:"try,omitempty"`
}

// Issued is the ID and code(s).
type Issued struct {
	IssueRef  string    `json:"issue_ref"`
	Service   string    `json:"service"`
	ServiceID string    `json:"service_id"`
	Codes     []Private `json:"codes"`
	IssuedAt  time.Time `json:"issued_at"`
}

// Lookup logs in to the management page.
type Lookup struct {
	RequestID string  `json:"request_id"`
	Phone     Private `json:"phone"`
	Password  Private `json:"password"`
}

// AppStatus is where an application stands.
type AppStatus string

// The statuses, in their order.
const (
	StatusIssued    AppStatus = "issued"    // ID and code issued, not applied yet
	StatusApplied   AppStatus = "applied"   // application taken, registration takes about a day
	StatusCompleted AppStatus = "completed" // registration complete: ID and code are no longer shown
)

// Account is what the management page shows.
type Account struct {
	Service    string    `json:"service"`
	Status     AppStatus `json:"status"`
	ServiceID  string    `json:"service_id,omitempty"` // until completed
	Codes      []Private `json:"codes,omitempty"`      // until completed
	AppliedAt  time.Time `json:"applied_at,omitzero"`
	CompleteBy time.Time `json:"complete_by,omitzero"`
	Points     []Grant   `json:"points"`
	PointsSum  int       `json:"points_sum"`
}

// Grant is one granting of points.
type Grant struct {
	At     time.Time `json:"at"`
	Points int       `json:"points"`
	For    string    `json:"for"` // "topup" or "purchase"
}

// InquiryRequest carries a signed inquiry document. Its RequestID is the document's
// own, see [NewInquiryRequest]: who sends the document again, or has got hold of it,
// gets the answer that was given, and nothing newer.
type InquiryRequest struct {
	RequestID string `json:"request_id"`
	Signed    Signed `json:"signed"`
}

// NewInquiryRequest names the request by the first half of the document's SHA-256, in
// hexadecimal.
func NewInquiryRequest(s Signed) InquiryRequest {
	sum := Digest(s.Document)
	return InquiryRequest{RequestID: hex.EncodeToString(sum[:len(sum)/2]), Signed: s}
}

// Standing is where the person stands.
type Standing struct {
	Reserved bool    `json:"reserved"`
	MyKeyID  Private `json:"mykey_id,omitempty"`
	Applied  bool    `json:"applied"`
	Service  string  `json:"service,omitempty"` // the one applied for
}

// Report is a kiosk's sign of life.
type Report struct {
	Version string            `json:"version"`
	Screen  string            `json:"screen"` // step name only
	Devices map[string]string `json:"devices"`
	Queued  int               `json:"queued"`
	Faults  []fault.Code      `json:"faults"`
	Audit   *AuditMark        `json:"audit,omitempty"` // how far its audit log has come
}

// Problem is every refusal, as application/problem+json.
type Problem struct {
	Type          string     `json:"type"` // "about:blank"
	Title         string     `json:"title"`
	Status        int        `json:"status"`
	Code          fault.Code `json:"code"`
	Detail        string     `json:"detail,omitempty"` // for engineers
	Field         string     `json:"field,omitempty"`  // which member of the request
	TriesLeft     int        `json:"tries_left,omitempty"`
	RetryAfterSec int        `json:"retry_after_sec,omitempty"`
}
