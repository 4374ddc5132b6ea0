package hub

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"kioskd/internal/wire"
)

const (
	// auditPage is how much is read at once.
	auditPage = 1000
	// raceLimit is longer than a batch is on its way: a submission that was stored so
	// shortly before the hub had all of a log need not be in it.
	raceLimit = time.Minute
	// lateLimit is how long a kiosk may be without sending its log, although it sends
	// submissions.
	lateLimit = 24 * time.Hour
)

// AuditHead is how far a log had come when somebody noted it elsewhere.
type AuditHead struct {
	Kiosk string `json:"kiosk"`
	Log   string `json:"log"`
	N     int64  `json:"n"`
	Hash  string `json:"hash"`
}

// AuditFinding is what was found of one log, or of a kiosk's submissions.
type AuditFinding struct {
	Kiosk    string    `json:"kiosk"`
	Log      string    `json:"log,omitempty"`
	Prior    string    `json:"prior,omitempty"`
	Entries  int64     `json:"entries"`
	From     int64     `json:"from"`
	To       int64     `json:"to"`
	Head     string    `json:"head,omitempty"`
	Last     time.Time `json:"last,omitzero"`
	Evidence int       `json:"evidence"` // batches that were not taken, and not explained since
	Problems []string  `json:"problems"`
}

// VerifyAudit walks all logs of one kiosk, or with "" all there are, recomputes every
// hash, and compares: each log with its head and with where it was when heads were
// noted, each submission with the entry that tells of its commit. It gives a finding for
// each log, and one for each kiosk whose submissions are not as its logs say.
func VerifyAudit(ctx context.Context, s Store, kiosk string, noted []AuditHead, now time.Time) ([]AuditFinding, error) {
	v := &verifier{ctx: ctx, store: s, now: now}
	all, err := s.AuditLogs(ctx, "")
	if err != nil {
		return nil, err
	}
	v.logs = all
	evidence, err := v.unsettled(kiosk)
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		if kiosk != "" && l.Kiosk != kiosk {
			continue
		}
		f, err := v.walk(l, noted)
		if err != nil {
			return nil, err
		}
		for verdict, n := range evidence[[2]string{l.Kiosk, l.Log}] {
			f.Evidence += n
			f.Problems = append(f.Problems, fmt.Sprintf("%d batches were not taken: %s", n, verdict))
		}
		delete(evidence, [2]string{l.Kiosk, l.Log})
		slices.Sort(f.Problems)
		v.found = append(v.found, f)
	}
	for key, kinds := range evidence { // of logs of which nothing was taken
		f := AuditFinding{Kiosk: key[0], Log: key[1]}
		for verdict, n := range kinds {
			f.Evidence += n
			f.Problems = append(f.Problems, fmt.Sprintf("%d batches were not taken: %s", n, verdict))
		}
		slices.Sort(f.Problems)
		v.found = append(v.found, f)
	}
	for _, h := range noted {
		if (kiosk == "" || h.Kiosk == kiosk) && !slices.ContainsFunc(all, func(l AuditLog) bool { return l.Kiosk == h.Kiosk && l.Log == h.Log }) {
			v.found = append(v.found, AuditFinding{Kiosk: h.Kiosk, Log: h.Log, Problems: []string{"the log is gone"}})
		}
	}
	if err := v.submissions(kiosk); err != nil {
		return nil, err
	}
	slices.SortFunc(v.found, func(a, b AuditFinding) int {
		return cmp.Or(cmp.Compare(a.Kiosk, b.Kiosk), cmp.Compare(a.Log, b.Log))
	})
	return v.found, nil
}

type verifier struct {
	ctx   context.Context
	store Store
	now   time.Time
	logs  []AuditLog
	found []AuditFinding
}

// each gives every entry of a log to f.
func (v *verifier) each(l AuditLog, f func(AuditEntry)) error {
	for n := int64(0); ; {
		list, err := v.store.AuditEntries(v.ctx, l.Kiosk, l.Log, n, auditPage)
		if err != nil {
			return err
		}
		for _, e := range list {
			f(e)
		}
		if len(list) < auditPage {
			return nil
		}
		n = list[len(list)-1].N
	}
}

// walk looks at one log.
func (v *verifier) walk(l AuditLog, noted []AuditHead) (AuditFinding, error) {
	f := AuditFinding{Kiosk: l.Kiosk, Log: l.Log, Prior: l.Prior, Problems: []string{}}
	say := func(format string, args ...any) { f.Problems = append(f.Problems, fmt.Sprintf(format, args...)) }
	n, prev := l.Base, l.BaseHash
	if l.Headless {
		say("there are entries, and what says how many is gone")
		prev = wire.AuditStart()
	}
	want := map[int64]string{}
	for _, h := range noted {
		if h.Kiosk == l.Kiosk && h.Log == l.Log {
			want[h.N] = h.Hash
		}
	}
	var broken error
	err := v.each(l, func(e AuditEntry) {
		if broken == nil {
			broken = wire.CheckAudit(n, prev, []wire.AuditEntry{e.AuditEntry})
		}
		if f.Entries == 0 {
			f.From = e.N
		}
		if hash, is := want[e.N]; is && hash == hex.EncodeToString(e.Hash) {
			delete(want, e.N)
		}
		f.Entries++
		f.To, f.Last = e.N, e.ReceivedAt
		n, prev = e.N, e.Hash
	})
	if err != nil {
		return f, err
	}
	f.Head = hex.EncodeToString(prev)
	switch {
	case broken != nil:
		say("%v", broken)
	case l.Headless:
	case n != l.N || !bytes.Equal(prev, l.Hash):
		say("it ends at %d, and its head is %d: entries were cut off or put on", n, l.N)
	}
	for at := range want {
		say("entry %d is not what was noted of it elsewhere: entries were cut off or replaced", at)
	}
	if !l.Headless {
		if err := v.joined(l, say); err != nil {
			return f, err
		}
	}
	return f, nil
}

// joined looks whether a log goes on from what it says.
func (v *verifier) joined(l AuditLog, say func(string, ...any)) error {
	if l.Base == 0 {
		if !bytes.Equal(l.BaseHash, wire.AuditStart()) {
			say("its first entry follows something")
		}
		return nil
	}
	for _, p := range v.logs {
		if p.Log != l.Prior {
			continue
		}
		if p.Base == l.Base && bytes.Equal(p.BaseHash, l.BaseHash) {
			return nil
		}
		list, err := v.store.AuditEntries(v.ctx, p.Kiosk, p.Log, l.Base-1, 1)
		if err != nil {
			return err
		}
		if len(list) == 1 && list[0].N == l.Base && bytes.Equal(list[0].Hash, l.BaseHash) {
			return nil
		}
	}
	say("it goes on from entry %d of a log that has no such entry", l.Base)
	return nil
}

// unsettled counts the evidence that operators have not called explained, by log and
// verdict.
func (v *verifier) unsettled(kiosk string) (map[[2]string]map[string]int, error) {
	settled := map[string]int64{} // when, in seconds, by kiosk
	err := v.each(AuditLog{Log: OwnLog}, func(e AuditEntry) {
		if e.Event == string(NoteEvidenceSettled) {
			settled[e.Subject] = max(settled[e.Subject], e.At)
		}
	})
	if err != nil {
		return nil, err
	}
	list, err := v.store.AuditEvidence(v.ctx, kiosk)
	if err != nil {
		return nil, err
	}
	all := map[[2]string]map[string]int{}
	for _, e := range list {
		if e.At.Unix() <= settled[e.Kiosk] {
			continue
		}
		key := [2]string{e.Kiosk, e.Log}
		if all[key] == nil {
			all[key] = map[string]int{}
		}
		all[key][string(e.Verdict)]++
	}
	return all, nil
}

// submissions holds what kiosks handed over against what their logs say of it.
func (v *verifier) submissions(only string) error {
	kiosks, err := v.store.SubmittingKiosks(v.ctx)
	if err != nil {
		return err
	}
	for _, l := range v.logs { // whose submissions may all be gone
		if l.Kiosk != "" {
			kiosks = append(kiosks, l.Kiosk)
		}
	}
	slices.Sort(kiosks)
	for _, kiosk := range slices.Compact(kiosks) {
		if only != "" && kiosk != only {
			continue
		}
		if err := v.submissionsOf(kiosk); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) submissionsOf(kiosk string) error {
	said, err := v.said(kiosk)
	if err != nil {
		return err
	}
	var unknown, other, late []string
	for n := int64(0); ; {
		list, err := v.store.SubmissionMarks(v.ctx, kiosk, n, auditPage)
		if err != nil {
			return err
		}
		for _, m := range list {
			n = m.N
			delete(said.acknowledged, m.ID)
			switch hash, is := said.committed[m.ID]; {
			case is && hash != hex.EncodeToString(m.Hash):
				other = append(other, m.ID)
			case is:
			case m.StoredAt.Add(raceLimit).Before(said.whole):
				unknown = append(unknown, m.ID)
			case m.StoredAt.Add(lateLimit).Before(v.now):
				late = append(late, m.ID)
			}
		}
		if len(list) < auditPage {
			break
		}
	}
	f := AuditFinding{Kiosk: kiosk, Problems: []string{}}
	for _, p := range []struct {
		ids  []string
		what string
	}{
		{unknown, "submissions that the log, which has come further, does not tell of"},
		{other, "submissions whose content is not the one that the log tells of"},
		{late, "submissions of more than a day ago, and the log has not come so far"},
		{slices.Sorted(maps.Keys(said.acknowledged)), "submissions that this hub has acknowledged and does not hold"},
	} {
		if len(p.ids) > 0 {
			f.Problems = append(f.Problems, fmt.Sprintf("%d %s, the first %s", len(p.ids), p.what, p.ids[0]))
		}
	}
	if len(f.Problems) > 0 {
		v.found = append(v.found, f)
	}
	return nil
}

// sayings are what the logs of a kiosk say, with those that go on from them.
type sayings struct {
	committed    map[string]string   // hashes, by ID
	acknowledged map[string]struct{} // at this hub, as far as is known
	whole        time.Time           // when the hub last had all of one
}

func (v *verifier) said(kiosk string) (sayings, error) {
	s := sayings{committed: map[string]string{}, acknowledged: map[string]struct{}{}}
	since, err := v.enrolled(kiosk)
	if err != nil {
		return s, err
	}
	own := map[string]bool{}
	for _, l := range v.logs {
		own[l.Log] = own[l.Log] || l.Kiosk == kiosk
	}
	for _, l := range v.logs {
		if l.Kiosk != kiosk && !own[l.Prior] {
			continue
		}
		if l.Kiosk == kiosk && l.Whole.After(s.whole) {
			s.whole = l.Whole
		}
		err := v.each(l, func(e AuditEntry) {
			switch {
			case e.Event == "committed":
				s.committed[e.Subject] = e.Detail
			case e.Event == "acknowledged" && l.Kiosk == kiosk && e.At >= since.Unix():
				s.acknowledged[e.Subject] = struct{}{}
			}
		})
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// enrolled is since when a kiosk is known here. What it handed over before, with the
// same key and log, went to another hub.
func (v *verifier) enrolled(kiosk string) (time.Time, error) {
	k, err := v.store.Kiosk(v.ctx, kiosk)
	if errors.Is(err, ErrNotFound) {
		return v.now, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	since := k.EnrolledAt
	certificates, err := v.store.Certificates(v.ctx, kiosk)
	for _, c := range certificates {
		if c.Issued.Before(since) {
			since = c.Issued
		}
	}
	return since, err
}

// AuditHeads gives the heads of all logs, to be noted elsewhere.
func AuditHeads(ctx context.Context, s Store, kiosk string) ([]AuditHead, error) {
	logs, err := s.AuditLogs(ctx, kiosk)
	if err != nil {
		return nil, err
	}
	heads := []AuditHead{}
	for _, l := range logs {
		if !l.Headless {
			heads = append(heads, AuditHead{Kiosk: l.Kiosk, Log: l.Log, N: l.N, Hash: hex.EncodeToString(l.Hash)})
		}
	}
	return heads, nil
}
