package kiosk

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"kioskd/internal/defect"
	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/wire"
)

// visit is what the kiosk keeps of a visit beside flow's state: nothing that was typed.
type visit struct {
	ctx    context.Context
	cancel context.CancelFunc
	id     string         // in the outbox, which makes it unique across starts
	stores sync.WaitGroup // submissions on their way into the outbox
	jobs   sync.WaitGroup // effects that run; that of the end is none of them
	ended  atomic.Bool    // its end was to be noted
	cards  cards
}

// visit gives the record of a visit, made when its first effect starts.
func (k *Kiosk) visit(work context.Context, n uint64) *visit {
	v, ok := k.visits[n]
	if !ok {
		v = &visit{id: k.visitName(n)}
		v.ctx, v.cancel = context.WithCancel(work)
		// Not on the loop: pcscd may take its time to power a card down.
		context.AfterFunc(v.ctx, func() { v.cards.end(k.log) })
		k.visits[n] = v
	}
	return v
}

// begin notes that an effect runs, until the function that it returns is called.
func (v *visit) begin(effect flow.Effect) (ended func()) {
	if _, end := effect.(flow.EndVisit); end {
		return func() {}
	}
	v.jobs.Add(1)
	return v.jobs.Done
}

// turnstile lets slips of one visit at a time through: one that still waits for
// the printer when somebody else begins must not come out before that person. A
// slip that the printer has begun is brought to its end.
type turnstile struct {
	visit uint64
	ctx   context.Context
	close context.CancelFunc
}

// pass lets visit n in, 0 for nobody.
func (t *turnstile) pass(work context.Context, n uint64) {
	if t.ctx != nil && (n == 0 || n == t.visit) {
		return
	}
	if t.close != nil {
		t.close()
	}
	t.visit = n
	t.ctx, t.close = context.WithCancel(work)
}

// job is one effect on its way.
type job struct {
	effect flow.Effect
	visit  *visit
	life   uint64
	// run carries it out. It returns the answer, nil where none is due.
	run func(ctx context.Context) flow.Fact
	// failed is the answer of an effect that came to grief.
	failed func(code fault.Code) flow.Fact
	// wipe zeroes the secrets that the effect carries.
	wipe func()
	// parent of its context: the visit, so that its end cancels the job, unless
	// the job is to be carried through.
	parent context.Context
}

// carryOut starts one effect. It does not block.
func (k *Kiosk) carryOut(work context.Context, effect flow.Effect) {
	j := k.jobOf(work, effect)
	if j.run == nil {
		k.log.Error("Cannot carry out an effect that the kiosk does not know", "effect", nameOf(effect))
		return
	}
	if j.parent == nil {
		j.parent = j.visit.ctx
	}
	ctx, cancel := context.WithTimeout(j.parent, flow.LimitOf(effect))
	ended := j.visit.begin(effect)
	k.running.Go(func() {
		defer ended()
		defer cancel()
		began := time.Now()
		fact := k.guard(ctx, j)
		if fact == nil {
			return
		}
		k.log.Debug("Effect ended", "effect", nameOf(effect), "fault", faultIn(fact), "ms", time.Since(began).Milliseconds())
		select {
		case k.answers <- answer{life: j.life, fact: fact}:
		case <-work.Done():
			wipeFact(fact)
		}
	})
}

// guard runs a job so that it ends with its answer, even when it panics.
func (k *Kiosk) guard(ctx context.Context, j *job) (fact flow.Fact) {
	defer func() {
		if p := recover(); p != nil {
			k.log.Error("Effect ended by a defect", "effect", nameOf(j.effect), "defect", defect.New(p))
			if j.failed != nil {
				fact = j.failed(fault.Internal)
			}
		}
	}()
	if j.wipe != nil {
		defer j.wipe()
	}
	return j.run(ctx)
}

// jobOf says how each effect is carried out and how it fails.
func (k *Kiosk) jobOf(work context.Context, effect flow.Effect) *job {
	j := &job{effect: effect, life: k.life}
	switch e := effect.(type) {
	case flow.Inspect:
		j.visit = k.visit(work, e.Ticket.Visit)
		j.run = func(ctx context.Context) flow.Fact { return k.inspect(ctx, j.visit, e) }
		j.failed = func(c fault.Code) flow.Fact { return flow.CardSeen{Ticket: e.Ticket, Card: e.Card, Fault: c} }
	case flow.ReadWAON:
		j.visit = k.visit(work, e.Ticket.Visit)
		j.run = func(ctx context.Context) flow.Fact { return k.readWAON(ctx, e) }
		j.failed = func(c fault.Code) flow.Fact { return flow.WAONSeen{Ticket: e.Ticket, Fault: c} }
	case flow.Sign:
		j.visit = k.visit(work, e.Ticket.Visit)
		j.run = func(ctx context.Context) flow.Fact { return k.sign(ctx, j.visit, e) }
		j.failed = func(c fault.Code) flow.Fact { return flow.DocumentSigned{Ticket: e.Ticket, Fault: c} }
		j.wipe = func() { e.PIN.Wipe(); wipeAll(e.Codes) }
	case flow.Submit:
		// A copy of its own: the flow zeroes its one when the visit ends, which
		// storing outlives.
		e.Payload.Signed = ownCopy(e.Payload.Signed)
		j.visit = k.visit(work, e.Ticket.Visit)
		j.parent = context.WithoutCancel(work)
		j.visit.stores.Add(1)
		j.run = func(ctx context.Context) flow.Fact {
			defer j.visit.stores.Done()
			return k.submit(ctx, work, j.visit, e)
		}
		j.failed = func(c fault.Code) flow.Fact { return flow.Committed{Ticket: e.Ticket, Fault: c} }
		j.wipe = func() { wipeSigned(e.Payload.Signed) }
	case flow.Print:
		j.visit = k.visit(work, e.Ticket.Visit)
		j.parent = k.slips.ctx // the visit's end does not cancel it, the next visit does
		j.run = func(ctx context.Context) flow.Fact { return k.print(ctx, e) }
		j.failed = func(c fault.Code) flow.Fact {
			return flow.SlipEnded{Ticket: e.Ticket, Outcome: flow.SlipUnknown, Fault: c}
		}
		j.wipe = func() { wipeAll(e.Slip.Codes) }
	case flow.SendCode:
		j.visit = k.visit(work, e.Ticket.Visit)
		j.run = func(ctx context.Context) flow.Fact { return k.sendCode(ctx, e) }
		j.failed = func(c fault.Code) flow.Fact { return flow.CodeSent{Ticket: e.Ticket, Problem: flow.Problem{Code: c}} }
	case flow.CheckCode:
		j.visit = k.visit(work, e.Ticket.Visit)
		j.run = func(ctx context.Context) flow.Fact { return k.checkCode(ctx, e) }
		j.failed = func(c fault.Code) flow.Fact {
			return flow.CodeChecked{Ticket: e.Ticket, Problem: flow.Problem{Code: c}}
		}
		j.wipe = e.Code.Wipe
	case flow.IssueID:
		j.visit = k.visit(work, e.Ticket.Visit)
		j.run = func(ctx context.Context) flow.Fact { return k.issue(ctx, e) }
		j.failed = func(c fault.Code) flow.Fact { return flow.IDIssued{Ticket: e.Ticket, Problem: flow.Problem{Code: c}} }
		j.wipe = e.Password.Wipe
	case flow.LogIn:
		j.visit = k.visit(work, e.Ticket.Visit)
		j.run = func(ctx context.Context) flow.Fact { return k.logIn(ctx, e) }
		j.failed = func(c fault.Code) flow.Fact { return flow.LoggedIn{Ticket: e.Ticket, Problem: flow.Problem{Code: c}} }
		j.wipe = e.Password.Wipe
	case flow.Inquire:
		e.Signed = *ownCopy(&e.Signed)
		j.visit = k.visit(work, e.Ticket.Visit)
		j.run = func(ctx context.Context) flow.Fact { return k.inquire(ctx, e) }
		j.failed = func(c fault.Code) flow.Fact {
			return flow.StandingIs{Ticket: e.Ticket, Problem: flow.Problem{Code: c}}
		}
	case flow.EndVisit:
		j.visit = k.visit(work, e.Visit)
		j.visit.cancel()
		delete(k.visits, e.Visit)
		k.running.Go(func() { k.forget.after(work, j.visit) })
		j.parent = context.WithoutCancel(work)
		j.run = func(ctx context.Context) flow.Fact { k.endVisit(ctx, j.visit); return nil }
	}
	return j
}

// faultOf is the fault that a shopper is told for err; late is the one for an
// effect that ran out of time.
func faultOf(err error, late fault.Code) fault.Code {
	var e *fault.Error
	if !errors.As(err, &e) && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return late
	}
	return fault.CodeOf(err)
}

// faultIn is the fault that an answer carries: all of it that a log may hold.
func faultIn(fact flow.Fact) fault.Code {
	switch f := fact.(type) {
	case flow.CardSeen:
		return f.Fault
	case flow.WAONSeen:
		return f.Fault
	case flow.DocumentSigned:
		return f.Fault
	case flow.Committed:
		return f.Fault
	case flow.SlipEnded:
		return f.Fault
	case flow.CodeSent:
		return f.Problem.Code
	case flow.CodeChecked:
		return f.Problem.Code
	case flow.IDIssued:
		return f.Problem.Code
	case flow.LoggedIn:
		return f.Problem.Code
	case flow.StandingIs:
		return f.Problem.Code
	default:
		return ""
	}
}

// wipeFact zeroes the secrets of an answer that nobody will take.
func wipeFact(fact flow.Fact) {
	switch f := fact.(type) {
	case flow.IDIssued:
		wipeAll(f.Codes)
	case flow.LoggedIn:
		wipeAll(f.Codes)
	case flow.DocumentSigned:
		wipeSigned(&f.Signed)
	default:
	}
}

// visitOf is the visit that asked for an answer with secrets; 0 for others.
func visitOf(fact flow.Fact) uint64 {
	switch f := fact.(type) {
	case flow.IDIssued:
		return f.Ticket.Visit
	case flow.LoggedIn:
		return f.Ticket.Visit
	case flow.DocumentSigned:
		return f.Ticket.Visit
	default:
		return 0
	}
}

// ownCopy is s with a document that nobody else zeroes.
func ownCopy(s *wire.Signed) *wire.Signed {
	if s == nil {
		return nil
	}
	own := *s
	own.Document = bytes.Clone(s.Document)
	return &own
}

// wipeSigned zeroes a document: that of an application holds the codes.
func wipeSigned(s *wire.Signed) {
	if s != nil {
		clear(s.Document)
	}
}

func wipeAll(list []flow.Code) {
	for i := range list {
		list[i].Wipe()
	}
}
