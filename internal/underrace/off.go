//go:build !race

package underrace

// On says that the race detector runs.
const On = false
