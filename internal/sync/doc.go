// Package sync brings what a shopper has done to the hub, now or later, exactly
// once: the outbox, the courier that empties it, and the client for the hub.
//
// # Promises
//
// [Outbox.Commit] returns nil only when the submission, its slip job and its
// audit entry are durable together. The same entry under the same ID again is
// the same submission: it is not stored twice. A submission leaves the outbox in one way
// only: through an acknowledgement for its ID and content whose signature was
// verified ([wire.Ack], which nothing but verification can make). What the hub
// refuses for good is quarantined and kept, never deleted.
//
// Callers that commit at the same moment share one transaction and one flush of the
// disk, and each gets its own answer.
//
// # Trouble with the disk
//
// Before the disk is full [Outbox.Storage] says so, and a reserve is held back for
// those who are in the middle of a visit. A damaged file is moved aside, and what can
// be read of it goes on in a new one: [OpenOutbox] does that, [Outbox.Troubles] keeps
// telling of it. A submission whose content is not what was committed is quarantined
// instead of sent.
//
// # Order
//
// Within a visit submissions are sent in the order of their commits, each after
// the one before it is settled. An application waits for every older reservation
// of this kiosk, because one of them may be the same person's; the rule and its
// reason stand at blocks. Otherwise visits do not wait for each other.
//
// # Time
//
// A kiosk has no clock to rely on. Waiting is measured on the monotonic clock
// and kept in memory; wall time is stored for people to read and decides nothing. What is
// forgotten because it is old is so by days of the hub's clock: see [Outbox.Retain].
// What time it is at the hub, which judges documents by it, the client learns
// from the hub's answers: see [Client.Skew].
//
// # Concurrency
//
// Outbox, Client and Courier may be used from any goroutine. Writers that come together
// share a transaction, which one of them makes for all. Courier's channels never block it:
// see [Courier.Acks] and [Courier.Line].
package sync
