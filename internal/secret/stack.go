package secret

// stackRoom is more stack than hashing a text takes.
const stackRoom = 8 << 10

// Aside runs f and overwrites the stack that it used. What overwrites free memory does not
// reach stacks: they are used again as they are, and a hash that is finished has copied its
// last block, and so a short text, onto one.
func Aside(f func()) {
	overwriteStack() // it may have to grow: now, and not with a copy of what f does left behind
	f()
	overwriteStack()
}

//go:noinline
func overwriteStack() {
	var room [stackRoom]byte
	overwrite(&room)
}

//go:noinline
func overwrite(room *[stackRoom]byte) { clear(room[:]) }
