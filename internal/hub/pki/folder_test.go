package pki

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func keyFiles() []string { return []string{"ca.key", "ca.pem", "seal.key", "ack.key", "vault.key"} }

func TestKeysStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "keys")
	first, err := Open(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first.Keys(), again.Keys()) || first.CAPEM() != again.CAPEM() {
		t.Error("the keys changed")
	}
	for _, name := range keyFiles() {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, st, err)
		}
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", st, err)
	}
}

// A key that got lost is not replaced without a word: all that kiosks hold sealed
// to it would be worthless.
func TestALostKeyIsNotMadeAnew(t *testing.T) {
	for _, name := range keyFiles() {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "keys")
			if _, err := Open(dir, time.Now()); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir, time.Now())
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "backup") {
				t.Errorf("err = %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				t.Error("it was made anew")
			}
		})
	}
}

// A first start that was cut short leaves nothing that stands in the way.
func TestFirstStartCutShort(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	for _, made := range []string{dir, dir + ".new"} {
		if err := os.Mkdir(made, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir+".new", "ca.key"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// Whatever is wrong with a file, the error names it and says what helps.
func TestKeysThatCannotBeUsed(t *testing.T) {
	other := filepath.Join(t.TempDir(), "keys")
	if _, err := Open(other, time.Now()); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(other, "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range keyFiles() {
		whole, err := os.ReadFile(filepath.Join(other, name))
		if err != nil {
			t.Fatal(err)
		}
		damaged := strings.Replace(string(whole), "\n-----END", "AAAA\n-----END", 1) // PEM still, and not what was in it
		if name == "ca.key" || name == "ca.pem" {
			damaged = damaged[:40] + "AAAA" + damaged[44:]
		}
		for what, text := range map[string]string{"no PEM": "half", "empty": "", "damaged": damaged} {
			dir := filepath.Join(t.TempDir(), "keys")
			if _, err := Open(dir, time.Now()); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir, time.Now())
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "backup") {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := Open(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	key, cert := filepath.Join(dir, "ca.key"), filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(key, foreign, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, time.Now())
	if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), cert) || !strings.Contains(err.Error(), "both from one backup") {
		t.Errorf("another hub's key: %v", err)
	}
}
