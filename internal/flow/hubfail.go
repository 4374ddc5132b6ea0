package flow

import (
	"time"

	"kioskd/internal/fault"
)

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// failHub shows a fault of the line, the hub or what stands behind it. What was
// typed is kept; Next comes back to the step.
func (t *turn) failHub(p Problem, backTo StepName) {
	t.fail(p.Code, backTo, "", p.RetryAfter)
}

// overdue stands in for an answer that never came, although every effect has a
// limit of its own: a defect, met without losing the shopper.
func (t *turn) overdue(with BusyWith) {
	switch with {
	case BusySMS, BusyOTP, BusyIssue, BusyLogin:
		t.fail(fault.HubSlow, t.step, "", 0)
	case BusyStanding:
		t.openApply()
	case BusyCard:
		t.v.card.triesAt, t.v.card.triesOf = t.v.card.tries, t.v.card.holder // the fate of VERIFY is not known
		t.cardAgain(fault.CardMute)
	case BusyStore, BusySend:
		t.fail(fault.StorageSlow, StepReading, "", 0)
	}
}

// touchTrouble handles the fault screen: again, another way, or out.
func (t *turn) touchTrouble(f Fact) {
	tr := t.v.trouble
	switch f.(type) {
	case Next, Back:
		if _, back := f.(Back); back && len(t.v.trail) == 0 && tr.retryTo == "" {
			t.goHome()
			return
		}
		if !t.passed(t.entered.Add(tr.wait)) {
			return
		}
		t.retry(tr)
	case Another:
		t.otherWay(tr)
	default:
	}
}

func (t *turn) retry(tr trouble) {
	switch tr.retryTo {
	case "":
	case StepReading: // what the card signed is still here: store it again
		t.replace(StepReading)
		t.submitSigned()
	case StepCard: // a card that lies there and is known is used; else this is why it is asked for
		t.replace(StepCard)
		if t.v.card.number == 0 {
			t.v.card.problem = tr.code
		}
	default:
		t.replace(tr.retryTo)
	}
}

func (t *turn) otherWay(tr trouble) {
	switch tr.other {
	case "details":
		t.v.trail = []StepName{StepIssueKind, StepIssueTerms}
		t.replace(StepIssueCard)
	case "manage":
		t.v.manage.phone = t.v.issue.phone
		t.v.trail = nil
		t.v.procedure, t.v.plan = Manage, PlanManage
		t.replace(StepManagePhone)
	case "reserve":
		t.sign(forReserve)
	}
}
