package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

// Ingest takes submissions in. It is safe for concurrent use.
type Ingest struct {
	Store    Store
	Platform Platform
	Verifier *Verifier
	Keys     func() Keys // as they are now: they change while the hub runs
	Vault    *vault.Vault
	Now      func() time.Time
	Log      *slog.Logger
}

// Errors of Ingest.
var (
	// ErrConflict says that the id is stored with another content or kiosk.
	ErrConflict = errors.New("cannot take submission: same id, other content")
	// ErrPlatform says that the platform is away: nothing was stored.
	ErrPlatform = errors.New("cannot take submission: points platform is away")
	// ErrUnknownKey says that it is sealed to a key that the hub does not hold, so
	// it cannot be judged: nothing was stored. With the right key it can be taken.
	ErrUnknownKey = errors.New("cannot take submission: it is sealed to an unknown key")
)

// Put takes one submission of kiosk, which the client certificate names, and
// gives the stored acknowledgement. Whatever the content is worth, it is stored
// and acknowledged once; only a conflict, an absent platform, an unknown seal key
// and a failing store give an error.
func (in *Ingest) Put(ctx context.Context, kiosk string, sub wire.Submission) (ack []byte, err error) {
	now := in.Now().UTC()
	key, ok := in.Keys().Seal[sub.KeyID]
	if !ok {
		ack, err = in.again(ctx, kiosk, sub, now)
		if errors.Is(err, ErrNotFound) {
			return nil, in.unknownKey(ctx, kiosk, sub.KeyID, now)
		}
		return ack, err
	}
	j, err := in.judge(ctx, kiosk, key, sub, now)
	if errors.Is(err, errStored) {
		return in.again(ctx, kiosk, sub, now)
	}
	if err != nil {
		return nil, err
	}
	if j.alarm != "" { // what is stored is answered as ever, whatever is left to store more
		if ack, err := in.again(ctx, kiosk, sub, now); !errors.Is(err, ErrNotFound) {
			return ack, err
		}
	}
	stored, err := in.store(ctx, kiosk, sub, j, now)
	if errors.Is(err, ErrDocumentUsed) { // another submission won the race
		j.replayed(in.otherID(ctx, sub.ID, j.stored.DocumentHash))
		stored, err = in.store(ctx, kiosk, sub, j, now)
	}
	if errors.Is(err, ErrWorthless) {
		return nil, err
	}
	if errors.Is(err, ErrOtherContent) {
		return nil, in.conflict(ctx, kiosk, sub, now)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot store submission: %w", err)
	}
	said := []any{"submission", sub.ID, "kiosk", kiosk, "kind", j.stored.Kind, "accepted", stored.Verdict.Accepted, "code", stored.Verdict.Code}
	if j.alarm == "" {
		in.Log.Info("Submission stored", said...)
	} else {
		in.Log.Error("Submission stored that is not genuine", append(said, "about", j.alarm, "alarm", true)...)
	}
	return in.Keys().current(stored.Ack)
}

// errStored says that there is a submission under this id: the platform must not hear
// of another one.
var errStored = errors.New("cannot judge: the id is stored")

// again answers a submission whose id is stored, or gives ErrNotFound.
func (in *Ingest) again(ctx context.Context, kiosk string, sub wire.Submission, now time.Time) (ack []byte, err error) {
	have, err := in.Store.Submission(ctx, sub.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("cannot look for submission: %w", err)
	case have.Kiosk != kiosk || !bytes.Equal(have.Hash, sub.Hash()):
		return nil, in.conflict(ctx, kiosk, sub, now)
	}
	return in.Keys().current(have.Ack)
}

// judgement is what becomes of a submission.
type judgement struct {
	stored Stored
	trail  trail
	alarm  AlarmKind // "" when there is nothing alarming
	keep   bool      // quarantine the sealed bytes as well
	why    string
}

func (j *judgement) refuse(code fault.Code, alarm AlarmKind) {
	j.stored.Verdict = wire.Verdict{Code: code}
	j.alarm = alarm
	if n := len(j.trail); n > 0 {
		j.why = string(j.trail[n-1].Name) + ": " + j.trail[n-1].Detail
	}
}

func (j *judgement) replayed(other string) {
	j.stored.DocumentHash = nil
	j.stored.Verdict = wire.Verdict{}
	_ = j.trail.note(CheckReplay, errors.New("the document came before in "+other))
	j.refuse(fault.DocumentRefused, AlarmReplayed)
}

func (in *Ingest) judge(
	ctx context.Context, kiosk string, key wire.SealPrivateKey, sub wire.Submission, now time.Time,
) (*judgement, error) {
	j := &judgement{}
	payload, err := wire.Open(key, sub)
	if err != nil {
		j.keep = true
		if errors.Is(err, wire.ErrUnsealable) {
			_ = j.trail.note(CheckSeal, errors.New("it is not sealed to this hub, kiosk and id"))
		} else {
			_ = j.trail.note(CheckSeal, nil)
			_ = j.trail.note(CheckPayload, err)
		}
		j.refuse(fault.DocumentRefused, AlarmUnreadable)
		return j, nil
	}
	_ = j.trail.note(CheckSeal, nil)
	_ = j.trail.note(CheckPayload, nil)
	j.stored.Kind = payload.Kind
	if payload.Kind == wire.KindIssuance {
		in.judgeIssuance(j, kiosk, payload.Issuance)
		return j, nil
	}
	return j, in.judgeSigned(ctx, j, kiosk, sub.ID, *payload.Signed, now)
}

func (in *Ingest) judgeIssuance(j *judgement, kiosk string, i *wire.Issuance) {
	j.stored.Summary = Summary{Service: i.Service, IssueRef: i.IssueRef}
	j.stored.SignedAt = i.Time
	if j.trail.note(CheckKiosk, sameKiosk(i.Kiosk, kiosk)) != nil {
		j.refuse(fault.DocumentRefused, AlarmForeign)
		return
	}
	j.stored.Verdict = wire.Verdict{Accepted: true}
}

func (in *Ingest) judgeSigned(ctx context.Context, j *judgement, kiosk, id string, s wire.Signed, now time.Time) error {
	v, err := in.Verifier.verify(&j.trail, s, kiosk, now)
	if early, ok := errors.AsType[*earlyError](err); ok && early.wait <= mostEarly {
		return in.tooEarly(ctx, kiosk, id, early, now)
	}
	if err != nil {
		// Which step failed is for operators; the kiosk learns that it is refused, and
		// when that is for its clock, that too: card and shopper are not to blame.
		failed := j.trail[len(j.trail)-1].Name
		j.refuse(codeOf(failed), alarmOf(failed))
		return nil //nolint:nilerr // a refused document is a stored verdict, not an error
	}
	j.stored.SignedAt = v.document.Time
	j.stored.DocumentHash = v.hash
	person := in.Person(v.spki)
	j.stored.Summary.Person = string(person[:8])
	stored, other, err := in.Store.Known(ctx, id, v.hash)
	switch {
	case err != nil:
		return fmt.Errorf("cannot look for submission: %w", err)
	case stored:
		return errStored
	case other != "":
		j.replayed(other)
		return nil
	}
	_ = j.trail.note(CheckReplay, nil)
	return in.ask(ctx, j, id, person, v.document)
}

// mostEarly is how far beyond what is borne a document may be ahead of the hub's clock
// and still only has to wait. A refusal is for good, and it may be the hub's clock that is
// behind: a machine that was put back to an earlier moment, or that has lost its time
// server.
const mostEarly = 12 * time.Hour

// ErrEarly says that a document is from a time that has not come: nothing was stored.
var ErrEarly = errors.New("cannot take submission: it was signed in the future")

func (in *Ingest) tooEarly(ctx context.Context, kiosk, id string, early *earlyError, now time.Time) error {
	in.Log.Error("Submission was signed in the future", "kiosk", kiosk, "submission", id, "wait", early.wait, "alarm", true)
	err := in.Store.Raise(ctx, Alarm{Kind: AlarmClock, Kiosk: kiosk, Last: now,
		Text: fmt.Sprintf("%v: %s waits at the kiosk. Look at the hub's clock as well", early, id)})
	if err != nil {
		return fmt.Errorf("cannot raise alarm: %w", err)
	}
	return ErrEarly
}

// codeOf is what the kiosk learns of a check that failed.
func codeOf(failed CheckName) fault.Code {
	if failed == CheckTime {
		return fault.ClockWrong
	}
	return fault.DocumentRefused
}

// alarmOf tells what an honest kiosk and shopper can meet (a certificate that ran
// out) from what somebody must look at. A wrong clock is the latter: each
// document that it spoils is lost.
func alarmOf(failed CheckName) AlarmKind {
	switch failed {
	case CheckValidity:
		return ""
	case CheckTime:
		return AlarmClock
	case CheckKiosk:
		return AlarmForeign
	default:
		return AlarmForged
	}
}

// ask lets the platform decide.
func (in *Ingest) ask(ctx context.Context, j *judgement, id string, p Person, d wire.Document) error {
	var verdict wire.Verdict
	var err error
	switch {
	case d.Reservation != nil:
		j.stored.Summary.Guardian = d.Reservation.Guardian
		verdict.MyKeyID, err = in.Platform.Reserve(ctx, ReserveOrder{Submission: id, Person: p, Guardian: d.Reservation.Guardian})
	case d.Application != nil:
		j.stored.Summary.Guardian = d.Application.Guardian
		j.stored.Summary.Service = d.Application.Service
		j.stored.Summary.ServiceID = mask(d.Application.ServiceID)
		verdict.CompleteBy, err = in.Platform.Apply(ctx, ApplyOrder{Submission: id, Person: p, Content: *d.Application})
	}
	var no *Refusal
	switch {
	case errors.As(err, &no):
		_ = j.trail.note(CheckVerdict, no)
		j.refuse(no.Code, "")
		return nil
	case err != nil:
		in.Log.Error("Platform did not answer", "submission", id, "error", err)
		return ErrPlatform
	}
	_ = j.trail.note(CheckVerdict, nil)
	verdict.Accepted = true
	j.stored.Verdict = verdict
	return nil
}

// Person names the holder of a public key.
func (in *Ingest) Person(spki []byte) Person { return Person(in.Vault.Tag("person", spki)) }

func (in *Ingest) store(ctx context.Context, kiosk string, sub wire.Submission, j *judgement, now time.Time) (Stored, error) {
	if j.alarm != "" {
		if err := in.mayKeep(ctx, kiosk, now); err != nil {
			return Stored{}, err
		}
	}
	s := j.stored
	s.ID, s.Kiosk, s.Schema, s.KeyID, s.Sealed, s.Hash = sub.ID, sub.Kiosk, sub.Schema, sub.KeyID, sub.Sealed, sub.Hash()
	s.StoredAt, s.Checks = now.Truncate(time.Millisecond), j.trail
	var err error
	s.Ack, err = in.Keys().sign(wire.AckBody{
		Schema: wire.Schema, ID: s.ID, Hash: s.Hash, Kiosk: s.Kiosk, StoredAt: s.StoredAt, Verdict: s.Verdict,
	})
	if err != nil {
		return Stored{}, err
	}
	var q *Quarantine
	if j.keep {
		q = &Quarantine{Submission: s.ID, Kiosk: s.Kiosk, Hash: s.Hash, Sealed: s.Sealed, Reason: j.why, At: now}
	}
	var a *Alarm
	if j.alarm != "" {
		// One alarm of the kiosk, however many submissions: those that matter more must
		// not drown among them. Each has its checks beside it.
		a = &Alarm{Kind: j.alarm, Kiosk: s.Kiosk, Text: s.ID + ": " + j.why, Last: now}
	}
	return in.Store.Put(ctx, s, q, a)
}

func (in *Ingest) conflict(ctx context.Context, kiosk string, sub wire.Submission, now time.Time) error {
	const reason = "same id as a stored submission, other content or kiosk"
	in.Log.Error("Submission conflicts", "submission", sub.ID, "kiosk", kiosk, "alarm", true)
	if err := in.mayKeep(ctx, kiosk, now); errors.Is(err, ErrWorthless) {
		return ErrConflict // what is not kept as evidence is refused all the same
	} else if err != nil {
		return err
	}
	err := in.Store.Quarantine(ctx,
		Quarantine{Submission: sub.ID, Kiosk: kiosk, Hash: sub.Hash(), Sealed: sub.Sealed, Reason: reason, At: now},
		Alarm{Kind: AlarmConflict, Kiosk: kiosk, Text: sub.ID + ": " + reason, Last: now})
	if err != nil {
		return fmt.Errorf("cannot quarantine submission: %w", err)
	}
	return ErrConflict
}

// unknownKey leaves the submission with its kiosk: an acknowledgement would be a
// word about something that nobody has read, and would delete it there.
func (in *Ingest) unknownKey(ctx context.Context, kiosk, keyID string, now time.Time) error {
	in.Log.Error("Submission is sealed to an unknown key", "kiosk", kiosk, "key", keyID, "alarm", true)
	err := in.Store.Raise(ctx, Alarm{Kind: AlarmKey, Kiosk: kiosk, Last: now,
		Text: "seals to " + keyID + ", which this hub does not hold: restore the key, or enrol the kiosk again"})
	if err != nil {
		return fmt.Errorf("cannot raise alarm: %w", err)
	}
	return ErrUnknownKey
}

func (in *Ingest) otherID(ctx context.Context, id string, hash []byte) string {
	_, id, err := in.Store.Known(ctx, id, hash)
	if err != nil || id == "" {
		return "another submission"
	}
	return id
}

// Inquire verifies a signed inquiry and asks the platform where its signer stands. The
// request must bear the document's own ID: under another one a document that was kept
// would tell how things stand now, without the card.
func (in *Ingest) Inquire(ctx context.Context, kiosk string, r wire.InquiryRequest) (wire.Standing, error) {
	if r.RequestID != wire.NewInquiryRequest(r.Signed).RequestID {
		return wire.Standing{}, &Refusal{Code: fault.BadMessage, Field: "request_id", Detail: "not the document's own"}
	}
	var t trail
	now := in.Now().UTC()
	fresh := *in.Verifier
	fresh.MaxAge = min(fresh.MaxAhead, DefaultMaxAhead) // never queued: an old one is a replay, or the clock is behind
	v, err := fresh.verify(&t, r.Signed, kiosk, now)
	if err == nil && v.document.Inquiry == nil {
		err = t.note(CheckPayload, errors.New("not an inquiry"))
	}
	if err == nil {
		return in.Platform.Standing(ctx, in.Person(v.spki))
	}
	last := t[len(t)-1]
	why := string(last.Name) + ": " + last.Detail
	if last.Name == CheckTime {
		in.Log.Error("Inquiry was signed at another time", "kiosk", kiosk, "alarm", true)
		if err := in.Store.Raise(ctx, Alarm{Kind: AlarmClock, Kiosk: kiosk, Text: why, Last: now}); err != nil {
			return wire.Standing{}, fmt.Errorf("cannot raise alarm: %w", err)
		}
	}
	return wire.Standing{}, &Refusal{Code: codeOf(last.Name), Field: "signed", Detail: why}
}

// mask leaves the last four characters.
func mask(id string) string {
	const open = 4
	r := []rune(id)
	for i := range max(len(r)-open, 0) {
		r[i] = '•'
	}
	return string(r)
}
