// Package lockdown closes a process that handles secrets to the outside: no core
// dump, no reading of its memory by other programs of its user, no values in what
// a crash prints, and memory that is overwritten when it is freed.
//
//	func main() {
//		if err := lockdown.Enter(); err != nil { … }
//		…
//	}
//
// and [Forget] where the data of a person were just let go of.
//
// Go cannot zero a string: a copy of it lies in memory until something else is
// allocated there. The runtime can overwrite what it frees (GODEBUG clobberfree),
// but only when it is told so at its start, which is why Enter starts the program
// once more, in place, with an environment of its own making. runtime/secret,
// which would do the same for single functions, is an experiment of Go 1.26 that
// ordinary builds do not have, and reaches no goroutine but its own.
package lockdown
