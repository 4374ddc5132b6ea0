//go:build race

package walk

const underRace = true
