// Package pcsc is the driver for real readers: everything that pcscd serves,
// through libpcsclite.
//
// # Contexts and goroutines
//
// One goroutine watches: it owns the only context on which anything waits, so a
// wait never holds up a card. Each connection has a context of its own, which it
// releases when it is closed. A card that never answers holds one goroutine and
// one connection until pcscd gives up on it, and no more: the reader is told to
// be silent meanwhile and nobody waits behind it.
//
// # What is watched
//
// Every reader whose name fits. A reader may come and go, pcscd may be absent,
// killed or started anew at any time: that is a state, and the loop goes on. A
// context of a pcscd that has died is useless, although it calls itself valid,
// so any sign of that makes a new one.
//
// A card counts as inserted when it appears, when the reader's event counter
// says that it was swapped between two looks, or when the family changes that its
// answer to reset speaks of. A removal is reported only after a moment, because contactless cards
// flicker at the edge of the field; each new appearance has a new number all the
// same, for whatever the card had selected is gone.
//
// # Connections
//
// A connection is exclusive from the start, so that no other program can use a
// PIN that was verified on it. It ends with the card powered down, which is what
// takes a verified PIN back for sure. After connecting, the watcher looks again:
// the card that was connected to is the one with the number asked for.
//
// Faults: reader_gone (no reader, no pcscd), reader_busy (another program holds
// the card), card_lifted, card_mute. Source of what pcscd answers when: measured
// with pcscd 1.9.9; see the tests, which run below a real one.
package pcsc
