// Package walk holds one test: it walks many visits on the real binaries
// (kioskd with simulated hardware, hubd with the sandbox), each with random
// faults from one printed seed, kills included, and keeps a ledger of what the
// screens promised. In the end the hub must hold exactly what was promised: each
// submission once.
//
//	go test ./internal/walk -visits 200 -seed 1
//
// It speaks only what a browser, a hand at the dock and a look at the hub's
// console could: WebSocket, dock API, console API.
package walk
