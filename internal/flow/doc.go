// Package flow is the visit: what a shopper is asked, in which order, and what
// happens then. It is pure: no I/O, no clock, no driver, no SQL.
//
// # Words
//
// A visit walks one plan: one or more procedures (issue, reserve, apply,
// manage), each a row of steps. A step is one question on one screen.
//
// # Use
//
//	state, effects := flow.Step(state, flow.Event{At: now, Fact: flow.Key{Text: "5"}})
//	snapshot := flow.View(state)
//
// Step takes ownership of the state it is given: the old value must not be
// used again, because typed secrets live in buffers that the new state goes on
// using. Effects own the secrets they carry; whoever carries an effect out wipes
// them. Whoever carries out an effect with a Ticket answers with exactly one fact
// that carries the same Ticket; late answers and answers of an old visit are
// ignored by Step.
//
// A fact that a step does not expect changes nothing. Time only enters as
// Event.At and [Tick]; [State.Wake] tells when the next Tick is due.
package flow
