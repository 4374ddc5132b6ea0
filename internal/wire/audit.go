package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// PathAudit takes the entries of a kiosk's audit log: POST AuditBatch → AuditAnswer.
const PathAudit = "/v1/audit"

// MaxAudit is the most entries of one batch. As long as they may be, they fit
// into MaxBody.
const MaxAudit = 200

// Limits of an entry's texts, in bytes.
const (
	maxAuditEvent  = 24
	maxAuditDetail = 64
)

// ErrAudit says that entries are not a piece of one log: something was changed,
// left out or put in.
var ErrAudit = errors.New("the audit log does not hold together")

// AuditEntry is one thing that happened, bound to all that happened before it.
// Nothing in it is personal: its texts have forms in which no name, number of a
// phone or card, or password can stand.
type AuditEntry struct {
	N       int64  `json:"n"`       // 1 and on
	At      int64  `json:"at"`      // Unix seconds by the writer's clock: for people
	Event   string `json:"event"`   // a word
	Subject string `json:"subject"` // an ID, a visit, or ""
	Detail  string `json:"detail"`  // a word, a small count, a hash, an ID, or ""
	Hash    []byte `json:"hash"`    // Sum
}

// Sum is the hash of an entry that follows one with the hash prev.
func (e AuditEntry) Sum(prev []byte) []byte {
	b := append([]byte("kioskd audit v1\x00"), prev...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.N))
	b = binary.BigEndian.AppendUint64(b, uint64(e.At))
	for _, s := range []string{e.Event, e.Subject, e.Detail} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// Validate refuses what no audit log says. It does not look at the hash.
func (e AuditEntry) Validate() error {
	switch {
	case e.N < 1:
		return fmt.Errorf("%w: an entry without a number", ErrMalformed)
	case !AuditWord(e.Event) || len(e.Event) > maxAuditEvent:
		return fmt.Errorf("%w: entry %d: the event is not a word", ErrMalformed, e.N)
	case !validAuditSubject(e.Subject):
		return fmt.Errorf("%w: entry %d: the subject is not an ID", ErrMalformed, e.N)
	case !validAuditDetail(e.Detail):
		return fmt.Errorf("%w: entry %d: the detail is not a word, count or hash", ErrMalformed, e.N)
	case len(e.Hash) != sha256.Size:
		return fmt.Errorf("%w: entry %d: the hash is not one", ErrMalformed, e.N)
	}
	return nil
}

// AuditStart is what the first entry of all follows.
func AuditStart() []byte { return make([]byte, sha256.Size) }

// CheckAudit says whether entries follow each other and the entry n with the hash
// prev. The error is ErrAudit and names the first that does not.
func CheckAudit(n int64, prev []byte, entries []AuditEntry) error {
	for _, e := range entries {
		n++
		if e.N != n {
			return fmt.Errorf("%w: entry %d stands where %d should", ErrAudit, e.N, n)
		}
		if !bytes.Equal(e.Hash, e.Sum(prev)) {
			return fmt.Errorf("%w: entry %d or one before it was changed", ErrAudit, n)
		}
		prev = e.Hash
	}
	return nil
}

// AuditBatch is a piece of one log. A log belongs to one file of a kiosk; a file
// that took another one's place goes on with a log of its own.
type AuditBatch struct {
	Log   string `json:"log"`             // its ID, in the form of a submission's
	Prior string `json:"prior,omitempty"` // the log that it goes on from, where one is known
	Prev  []byte `json:"prev"`            // hash of the entry before the first one here
	Head  int64  `json:"head"`            // the newest entry that there is
	// Entries follow each other. There is one at least.
	Entries []AuditEntry `json:"entries"`
}

// DecodeAuditBatch reads a batch strictly. It does not recompute hashes: a batch
// whose hashes are wrong is evidence, and is looked at as such.
func DecodeAuditBatch(b []byte) (AuditBatch, error) {
	v, err := Decode[AuditBatch](b)
	if err != nil {
		return AuditBatch{}, err
	}
	if err := v.Validate(); err != nil {
		return AuditBatch{}, err
	}
	return v, nil
}

// Validate says whether the batch is one in form.
func (b AuditBatch) Validate() error {
	switch {
	case !ValidID(b.Log):
		return fmt.Errorf("%w: log is not an ID", ErrMalformed)
	case b.Prior != "" && !ValidID(b.Prior) || b.Prior == b.Log:
		return fmt.Errorf("%w: prior is not another log's ID", ErrMalformed)
	case len(b.Prev) != sha256.Size:
		return fmt.Errorf("%w: prev is not a hash", ErrMalformed)
	case len(b.Entries) == 0 || len(b.Entries) > MaxAudit:
		return fmt.Errorf("%w: a batch has 1 to %d entries", ErrMalformed, MaxAudit)
	case b.Head < b.Entries[len(b.Entries)-1].N:
		return fmt.Errorf("%w: head is before the last entry", ErrMalformed)
	}
	for i, e := range b.Entries {
		if err := e.Validate(); err != nil {
			return err
		}
		if e.N != b.Entries[0].N+int64(i) {
			return fmt.Errorf("%w: the entries do not follow each other", ErrMalformed)
		}
	}
	return nil
}

// AuditVerdict is what the hub has to say about a batch.
type AuditVerdict string

// The verdicts. After any but the first nothing of the batch from there on was
// stored, and an alarm was raised.
const (
	AuditTaken  AuditVerdict = "taken"
	AuditGap    AuditVerdict = "gap"    // entries are missing before the first one
	AuditFork   AuditVerdict = "fork"   // the hub has another entry under one of the numbers
	AuditBroken AuditVerdict = "broken" // a hash is not that of its entry
)

// AuditAnswer says how far the hub has the log, for the kiosk to go on from.
type AuditAnswer struct {
	Verdict AuditVerdict `json:"verdict"`
	N       int64        `json:"n"`    // 0: nothing
	Hash    []byte       `json:"hash"` // of entry N
}

// Validate says whether the answer is one in form.
func (a AuditAnswer) Validate() error {
	switch a.Verdict {
	case AuditTaken, AuditGap, AuditFork, AuditBroken:
	default:
		return fmt.Errorf("%w: there is no such verdict", ErrMalformed)
	}
	if a.N < 0 || len(a.Hash) != sha256.Size {
		return fmt.Errorf("%w: no place in a log", ErrMalformed)
	}
	return nil
}

// AuditMark is how far a kiosk's log has come, as its sign of life says.
type AuditMark struct {
	Log  string `json:"log"`
	N    int64  `json:"n"`    // its newest entry
	Sent int64  `json:"sent"` // what the hub has confirmed of it
}

// AuditWord reports whether s is a word as audit logs have them: it begins with a
// letter, and none is a capital.
func AuditWord(s string) bool {
	return s != "" && s[0] >= 'a' && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func validAuditSubject(s string) bool { return s == "" || ValidID(s) || AuditVisit(s) }

// AuditVisit reports whether s is a visit: the ID of a start of the daemon, and a short
// name within it.
func AuditVisit(s string) bool {
	id, visit, ok := strings.Cut(s, "/")
	return ok && ValidID(id) && validAuditVisit(visit)
}

func validAuditVisit(s string) bool {
	name, n, numbered := strings.Cut(s, "-")
	return name != "" && len(name) <= 6 && strings.Trim(name, crockford) == "" && (!numbered || AuditCount(n))
}

const (
	digits = "0123456789"
	hexes  = "0123456789abcdef"
)

// validAuditDetail keeps personal data out by form: texts that begin with a letter
// and have no space or capital, counts of at most six digits, hashes, IDs.
func validAuditDetail(s string) bool {
	switch {
	case s == "", AuditCount(s), AuditDigest(s), ValidID(s):
		return true
	}
	return len(s) <= maxAuditDetail && s[0] >= 'a' && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_.+-") == ""
}

// AuditCount reports whether s is a count as audit logs have them.
func AuditCount(s string) bool { return s != "" && len(s) <= 6 && strings.Trim(s, digits) == "" }

// AuditDigest reports whether s is a SHA-256 in hexadecimal.
func AuditDigest(s string) bool { return len(s) == 2*sha256.Size && strings.Trim(s, hexes) == "" }

// AuditKiosk reports whether s is a kiosk's ID that is made of its key. Names that
// people gave do not stand in audit logs.
func AuditKiosk(s string) bool {
	id, ok := strings.CutPrefix(s, "k-")
	return ok && len(id) == kioskIDChars && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// AuditVersion makes of a program's version a detail of an audit log.
func AuditVersion(s string) string {
	s = strings.ToLower(s)
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		s = "v" + s // a commit without a tag
	}
	s = s[:min(len(s), 40)]
	if s != "dev" && s[0] != 'v' || !validAuditDetail(s) {
		return "v-unknown"
	}
	return s
}
