package hub

import (
	"context"
	"errors"
	"time"
)

// Upkeep is what a [Store] offers to those who look after it.
type Upkeep interface {
	// Lease takes or renews a lease: of several hubs one does the work of this name.
	Lease(ctx context.Context, name, holder string, now time.Time, life time.Duration) (mine bool, err error)
	// LeaseEnd is when the lease of this name ends or has ended, by the clock of the hub
	// that took it last; zero: nobody ever took it.
	LeaseEnd(ctx context.Context, name string) (time.Time, error)
	// Forget clears away at most limit of what is older than before, and says how much.
	Forget(ctx context.Context, what Kept, before time.Time, limit int) (n int, err error)

	// Parts lists at most limit rows of a table whose private part is sealed with
	// this key of the vault; "" = rows of the first version.
	Parts(ctx context.Context, t Table, key string, limit int) ([]Part, error)
	// Reseal puts New in the place of Old, in one transaction, and says in how many
	// rows; those that have changed meanwhile are left.
	Reseal(ctx context.Context, t Table, parts []Part) (n int, err error)
	// Proofs are what was sealed with each key of the vault to know it again, by key ID.
	Proofs(ctx context.Context) (map[string][]byte, error)
	// Prove keeps the proof of a key, unless there is one.
	Prove(ctx context.Context, key string, proof []byte) error
	// Disprove forgets the proof of a key that nothing is sealed with any more.
	Disprove(ctx context.Context, key string) error

	// Spend takes cost from a kiosk's budget of this name. A budget holds at most
	// most, and fills by itself in that time. When it does not hold enough, nothing is
	// taken, and wait says when it will; a cost of more than most needs it full, and a
	// cost below zero gives back. What
	// hubs share goes by the database's clock, and now is not looked at.
	Spend(ctx context.Context, kiosk, what string, cost, most time.Duration, now time.Time) (wait time.Duration, err error)
}

// Kept is a class of what is kept for a while.
type Kept string

// The classes, and the age that counts.
const (
	KeptSealed     Kept = "sealed"     // sealed bytes of submissions, by when they were stored; the row stays
	KeptQuarantine Kept = "quarantine" // by when it came
	KeptAlarms     Kept = "alarms"     // by when they were last raised
	KeptAnswers    Kept = "answers"    // by when they expired
	KeptTraces     Kept = "traces"     // full budgets, and calls that a dead hub left; what hubs share by the database's clock
)

// Table is a table with a private part.
type Table string

// The tables with private parts.
const (
	TableSubmission Table = "submission"
	TableQuarantine Table = "quarantine"
	TableAlarm      Table = "alarm"
	TableAnswer     Table = "answer"
	TableIssuance   Table = "issuance"
)

// Tables are all of them.
func Tables() []Table {
	return []Table{TableSubmission, TableQuarantine, TableAlarm, TableAnswer, TableIssuance}
}

// Part is the private part of one row.
type Part struct {
	N     int64     // where it is: of submissions, quarantine and issuances
	Key   [3]string // where it is: kind, kiosk, subject; kiosk, scope, request id; of a submission its id, of an issuance its tag
	Hash  []byte    // of submissions and quarantine
	Old   []byte    // nil: in clear
	Clear string    // text in clear of quarantine and alarms
	New   []byte    // for Reseal
}

// ErrNotSealed says that a row with something personal came to a store in clear.
var ErrNotSealed = errors.New("cannot store: the private part is not sealed")
