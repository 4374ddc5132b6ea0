// Package hub is what kiosks talk to: it takes sealed submissions in, verifies
// what a shopper's card signed, and answers with signed acknowledgements; and
// it passes the interactive steps on to the issuer.
//
// # What a caller may rely on
//
// A signed acknowledgement exists only for a submission that is durably stored:
// both are written in one transaction. The same submission again gets the same
// bytes again. Another content under a known id is never stored over it: it is
// quarantined, answered with 409 and raised as an alarm. A submission whose
// content is worthless is stored and acknowledged as refused, so that no kiosk's
// queue ever sticks.
//
// The points platform is asked before the row is written and is idempotent by
// submission id; a crash between the two is healed by the kiosk's next try.
//
// # Concurrency
//
// [API] is safe for concurrent use. Interactive calls with one request id run
// one after the other, and the second gets the stored answer of the first; they
// go on when the kiosk hangs up, so that a lost answer can be asked for.
//
// Several hubs may share one store that is a [CallLocker]; then this holds across
// all of them. What a hub keeps in memory is only how fast each kiosk asks.
//
// The parts behind it: sqlite (the store of one hub) and postgres (that of a
// fleet), both held to storetest; sandbox (issuer and platform), pki (the hub's
// own keys and CA), console (the operator's pages), vault (keyed hashes and
// sealed columns).
package hub
