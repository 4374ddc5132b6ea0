// Package housekeeping has no code: its tests hold the whole repository to the
// rules that no linter knows: which package may import which, that every
// package says what it is for, that files stay short, that nothing sleeps.
package housekeeping
