package flow

import "kioskd/internal/fault"

// touchManage handles a touch on the management page and its log-in.
func (t *turn) touchManage(f Fact) {
	m := &t.v.manage
	switch t.step {
	case StepManagePhone:
		m.phone = t.typed(m.phone, f, digits, phoneLen)
		if _, ok := f.(Next); ok {
			t.problemOr(phoneProblem(m.phone), phoneLen, StepManagePassword)
		}
	case StepManagePassword:
		t.typedSecret(&m.password, f, printable, passwordMax)
		if _, ok := f.(Next); !ok {
			return
		}
		if m.password.Len() == 0 {
			t.problemHere("too_short", passwordMin)
			return
		}
		t.emit(LogIn{Ticket: t.await(BusyLogin, limitHub), Phone: m.phone, Password: m.password.Clone()})
	case StepManage:
		switch f := f.(type) {
		case Turn:
			if f.Page >= 0 && f.Page < pagesOf(len(m.account.Points)) && f.Page != m.page {
				m.page = f.Page
				t.question++
			}
		case Next:
			t.finish("finished")
		default:
		}
	default:
	}
}

func (t *turn) loggedIn(f LoggedIn) {
	if !t.arrived(f.Ticket) {
		wipeAll(f.Codes)
		return
	}
	m := &t.v.manage
	switch f.Problem.Code {
	case "":
		m.password.Wipe()
		m.account, m.codes = &f.Account, f.Codes
		t.settle(StepManage)
	case fault.LoginWrong:
		m.password.Wipe()
		t.problemHere("login_wrong", f.Problem.TriesLeft)
	case fault.LoginLocked:
		m.password.Wipe()
		t.fail(f.Problem.Code, StepManagePassword, "", f.Problem.RetryAfter)
	default:
		t.failHub(f.Problem, StepManagePassword)
	}
}
