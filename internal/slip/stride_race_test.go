//go:build race

package slip_test

// stride is coarse under the race detector, where a sweep takes ten times as long: a
// race is in every place or in none. `make test` runs the fine one without it.
const stride = 20

// raced says that the race detector runs.
const raced = true
