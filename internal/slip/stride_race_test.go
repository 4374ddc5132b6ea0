//go:build race

package slip_test

// stride is coarse under the race detector, where a sweep takes ten times as long;
// `make test` runs the fine one without it.
const stride = 6
