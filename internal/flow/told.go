package flow

// What the audit log may know of the state: no more than these.

// Plan is what the present visit was begun for; "" when there is none.
func (s State) Plan() Plan {
	if s.v == nil {
		return ""
	}
	return s.v.plan
}

// Procedure is the one that the present visit is in; "" when there is none.
func (s State) Procedure() Procedure {
	if s.v == nil {
		return ""
	}
	return s.v.procedure
}

// Leaving says how the last visit ended while its goodbye is shown: finished, left,
// idle or staff.
func (s State) Leaving() string { return s.leaving }

// StaffCalled reports whether somebody is waiting for staff.
func (s State) StaffCalled() bool { return s.staff }
