// Package walk holds two tests on the real binaries. One is a storm of kills: both
// daemons die again and again, at any point of visits and around each commit, and
// every snapshot that ever reached a window and every slip that came out of the
// printer are held against the hub (storm_test.go).
// The other walks many visits on the real binaries
// (kioskd with simulated hardware, hubd with the sandbox). The shoppers in it
// mistype, turn back, change their minds and give up slow waits; cards are torn
// away, paper runs out, the line breaks, both daemons are killed. All of it comes
// from one printed seed.
//
// What is held against what:
//
//   - each snapshot against what no screen may be (invariants in truth_test.go);
//   - what the screen said of slips against the slips of the dock;
//   - what it said of submissions against the hub's verdicts; each is there once,
//     and none is there that no screen told of, kills included;
//   - an application of somebody who has reserved must be accepted in the end, in
//     whatever order and over whatever line the two were sent;
//   - the kiosk's audit log, as the hub has it, against what was done, and against itself;
//   - the ends of the visits: a kind of end that never comes means that the walk
//     has stopped to look.
//
// Usage:
//
//	go test ./internal/walk -visits 200 -seed 1
//	go test ./internal/walk -run Storm -seed 1        # KIOSKD_STORM=1h, KIOSKD_KILLS=5000
//	go test ./internal/walk -seed 1 -visit 17     # only the 17th, to reproduce it
//
// It speaks only what a browser, a hand at the dock and a look at the hub's
// console could: WebSocket, dock API, console API, and what hubd says of audit logs.
package walk
