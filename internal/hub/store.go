package hub

import (
	"context"
	"errors"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// Errors of a [Store].
var (
	// ErrNotFound says that there is no such row.
	ErrNotFound = errors.New("cannot find it")
	// ErrOtherContent says that the id is taken by another content.
	ErrOtherContent = errors.New("cannot store: same id, other content")
)

// Store is the hub's transactional database: SQLite for one hub, PostgreSQL for
// several that share it. The methods are cut so that each is one transaction in
// any SQL database; storetest holds every implementation to what is said here.
// Times are kept to the millisecond.
//
// What is personal reaches a database sealed: [Seal] puts a vault before a store,
// and the store itself sees [Stored.Private], [Quarantine.Private] and
// [Alarm.Private] instead of what they hide, and [Issuance.Private]. It refuses rows without them. Alarms about
// audit logs alone are in clear: they hold nothing personal.
type Store interface {
	IdentityStore
	LinkStore
	AuditStore
	IssuanceStore

	// Submission gives a stored submission, or ErrNotFound.
	Submission(ctx context.Context, id string) (Stored, error)
	// Known says whether a submission is stored under id, and which other one carried
	// this document, or "". Both are looked up at once: it is asked for every document.
	Known(ctx context.Context, id string, documentHash []byte) (stored bool, carrier string, err error)
	// Put stores a submission with its signed acknowledgement, its quarantine
	// row and alarm where there are any, in one transaction. When the id is
	// there already with the same hash it changes nothing and gives the stored
	// row; with another hash it gives ErrOtherContent. A document that another
	// submission carried gives ErrDocumentUsed. The first accepted record of an
	// issuance is noted with the issuance, when the same kiosk has both.
	Put(ctx context.Context, s Stored, q *Quarantine, a *Alarm) (Stored, error)
	// Quarantine keeps a conflicting submission and raises its alarm.
	Quarantine(ctx context.Context, q Quarantine, a Alarm) error
	// Raise raises an alarm. The same kind for the same kiosk and subject counts
	// up instead of filling the table.
	Raise(ctx context.Context, a Alarm) error
	// Alarms lists alarms, newest first.
	Alarms(ctx context.Context, limit int) ([]Alarm, error)
	// AlarmsOf lists the alarms of one kiosk, newest first.
	AlarmsOf(ctx context.Context, kiosk string, limit int) ([]Alarm, error)

	// Answer gives a stored answer of an interactive call, or ErrNotFound.
	Answer(ctx context.Context, key AnswerKey, now time.Time) (Answer, error)
	// PutAnswer stores one, unless there is one that has not expired, and forgets
	// some that have. An issuance that it hands out is noted in the same transaction,
	// unless it is there.
	PutAnswer(ctx context.Context, key AnswerKey, a Answer, now time.Time) error

	// EnsureKiosk enrols a kiosk, or does nothing.
	EnsureKiosk(ctx context.Context, id string, now time.Time) error
	// Kiosk gives one kiosk, or ErrNotFound.
	Kiosk(ctx context.Context, id string) (Kiosk, error)
	// Kiosks lists all kiosks by name.
	Kiosks(ctx context.Context) ([]Kiosk, error)
	// Report stores a kiosk's sign of life.
	Report(ctx context.Context, id string, r wire.Report, at time.Time) error

	// Submissions lists a page, newest first, with the number of all that match.
	Submissions(ctx context.Context, f Filter) ([]Stored, int, error)
	// Counts counts submissions by kind.
	Counts(ctx context.Context) ([]Count, error)
	// Check says whether the store can be used.
	Check(ctx context.Context) error

	Upkeep
}

// CallLocker is a [Store] that several hubs share, and through which they keep
// off each other's interactive calls. A store without it serves one hub.
type CallLocker interface {
	// LockCall waits until no other hub is making this call. A hub that ended
	// without unlocking is forgotten after a while.
	LockCall(ctx context.Context, key AnswerKey) (unlock func(), err error)
}

// ErrDocumentUsed says that the signed document was submitted before under
// another id.
var ErrDocumentUsed = errors.New("cannot store: document was submitted before")

// Stored is a submission in the store. Its content stays sealed: Summary holds
// only what an operator needs, masked. When it has been kept for long enough,
// Sealed is cleared; everything else stays, so that the ID counts once for ever.
type Stored struct {
	ID           string
	Kiosk        string
	Schema       int
	KeyID        string
	Sealed       []byte
	Hash         []byte // SHA-256 of Sealed
	Kind         wire.Kind
	DocumentHash []byte // SHA-256 of the signed document; nil without one
	SignedAt     time.Time
	StoredAt     time.Time
	Verdict      wire.Verdict
	Checks       []Check
	Summary      Summary
	Ack          []byte // JSON of wire.SignedAck, as it was answered
	Private      []byte // Verdict, Checks, Summary and Ack as the database has them: sealed
	IssueTag     string // Tag of the issuance that this is the record of, for Put; never read back
}

// Summary is what the console shows of a submission.
type Summary struct {
	Service   string `json:"service,omitempty"`
	ServiceID string `json:"service_id,omitempty"` // masked
	IssueRef  string `json:"issue_ref,omitempty"`
	Person    string `json:"person,omitempty"` // first characters of the keyed hash
	Guardian  bool   `json:"guardian,omitempty"`
}

// Check is one step of verification, in order. The first that failed is the last.
type Check struct {
	Name   CheckName `json:"name"`
	OK     bool      `json:"ok"`
	Detail string    `json:"detail,omitempty"` // for engineers; nothing personal
}

// CheckName names a verification step.
type CheckName string

// The steps, in their order.
const (
	CheckSeal      CheckName = "seal"      // opened with the hub's key, for this kiosk, id and schema
	CheckPayload   CheckName = "payload"   // parses, and one content of the named kind
	CheckCanonical CheckName = "canonical" // the document is in its one canonical encoding
	CheckKiosk     CheckName = "kiosk"     // the document names this kiosk
	CheckTime      CheckName = "time"      // signed neither too long ago nor in the future
	CheckChain     CheckName = "chain"     // issued under a pinned root
	CheckValidity  CheckName = "validity"  // within the certificate's life when it was signed
	CheckUsage     CheckName = "usage"     // the key may make signatures
	CheckSignature CheckName = "signature" // over the document's SHA-256
	CheckReplay    CheckName = "replay"    // the document was not submitted before
	CheckVerdict   CheckName = "verdict"   // what the platform says
)

// Filter chooses a page of submissions.
type Filter struct {
	Kiosk    string
	Kind     wire.Kind
	Accepted *bool
	Offset   int
	Limit    int
}

// Count is a number of submissions.
type Count struct {
	Kind     wire.Kind
	Accepted int
	Refused  int
}

// Quarantine is what must not be lost and must not be processed.
type Quarantine struct {
	Submission string
	Kiosk      string
	Hash       []byte
	Sealed     []byte
	Reason     string
	At         time.Time
	Private    []byte // Reason as the database has it: sealed
}

// AlarmKind names what is alarming.
type AlarmKind string

// The alarms.
const (
	AlarmConflict   AlarmKind = "submission_conflict"   // same id, other content
	AlarmUnreadable AlarmKind = "submission_unreadable" // cannot be unsealed or parsed
	AlarmForged     AlarmKind = "document_forged"       // canonical form, chain or signature
	AlarmReplayed   AlarmKind = "document_replayed"     // one document under two ids
	AlarmForeign    AlarmKind = "kiosk_foreign"         // names another kiosk than its certificate
	AlarmGarbage    AlarmKind = "kiosk_garbage"         // requests that do not parse
	AlarmKey        AlarmKind = "seal_key_unknown"      // sealed to a key that the hub does not hold
	AlarmClock      AlarmKind = "kiosk_clock"           // documents signed at a time that cannot be
	AlarmCloned     AlarmKind = "kiosk_cloned"          // two machines with one identity are connected
	AlarmEnrol      AlarmKind = "enrol_refused"         // somebody tries pairing codes that are not good
	AlarmMessages   AlarmKind = "kiosk_messages"        // asks for more messages to phones than a kiosk may
	AlarmWorthless  AlarmKind = "kiosk_worthless"       // more submissions that are not genuine than are kept
	AlarmHoard      AlarmKind = "kiosk_hoard"           // has more stored than a kiosk may
	AlarmHubClock   AlarmKind = "hub_clock"             // a hub's clock seems to have jumped
	AlarmUnknown    AlarmKind = "kiosk_unknown"         // has this hub's certificate, and no row
)

// Alarm is something that an operator must look at.
type Alarm struct {
	Kind    AlarmKind
	Kiosk   string
	Subject string // what it is about beside the kiosk, or ""
	Text    string
	First   time.Time
	Last    time.Time
	Times   int
	Private []byte // Text as the database has it: sealed; nil about audit logs, see [AuditTx]
}

// AnswerKey names an interactive call. Scope is its path.
type AnswerKey struct {
	Kiosk, Scope, RequestID string
}

// Answer is what was answered. Sealed, because answers hold IDs and codes.
type Answer struct {
	RequestTag string // keyed hash of the request's body
	Status     int
	Sealed     []byte
	Expires    time.Time
	Issued     *Issuance // what it hands out, for PutAnswer; never read back
}

// Kiosk is one enrolled kiosk.
type Kiosk struct {
	ID         string
	Name       string // as operators call it; "" for the demo's
	KeyHash    []byte // SHA-256 of its public key; nil for the demo's
	EnrolledAt time.Time
	CertUntil  time.Time // end of its newest certificate; zero: not known
	RevokedAt  time.Time // zero: it is not
	RevokedFor string
	ReportedAt time.Time // zero: never
	Report     wire.Report
}

// Revoked says whether the kiosk is refused.
func (k Kiosk) Revoked() bool { return !k.RevokedAt.IsZero() }

// Faulty gives the faults of the last report.
func (k Kiosk) Faulty() []fault.Code { return k.Report.Faults }
