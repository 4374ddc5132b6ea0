package pki

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

func opened(t *testing.T, dir string, now time.Time) *PKI {
	t.Helper()
	p, err := Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func states(p *PKI, k Kind) (list []string) {
	for _, key := range p.List(k) {
		list = append(list, string(key.State))
	}
	return list
}

func TestKeysChangeStepByStep(t *testing.T) {
	for _, k := range Kinds() {
		t.Run(string(k), func(t *testing.T) {
			now := time.Now().UTC().Truncate(time.Second)
			dir := filepath.Join(t.TempDir(), "keys")
			p := opened(t, dir, now)
			mark, err := p.Fingerprint()
			must(t, err)
			first := p.List(k)[0].ID
			if _, err := p.Use(k, now, true); err == nil {
				t.Error("uses a next key that is not there")
			}
			next, err := p.Rotate(k, now)
			must(t, err)
			if _, err := p.Rotate(k, now); err == nil || !strings.Contains(err.Error(), next.ID) {
				t.Errorf("a second next key: %v", err)
			}
			if got := fmt.Sprint(states(p, k)); got != "[present next]" || p.List(k)[0].ID != first {
				t.Errorf("rotated: %s", got)
			}
			if _, err := p.Use(k, now.Add(time.Minute), false); !errors.Is(err, ErrEarly) {
				t.Errorf("too early: %v", err)
			}
			if err := p.Retire(k, first); !errors.Is(err, ErrInUse) {
				t.Errorf("retires the present key: %v", err)
			}
			used, err := p.Use(k, now.Add(k.settle()), false)
			must(t, err)
			if got := fmt.Sprint(states(p, k)); used.ID != next.ID || got != "[present earlier]" || p.List(k)[1].ID != first {
				t.Errorf("used: %s, %s", used.ID, got)
			}
			again := opened(t, dir, now) // what was written is what is
			if a, b := fmt.Sprint(p.List(k)), fmt.Sprint(again.List(k)); a != b {
				t.Errorf("read again: %s, not %s", b, a)
			}
			if got, err := again.Fingerprint(); err != nil || got != mark {
				t.Errorf("new keys made it another hub: %v", err)
			}
			must(t, p.Retire(k, first))
			if got := fmt.Sprint(states(p, k)); got != "[present]" {
				t.Errorf("retired: %s", got)
			}
			if err := p.Retire(k, first); err == nil {
				t.Error("retired twice")
			}
			if st, err := os.Stat(filepath.Join(dir, k.file())); err != nil || st.Mode().Perm() != 0o600 {
				t.Errorf("mode %v (%v)", st, err)
			}
		})
	}
}

// Kiosks learn a key before it signs, and what an earlier one signed still counts.
func TestAcknowledgementsCountAcrossAChange(t *testing.T) {
	now := time.Now()
	p := opened(t, filepath.Join(t.TempDir(), "keys"), now)
	sign := func() wire.SignedAck {
		t.Helper()
		_, _, acks := p.Keys().Offer()
		s, err := wire.SignAck(p.Keys().Ack, acks[0].ID, wire.AckBody{
			Schema: wire.Schema, ID: testID, Hash: make([]byte, 32), Kiosk: "demo", StoredAt: now.UTC(), Verdict: wire.Verdict{Accepted: true},
		})
		must(t, err)
		return s
	}
	kiosk := func() *wire.AckVerifier {
		t.Helper()
		_, _, acks := p.Keys().Offer()
		v, err := wire.NewAckVerifier(acks...)
		must(t, err)
		return v
	}
	counts := func(v *wire.AckVerifier, s wire.SignedAck) bool {
		_, err := v.Verify(s, testID, make([]byte, 32), "demo")
		return err == nil
	}
	old, stale := sign(), kiosk()
	_, err := p.Rotate(Ack, now)
	must(t, err)
	learnt := kiosk()
	if sign().KeyID != old.KeyID {
		t.Error("the next key signs already")
	}
	_, err = p.Use(Ack, now, true)
	must(t, err)
	fresh := sign()
	if fresh.KeyID == old.KeyID {
		t.Error("the earlier key still signs")
	}
	for name, v := range map[string]*wire.AckVerifier{"learnt before": learnt, "learnt after": kiosk()} {
		if !counts(v, old) || !counts(v, fresh) {
			t.Errorf("a kiosk that %s: old %v, new %v", name, counts(v, old), counts(v, fresh))
		}
	}
	if counts(stale, fresh) {
		t.Error("a kiosk accepts a key that nobody told it of")
	}
	must(t, p.Retire(Ack, old.KeyID))
	if counts(kiosk(), old) {
		t.Error("a retired key still counts")
	}
}

func TestSubmissionsOpenAcrossAChange(t *testing.T) {
	now := time.Now()
	p := opened(t, filepath.Join(t.TempDir(), "keys"), now)
	id, _, _ := p.Keys().Offer()
	next, err := p.Rotate(Seal, now)
	must(t, err)
	if got, _, _ := p.Keys().Offer(); got != id {
		t.Error("kiosks get the next key before all hubs have it")
	}
	if _, ok := p.Keys().Seal[next.ID]; !ok {
		t.Error("the next key does not open yet")
	}
	_, err = p.Use(Seal, now, true)
	must(t, err)
	got, pub, _ := p.Keys().Offer()
	key, err := wire.ParseSealPublicKey(pub)
	must(t, err)
	if got != next.ID || key.ID() != next.ID {
		t.Errorf("kiosks get %s", got)
	}
	if _, ok := p.Keys().Seal[id]; !ok {
		t.Error("the earlier key does not open any more")
	}
}

// A running hub follows the folder, and its vault with it.
func TestRunningHubFollows(t *testing.T) {
	now := time.Now()
	dir := filepath.Join(t.TempDir(), "keys")
	hub, tool := opened(t, dir, now), opened(t, dir, now)
	v, err := hub.Vault()
	must(t, err)
	before := v.Seal("x", []byte("a"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	hup := make(chan os.Signal)
	told := make(chan error)
	var allow error
	go hub.Follow(ctx, Following{
		Every: time.Hour, Now: hup, Told: func(_ bool, err error) { told <- err },
		// The database is asked meanwhile: keys are in use all the same.
		Allow: func(*PKI) error { hub.List(Ack); return allow },
	})
	look := func() error { hup <- os.Interrupt; return <-told }
	_, err = tool.Rotate(Vault, now)
	must(t, err)
	next, err := tool.Use(Vault, now, true)
	must(t, err)
	allow = errors.New("no")
	if err := look(); !errors.Is(err, allow) || v.Present() == next.ID {
		t.Errorf("what must not be came: %v", err)
	}
	allow = nil
	must(t, look())
	if v.Present() != next.ID {
		t.Errorf("the vault seals with %s", v.Present())
	}
	if got, err := v.Open("x", before); err != nil || string(got) != "a" {
		t.Errorf("what was sealed before opens as %q (%v)", got, err)
	}
	// A file that is being copied, and another hub's, change nothing.
	path := filepath.Join(dir, "vault.key")
	whole, err := os.ReadFile(path)
	must(t, err)
	foreign := opened(t, filepath.Join(t.TempDir(), "keys"), now)
	_, err = foreign.Rotate(Vault, now)
	must(t, err)
	for name, text := range map[string][]byte{
		"half": whole[:len(whole)/2], "one block": whole[:bytes.Index(whole[1:], []byte("-----BEGIN"))+1], "nothing": {},
		"another hub's": foreign.set.rings[Vault].encode(),
	} {
		must(t, os.WriteFile(path, text, 0o600))
		if err := look(); err == nil || v.Present() != next.ID {
			t.Errorf("%s: %v, present %s", name, err, v.Present())
		}
	}
	must(t, os.WriteFile(path, whole, 0o600))
	must(t, look())
	for _, k := range []Kind{Ack, Seal} {
		path := filepath.Join(dir, k.file())
		whole, err := os.ReadFile(path)
		must(t, err)
		present := hub.List(k)[0].ID
		must(t, os.WriteFile(path, foreign.set.rings[k].encode(), 0o600))
		if err := look(); err == nil || hub.List(k)[0].ID != present {
			t.Errorf("another hub's %s: %v, present %s", k, err, hub.List(k)[0].ID)
		}
		must(t, os.WriteFile(path, whole, 0o600))
		must(t, look())
	}
}

// A folder of the first version has one block a file and no headers, and its
// keyed hashes come from the vault's only key.
func TestFolderOfTheFirstVersion(t *testing.T) {
	now := time.Now()
	dir := filepath.Join(t.TempDir(), "keys")
	p := opened(t, dir, now)
	master := bytes.Repeat([]byte{7}, vault.KeySize)
	for _, k := range Kinds() {
		secret := p.set.rings[k].present().secret
		if k == Vault {
			secret = master
		}
		must(t, os.WriteFile(filepath.Join(dir, k.file()), pem.EncodeToMemory(&pem.Block{Type: k.block(), Bytes: secret}), 0o600))
	}
	old, err := vault.New(master)
	must(t, err)
	tag, sealed := old.Tag("person", []byte("p")), old.Seal("x", []byte("y"))
	p = opened(t, dir, now)
	for _, step := range []string{"as it was", "after a change"} {
		if step != "as it was" {
			_, err := p.Rotate(Vault, now)
			must(t, err)
			_, err = p.Use(Vault, now, true)
			must(t, err)
		}
		v, err := opened(t, dir, now).Vault()
		must(t, err)
		if v.Tag("person", []byte("p")) != tag {
			t.Errorf("%s: persons are not recognised", step)
		}
		if got, err := v.Open("x", sealed); err != nil || string(got) != "y" {
			t.Errorf("%s: opens %q (%v)", step, got, err)
		}
	}
}

func TestVaultKeysElsewhere(t *testing.T) {
	now := time.Now()
	dir := filepath.Join(t.TempDir(), "keys")
	file := filepath.Join(t.TempDir(), "vault.key")
	p, err := OpenWith(dir, file, now)
	must(t, err)
	if _, err := os.Stat(filepath.Join(dir, "vault.key")); !os.IsNotExist(err) {
		t.Errorf("it lies in the folder as well: %v", err)
	}
	_, err = p.Rotate(Vault, now)
	must(t, err)
	again, err := OpenWith(dir, file, now)
	must(t, err)
	if len(again.List(Vault)) != 2 {
		t.Errorf("keys %v", again.List(Vault))
	}
	must(t, os.Chmod(file, 0o640)) // as a systemd credential looks
	_, err = OpenWith(dir, file, now)
	must(t, err)
	must(t, os.Chmod(file, 0o644))
	if _, err := OpenWith(dir, file, now); err == nil {
		t.Error("a key that all can read")
	}
	for _, other := range []string{"", filepath.Join(t.TempDir(), "vault.key")} {
		if _, err := OpenWith(dir, other, now); err == nil || !strings.Contains(err.Error(), "backup") {
			t.Errorf("%q: %v", other, err)
		}
	}
}

func TestRingsThatAreRefused(t *testing.T) {
	p := opened(t, filepath.Join(t.TempDir(), "keys"), time.Now())
	good := string(p.set.rings[Ack].encode())
	block := func(state string, fill byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: Ack.block(), Headers: map[string]string{"State": state}, Bytes: bytes.Repeat([]byte{fill}, 32)}))
	}
	for name, text := range map[string]string{
		"empty": "", "not PEM": "x", "text before": "x\n" + good, "text behind": good + "x", "two present": strings.Replace(good, "Keys: 1", "Keys: 2", 1) + block("present", 1),
		"none present": strings.Replace(good, "present", "earlier", 1), "unknown state": strings.Replace(good, "present", "retired", 1),
		"too few": strings.Replace(good, "Keys: 1", "Keys: 2", 1), "too many": good + block("next", 1), "no number": strings.Replace(good, "Keys: 1", "Keys: x", 1),
		"twice":   strings.Replace(good, "Keys: 1", "Keys: 2", 1) + strings.Replace(strings.Replace(good, "present", "earlier", 1), "Keys: 1\n", "", 1),
		"no date": strings.Replace(good, "Since: 2", "Since: x", 1), "another type": strings.ReplaceAll(good, "ACK", "SEAL"),
		"short": block("present", 1)[:60] + "\n-----END KIOSKD ACK KEY-----\n",
	} {
		if r, err := parseRing(Ack, []byte(text), Ack.id); err == nil {
			t.Errorf("%s: read as %v", name, r.keys)
		}
	}
	if _, err := parseRing(Ack, []byte(good), Ack.id); err != nil {
		t.Error(err)
	}
}

func FuzzRing(f *testing.F) {
	r := ring{kind: Vault, tag: make([]byte, vault.KeySize)}
	for i, s := range []State{Present, Next, Earlier} {
		secret := bytes.Repeat([]byte{byte(i)}, vault.KeySize)
		id, err := Vault.id(secret)
		if err != nil {
			f.Fatal(err)
		}
		r.keys = append(r.keys, Key{ID: id, State: s, Since: time.Unix(1e9, 0), secret: secret})
	}
	f.Add(r.encode())
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRing(Vault, b, Vault.id)
		if err != nil {
			return
		}
		again, err := parseRing(Vault, r.encode(), Vault.id)
		if err != nil || !bytes.Equal(again.encode(), r.encode()) {
			t.Errorf("does not come back: %v", err)
		}
	})
}

const testID = "01JD0000000000000000000000"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
