package hub_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"kioskd/internal/hub"
	"kioskd/internal/hub/sqlite"
	"kioskd/internal/hub/vault"
)

// A vault whose keys are not the database's is told at once: both the one that seals and
// that of keyed hashes, with another of which no person would be recognised.
func TestOnlyTheDatabasesVaultIsAdmitted(t *testing.T) {
	key := func(b byte) []byte { return bytes.Repeat([]byte{b}, vault.KeySize) }
	const own, next, other, tag, otherTag = 1, 2, 3, 4, 5
	path := filepath.Join(t.TempDir(), "hub.db")
	for _, step := range []struct {
		name     string
		ring     vault.Ring
		admitted bool
	}{
		{"the first", vault.Ring{Present: key(own), Tag: key(tag)}, true},
		{"the same", vault.Ring{Present: key(own), Tag: key(tag)}, true},
		{"another key", vault.Ring{Present: key(other), Tag: key(tag)}, false},
		{"another key of hashes", vault.Ring{Present: key(own), Tag: key(otherTag)}, false},
		{"another key as the next", vault.Ring{Present: key(other), Others: [][]byte{key(next)}, Tag: key(tag)}, false},
		{"the next, which knows the first", vault.Ring{Present: key(next), Others: [][]byte{key(own)}, Tag: key(tag)}, true},
		{"the first alone, later", vault.Ring{Present: key(own), Tag: key(tag)}, false},
	} {
		s, err := sqlite.Open(t.Context(), path)
		must(t, err)
		v, err := vault.Open(step.ring)
		must(t, err)
		err = hub.Admit(t.Context(), s, v)
		if (err == nil) != step.admitted || !step.admitted && !errors.Is(err, hub.ErrWrongVault) {
			t.Errorf("%s: %v", step.name, err)
		}
		must(t, s.Close())
	}
}
