// Package kiosk runs the visit: it is the one loop that owns flow.State.
//
// # Order and ownership
//
// [Kiosk.Run] is one goroutine. It takes one thing at a time (a touch, a
// device's state, an answer, time), calls flow.Step, starts the effects and
// publishes the new snapshot. Nothing else reads or writes the visit, so there
// is no lock on it.
//
// An effect runs in a goroutine of its own with the limit of flow.Limits. It
// comes back as exactly one fact, whatever happens: a panic inside it is
// answered with the fault "internal". Card and hub dialogues are cancelled when
// their visit ends; storing and printing are carried through, because a slip
// half printed or a submission half told helps nobody. The secrets that an
// effect carries are wiped when it is over.
//
// An answer is taken only in the life of the state that asked for it: after a
// defect the state is built anew (see below), and answers of before are dropped
// even where their ticket would look right. Answers of an earlier visit are
// dropped by flow.Step itself.
//
// # Audit log
//
// What the audit log tells of visits, PINs, staff and the local surface is written
// beside the loop (see journal): no visit waits for it, and a storage that fails
// there is a line in the log.
//
// # Defects
//
// When flow.Step or flow.View panics, the visit is wiped and the kiosk stands on
// its top screen again, with the devices as they are known. What the visit had
// stored by then is shown there, as after a crash of the daemon: a number that
// somebody may still need must not vanish. What is logged are names of steps,
// types and source lines, never values.
//
// # Snapshots
//
// A [Frame] is published when what the screen shows has changed; counters that
// the screen counts by itself (busy.since_ms, deadline.left_ms) do not make a
// new one. Seq grows by one with each frame; Since is the Seq with which the
// present question came. Each [Subscription] is a slot that holds the newest
// frame only: a slow subscriber misses frames, and never holds up the loop.
package kiosk
