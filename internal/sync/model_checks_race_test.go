//go:build race

package sync

// modelChecks is small where everything takes ten times as long.
const modelChecks = "12"
