package sync

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"kioskd/internal/fault"
	"kioskd/internal/sqlitedb/wreck"
	"kioskd/internal/wire"
)

// salvage is what could be read of a damaged outbox and makes sense.
//
// What a row claims is believed as far as it can be proven: a submission by its
// content hash and by its number, which follows from its ID; an audit row by the hash
// of the row before it. Slips and visits prove nothing but are of little weight:
// their words must be of the closed sets.
type salvage struct {
	submissions map[string]savedSubmission
	slips       map[string]savedSlip
	visits      map[string]savedVisit
	audit       map[int64][]savedAudit // there may be spoilt ones beside the true one
	logs        []savedLog             // what the file knew of its log, the newest last
}

type savedSubmission struct {
	n, seq, schema, attempts, created             int64
	id, visit, kind, number, kiosk, keyID, reason string
	sealed, hash                                  []byte
	quarantined                                   bool
}

type savedSlip struct {
	row, seq, reprints                           int64
	submission, visit, kind, number, slip, state string
	payload                                      []byte
}

type savedVisit struct {
	row      int64
	id, lang string
	ended    bool
}

type savedAudit struct {
	n, at                  int64
	event, subject, detail string
	hash                   []byte
}

// savedLog proves nothing, and does no harm: what it says wrongly of the hub is
// corrected by the hub's next answer.
type savedLog struct {
	id, prior, kiosk         string
	first, confirmed, anchor int64
	anchorHash               []byte
}

// salvageFrom reads the file at path. Later versions of a row replace earlier ones.
func salvageFrom(path string) (*salvage, error) {
	w, err := wreck.Open(path)
	if err != nil {
		return nil, err
	}
	s := &salvage{
		submissions: map[string]savedSubmission{}, slips: map[string]savedSlip{},
		visits: map[string]savedVisit{}, audit: map[int64][]savedAudit{},
	}
	for row := range w.Rows() {
		s.take(row)
	}
	acknowledged := s.acknowledged()
	maps.DeleteFunc(s.submissions, func(id string, _ savedSubmission) bool { return acknowledged[id] })
	return s, w.Close()
}

// take tells a row's table by its shape.
func (s *salvage) take(row wreck.Row) {
	switch len(row.Values) {
	case 15:
		if x, ok := submissionOf(row); ok {
			s.submissions[x.id] = x
		}
	case 8, 9:
		if x, ok := slipOf(row); ok {
			s.slips[x.submission] = x
		}
	case 3, 4:
		if x, ok := visitOf(row); ok {
			s.visits[x.id] = x
		}
	case 6:
		if x, ok := auditOf(row); ok {
			s.audit[x.n] = append(s.audit[x.n], x)
		}
	case 7:
		if x, ok := logOf(row); ok {
			s.logs = append(s.logs, x)
		}
	}
}

// reader takes values out of a row and remembers whether all were of their types.
type reader struct {
	values []any
	bad    bool
}

func value[T any](r *reader, i int) T {
	v, ok := r.values[i].(T)
	r.bad = r.bad || !ok
	return v
}

func (r *reader) text(i int) string {
	s := value[string](r, i)
	r.bad = r.bad || !utf8.ValidString(s) || len(s) > 200
	return s
}

func (r *reader) number(i int) int64 {
	n := value[int64](r, i)
	r.bad = r.bad || n < 0
	return n
}

func submissionOf(row wreck.Row) (savedSubmission, bool) {
	r := &reader{values: row.Values}
	x := savedSubmission{
		n: row.ID, id: r.text(1), visit: r.text(2), seq: r.number(3), kind: r.text(4), number: r.text(5), kiosk: r.text(6),
		schema: r.number(7), keyID: r.text(8), sealed: value[[]byte](r, 9), hash: value[[]byte](r, 10),
		reason: r.text(12), attempts: r.number(13), created: value[int64](r, 14),
	}
	state := r.text(11)
	x.quarantined = state == "quarantined"
	ok := !r.bad && row.Values[0] == nil && numbered(x.id, x.number) && knownKind(x.kind) && x.visit != "" &&
		(x.quarantined || state == "queued") && bytes.Equal(x.hash, wire.Submission{Sealed: x.sealed}.Hash())
	return x, ok
}

func slipOf(row wreck.Row) (savedSlip, bool) {
	r := &reader{values: row.Values}
	x := savedSlip{
		row: row.ID, submission: r.text(0), visit: r.text(1), seq: r.number(2), kind: r.text(3), number: r.text(4),
		slip: r.text(5), state: r.text(6), reprints: r.number(7), payload: []byte{},
	}
	if len(row.Values) > 8 {
		x.payload = value[[]byte](r, 8)
	}
	states := []SlipState{slipNone, SlipQueued, SlipSending, SlipPrinted, SlipUnconfirmed, SlipFailed, SlipUnknown, SlipExpired}
	return x, !r.bad && numbered(x.submission, x.number) && knownKind(x.kind) && x.visit != "" &&
		slices.Contains(states, SlipState(x.state)) && (len(x.payload) == 0 || len(x.payload) == 32)
}

func visitOf(row wreck.Row) (savedVisit, bool) {
	r := &reader{values: row.Values}
	id, run, ended := r.text(0), r.text(1), r.number(2)
	x := savedVisit{row: row.ID, id: id, ended: ended == 1}
	if len(row.Values) > 3 {
		x.lang = r.text(3)
	}
	return x, !r.bad && wire.ValidID(run) && strings.HasPrefix(id, run+"/") && ended <= 1
}

func auditOf(row wreck.Row) (savedAudit, bool) {
	r := &reader{values: row.Values}
	x := savedAudit{n: row.ID, at: value[int64](r, 1), event: r.text(2), subject: r.text(3), detail: r.text(4), hash: value[[]byte](r, 5)}
	return x, !r.bad && row.Values[0] == nil && x.n > 0
}

func logOf(row wreck.Row) (savedLog, bool) {
	r := &reader{values: row.Values}
	x := savedLog{
		id: r.text(0), prior: r.text(1), kiosk: r.text(2), first: r.number(3), confirmed: r.number(4),
		anchor: r.number(5), anchorHash: value[[]byte](r, 6),
	}
	return x, !r.bad && (x.id == "" || wire.ValidID(x.id)) && (x.prior == "" || wire.ValidID(x.prior)) && x.first > 0 && len(x.anchorHash) == 32
}

func numbered(id, number string) bool { return wire.ValidID(id) && number == wire.NumberOf(id) }

func knownKind(kind string) bool {
	return slices.Contains([]wire.Kind{wire.KindIssuance, wire.KindReservation, wire.KindApplication}, wire.Kind(kind))
}

// follows reports whether x is the row after one with the hash prev.
func (x savedAudit) follows(prev []byte) bool {
	e := wire.AuditEntry{N: x.n, At: x.at, Event: x.event, Subject: x.subject, Detail: x.detail}
	return bytes.Equal(x.hash, e.Sum(prev))
}

// savedChain is the audit log from its oldest row on as far as it holds.
type savedChain struct {
	from savedLog // of which anchor and hash count: what the oldest row follows
	rows []savedAudit
}

func (c savedChain) newest() int64 { return c.from.anchor + int64(len(c.rows)) }

// chain gives the one that comes furthest. Where the oldest rows were forgotten, the
// file knew what the next one follows; there may be stale copies of that.
func (s *salvage) chain() (best savedChain) {
	best = s.chainFrom(savedLog{anchorHash: wire.AuditStart()})
	for _, l := range s.logs {
		if c := s.chainFrom(l); c.newest() > best.newest() {
			best = c
		}
	}
	return best
}

func (s *salvage) chainFrom(l savedLog) savedChain {
	c, prev := savedChain{from: l}, l.anchorHash
	for {
		next := s.audit[c.newest()+1]
		i := slices.IndexFunc(next, func(x savedAudit) bool { return x.follows(prev) })
		if i < 0 {
			return c
		}
		c.rows, prev = append(c.rows, next[i]), next[i].hash
	}
}

// proven gives the subjects of an event whose rows fit to the rows before them, also
// behind a gap.
func (s *salvage) proven(event AuditEvent) map[string]bool {
	before := map[int64][][]byte{0: {wire.AuditStart()}}
	for _, l := range s.logs {
		before[l.anchor] = append(before[l.anchor], l.anchorHash)
	}
	for n, rows := range s.audit {
		for _, x := range rows {
			before[n] = append(before[n], x.hash)
		}
	}
	subjects := map[string]bool{}
	for n, rows := range s.audit {
		for _, x := range rows {
			if x.event == string(event) && slices.ContainsFunc(before[n-1], x.follows) {
				subjects[x.subject] = true
			}
		}
	}
	return subjects
}

// acknowledged are the submissions that the hub is proven to have. One of which that
// is not readable any more is sent again, which does no harm.
func (s *salvage) acknowledged() map[string]bool { return s.proven(auditAcknowledged) }

// missing are the numbers of submissions that were committed and are neither here nor
// known to be at the hub.
func (s *salvage) missing() []string {
	ids := s.proven(auditCommitted)
	for id := range s.slips {
		ids[id] = true
	}
	acknowledged := s.acknowledged()
	numbers := []string{} // an empty list, where it is told
	for id := range ids {
		if _, here := s.submissions[id]; !here && !acknowledged[id] && wire.ValidID(id) {
			numbers = append(numbers, wire.NumberOf(id))
		}
	}
	slices.Sort(numbers)
	return numbers
}

// complete gives every submission what the schema asks for beside it: a visit, a slip
// row, a place in the order that no other has.
func (s *salvage) complete() {
	type place struct {
		visit string
		seq   int64
	}
	taken, rows := map[place]bool{}, map[int64]bool{}
	var last int64
	for _, x := range s.inOrder() {
		if rows[x.n] || x.n <= 0 {
			x.n = last + 1
		}
		last = max(last, x.n)
		for taken[place{x.visit, x.seq}] {
			x.seq++
		}
		rows[x.n], taken[place{x.visit, x.seq}] = true, true
		if x.quarantined && x.reason == "" {
			x.reason = string(fault.StorageDamaged)
		}
		s.submissions[x.id] = x
		if _, ok := s.slips[x.id]; !ok {
			s.slips[x.id] = savedSlip{row: last, submission: x.id, visit: x.visit, seq: x.seq, kind: x.kind,
				number: x.number, slip: x.kind, state: string(SlipUnknown), payload: []byte{}}
		}
		s.wanted(x.visit)
	}
	for _, x := range s.slips {
		s.wanted(x.visit)
	}
}

// wanted makes a visit of which nothing else is known. Its shopper is long gone.
func (s *salvage) wanted(visit string) {
	if _, ok := s.visits[visit]; !ok {
		s.visits[visit] = savedVisit{id: visit, ended: true}
	}
}

func (s *salvage) inOrder() []savedSubmission {
	return slices.SortedFunc(maps.Values(s.submissions), func(a, b savedSubmission) int {
		return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.id, b.id))
	})
}
