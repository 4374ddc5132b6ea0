package pki

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

// set is all rings as they were read at one moment.
type set struct {
	rings map[Kind]ring
	seal  map[string]wire.SealPrivateKey
	ack   ed25519.PrivateKey // the present one
	acks  []wire.AckKey      // of public halves, the present one first
}

// home is where the rings lie.
type home struct {
	folder
	vaultFile string // "" = in the folder
}

func (h home) path(k Kind) string {
	if k == Vault && h.vaultFile != "" {
		return h.vaultFile
	}
	return filepath.Join(h.folder.path, k.file())
}

// open reads the rings; at the first start it makes those that are not there.
func (h home) open(now time.Time) (set, error) {
	s := set{rings: map[Kind]ring{}}
	for _, k := range Kinds() {
		r, err := h.read(k)
		if errors.Is(err, fs.ErrNotExist) && h.first {
			r, err = h.create(k, now)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("cannot find %s: restore it from the backup: "+
				"with a new one, what kiosks hold and what is stored could not be read or trusted", h.path(k))
		}
		if err != nil {
			return set{}, err
		}
		s.rings[k] = r
	}
	return s, s.prepare()
}

func (h home) read(k Kind) (ring, error) {
	path := h.path(k)
	text, err := os.ReadFile(path)
	if err != nil {
		return ring{}, fmt.Errorf("cannot read %s: %w", k.file(), err)
	}
	rights := fs.FileMode(0o077)
	if path == h.vaultFile {
		rights = 0o007 // of a systemd credential, group rights show the owner's
	}
	if err := closed(path, path, rights); err != nil {
		return ring{}, err
	}
	r, err := parseRing(k, text, k.id)
	if err != nil {
		return ring{}, unusable(path, err)
	}
	return r, nil
}

// create makes a ring of one key.
func (h home) create(k Kind, now time.Time) (ring, error) {
	secret, id, err := k.make()
	if err != nil {
		return ring{}, fmt.Errorf("cannot make %s: %w", k.file(), err)
	}
	r := ring{kind: k, keys: []Key{{ID: id, State: Present, Since: now, secret: secret}}}
	if k == Vault {
		r.tag = random(vault.KeySize)
	}
	return r, h.store(r)
}

func (h home) store(r ring) error {
	if err := h.write(h.path(r.kind), r.encode()); err != nil {
		return fmt.Errorf("cannot write %s: %w", h.path(r.kind), err)
	}
	return nil
}

// lock lets one process at a time change the rings.
func (h home) lock() (unlock func(), err error) {
	d, err := os.Open(h.folder.path)
	if err != nil {
		return nil, fmt.Errorf("cannot lock key folder: %w", err)
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("cannot lock key folder: another hubd keys is changing it: %w", err)
	}
	return func() { _ = d.Close() }, nil
}

// make makes a key and its ID.
func (k Kind) make() (secret []byte, id string, err error) {
	switch k {
	case Ack:
		var key ed25519.PrivateKey
		if key, err = wire.NewAckKey(); err == nil {
			secret = key.Seed()
		}
	case Seal:
		var key wire.SealPrivateKey
		if key, err = wire.NewSealKey(); err == nil {
			secret, err = key.Bytes()
		}
	case Vault:
		secret = random(vault.KeySize)
	default:
		err = fmt.Errorf("cannot make a key of kind %q", k)
	}
	if err != nil {
		return nil, "", err
	}
	id, err = k.id(secret)
	return secret, id, err
}

// id names the key of a secret.
func (k Kind) id(secret []byte) (string, error) {
	switch k {
	case Ack:
		if len(secret) != ed25519.SeedSize {
			return "", errors.New("a key has the wrong length")
		}
		return wire.AckKeyOf(public(secret)).ID, nil
	case Seal:
		key, err := wire.ParseSealPrivateKey(secret)
		return key.ID(), err
	default:
		return vault.KeyID(secret)
	}
}

func public(seed []byte) ed25519.PublicKey {
	return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// prepare parses what is asked for with every submission.
func (s *set) prepare() error {
	s.seal = map[string]wire.SealPrivateKey{}
	for _, k := range s.rings[Seal].keys {
		key, err := wire.ParseSealPrivateKey(k.secret)
		if err != nil {
			return err
		}
		s.seal[k.ID] = key
	}
	s.ack = ed25519.NewKeyFromSeed(s.rings[Ack].present().secret) // once: it takes as long as a signature
	s.acks = nil
	for _, k := range s.rings[Ack].keys {
		s.acks = append(s.acks, wire.AckKeyOf(public(k.secret)))
	}
	v := s.rings[Vault]
	if v.tag != nil {
		return nil
	}
	// A file of the first version: the two keys were derived from one.
	var err error
	v.tag, err = vault.TagKey(v.present().secret)
	s.rings[Vault] = v
	return err
}

func (s set) hub() hub.Keys {
	return hub.Keys{
		Seal: s.seal, SealTo: s.rings[Seal].present().ID,
		Ack: s.ack, Acks: s.acks,
	}
}

func (s set) vaultRing() vault.Ring {
	keys := s.rings[Vault].keys
	r := vault.Ring{Present: keys[0].secret, Oldest: keys[len(keys)-1].secret, Tag: s.rings[Vault].tag}
	for _, k := range keys[1:] {
		r.Others = append(r.Others, k.secret)
	}
	if n, ok := s.rings[Vault].next(); ok && n.ID == keys[len(keys)-1].ID {
		r.Oldest = keys[0].secret // no earlier one: the next has sealed nothing yet
	}
	return r
}
