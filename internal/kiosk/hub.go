package kiosk

import (
	"context"
	"errors"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/secret"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// Hub is the interactive half of the hub's API. A refusal is a
// *ksync.RefusalError, trouble on the way a *fault.Error.
type Hub interface {
	IssueStart(ctx context.Context, in wire.IssueStart) (wire.IssueStarted, error)
	IssueResend(ctx context.Context, in wire.IssueResend) (wire.IssueStarted, error)
	IssueVerify(ctx context.Context, in wire.IssueVerify) (wire.IssueVerified, error)
	IssueComplete(ctx context.Context, in wire.IssueComplete) (wire.Issued, error)
	Lookup(ctx context.Context, in wire.Lookup) (wire.Account, error)
	Inquiry(ctx context.Context, in wire.InquiryRequest) (wire.Standing, error)
}

// Each call has a RequestID of its own, under which the client may repeat it
// without its being done twice.

// sendCode answers SendCode.
func (k *Kiosk) sendCode(ctx context.Context, e flow.SendCode) flow.Fact {
	var started wire.IssueStarted
	var err error
	if e.Session != "" {
		started, err = k.opt.Hub.IssueResend(ctx, wire.IssueResend{RequestID: wire.NewSubmissionID(), Session: e.Session})
	} else {
		start := e.Start
		start.RequestID = wire.NewSubmissionID()
		started, err = k.opt.Hub.IssueStart(ctx, start)
	}
	return flow.CodeSent{Ticket: e.Ticket, Problem: problemOf(err), Started: started}
}

// checkCode answers CheckCode.
func (k *Kiosk) checkCode(ctx context.Context, e flow.CheckCode) flow.Fact {
	_, err := k.opt.Hub.IssueVerify(ctx, wire.IssueVerify{
		RequestID: wire.NewSubmissionID(), Session: e.Session, Code: wire.Private(e.Code.Text()),
	})
	return flow.CodeChecked{Ticket: e.Ticket, Problem: problemOf(err)}
}

// issue answers IssueID.
func (k *Kiosk) issue(ctx context.Context, e flow.IssueID) flow.Fact {
	issued, err := k.opt.Hub.IssueComplete(ctx, wire.IssueComplete{
		RequestID: wire.NewSubmissionID(), Session: e.Session, Password: wire.Private(e.Password.Text()),
		Try: uint32(e.Ticket.N),
	})
	answer := flow.IDIssued{
		Ticket: e.Ticket, Problem: problemOf(err),
		IssueRef: issued.IssueRef, ServiceID: issued.ServiceID, RecordID: wire.NewSubmissionID(),
	}
	answer.Codes = secrets(issued.Codes)
	return answer
}

// secrets takes codes out of an answer.
func secrets(codes []wire.Private) []secret.Secret {
	var out []secret.Secret
	for _, code := range codes {
		out = append(out, secret.New([]byte(code)))
	}
	return out
}

// logIn answers LogIn.
func (k *Kiosk) logIn(ctx context.Context, e flow.LogIn) flow.Fact {
	account, err := k.opt.Hub.Lookup(ctx, wire.Lookup{
		RequestID: wire.NewSubmissionID(), Phone: wire.Private(e.Phone), Password: wire.Private(e.Password.Text()),
	})
	answer := flow.LoggedIn{Ticket: e.Ticket, Problem: problemOf(err), Codes: secrets(account.Codes)}
	account.Codes = nil
	answer.Account = account
	return answer
}

// inquire answers Inquire.
func (k *Kiosk) inquire(ctx context.Context, e flow.Inquire) flow.Fact {
	standing, err := k.opt.Hub.Inquiry(ctx, wire.NewInquiryRequest(e.Signed))
	return flow.StandingIs{Ticket: e.Ticket, Problem: problemOf(err), Standing: standing}
}

// problemOf is what a shopper is told of a call that did not succeed.
func problemOf(err error) flow.Problem {
	if err == nil {
		return flow.Problem{}
	}
	if refusal, ok := errors.AsType[*ksync.RefusalError](err); ok {
		p := refusal.Problem
		return flow.Problem{Code: p.Code, Field: p.Field, TriesLeft: p.TriesLeft, RetryAfter: refusal.RetryAfter}
	}
	return flow.Problem{Code: faultOf(err, fault.HubSlow)}
}
