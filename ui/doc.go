// Package ui serves the touch screen: the built page (folder dist, embedded),
// and the WebSocket that carries snapshots one way and touches the other. See
// docs/PROTOCOL.md for both.
//
// The server is for the browser on the same machine and trusts nothing else: a
// request under a foreign Host, or from a page of a foreign Origin, is refused,
// so neither DNS rebinding nor a web page elsewhere can reach the visit. Every
// connection has limits on size, rate and time, and one goroutine that writes.
package ui
