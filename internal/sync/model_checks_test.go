//go:build !race

package sync

// modelChecks is how many histories the model test walks.
const modelChecks = "40"
