//go:build !race

package slip_test

// stride is how many percent of a slip a sweep goes on at a time.
const stride = 1

// raced says that the race detector runs.
const raced = false
