package pki

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"kioskd/internal/hub/vault"
)

// List gives the keys of a kind: the present one, the next, earlier ones.
func (p *PKI) List(k Kind) []Key {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.Clone(p.set.rings[k].keys)
}

// Rotate makes a next key. Hubs and kiosks learn it; nothing is done with it yet.
func (p *PKI) Rotate(k Kind, now time.Time) (Key, error) {
	var made Key
	err := p.change(k, func(r ring) (ring, error) {
		secret, id, err := k.make()
		if err != nil {
			return ring{}, err
		}
		if r, err = r.rotated(id, secret, now); err != nil {
			return ring{}, err
		}
		made, _ = r.next()
		return r, nil
	})
	return made, err
}

// Use makes the next key the present one. When others may not have it yet it gives
// ErrEarly, unless at once.
func (p *PKI) Use(k Kind, now time.Time, atOnce bool) (Key, error) {
	var used Key
	err := p.change(k, func(r ring) (ring, error) {
		r, err := r.advanced(now, atOnce)
		if err == nil {
			used = r.present()
		}
		return r, err
	})
	return used, err
}

// Retire deletes a key that is not the present one. Whether something still needs
// it is for the caller to know: what is sealed with it opens nowhere any more.
func (p *PKI) Retire(k Kind, id string) error {
	return p.change(k, func(r ring) (ring, error) { return r.without(id) })
}

// change reads the ring again, changes and writes it, one process at a time.
func (p *PKI) change(k Kind, f func(ring) (ring, error)) error {
	unlock, err := p.home.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := p.Reload(); err != nil {
		return err
	}
	p.mu.RLock()
	r := p.set.rings[k]
	p.mu.RUnlock()
	if r, err = f(r); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return fmt.Errorf("cannot change %s: %w", k.file(), err)
	}
	if err := p.home.store(r); err != nil {
		return err
	}
	_, err = p.Reload()
	return err
}

// Reload reads the rings again and says whether they changed. When they cannot be
// read, those from before stay.
func (p *PKI) Reload() (changed bool, err error) {
	return p.reload(nil)
}

// reload hands what was read to allow before it counts.
func (p *PKI) reload(allow func(*PKI) error) (changed bool, err error) {
	// One at a time; whoever uses the keys does not wait meanwhile: allow may ask a
	// database that is away.
	p.reloading.Lock()
	defer p.reloading.Unlock()
	s, err := p.home.open(time.Time{})
	if err != nil {
		return false, err
	}
	p.mu.RLock()
	was := p.set
	p.mu.RUnlock()
	same := true
	for _, k := range Kinds() {
		same = same && bytes.Equal(s.rings[k].encode(), was.rings[k].encode())
	}
	if same {
		return false, nil
	}
	foreign := !bytes.Equal(s.rings[Vault].tag, was.rings[Vault].tag)
	for _, k := range Kinds() { // a ring goes on from the one before
		foreign = foreign || !s.rings[k].sharesKey(was.rings[k])
	}
	if foreign {
		return false, errors.New("cannot use the keys that were put there: they are those of another hub")
	}
	if allow != nil {
		draft := &PKI{ca: p.ca, caKey: p.caKey, home: p.home, set: s}
		if draft.vault, err = vault.Open(s.vaultRing()); err == nil {
			err = allow(draft)
		}
		if err != nil {
			return false, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.vault.Replace(s.vaultRing()); err != nil {
		return false, err
	}
	p.set = s
	return true, nil
}

// Following says how [PKI.Follow] does it.
type Following struct {
	Every time.Duration    // how often it looks
	Now   <-chan os.Signal // a signal makes it look at once; may be nil
	// Allow may refuse new keys before they count; may be nil.
	Allow func(next *PKI) error
	// Told hears of every change, and of every reason why there was none.
	Told func(changed bool, err error)
}

// Follow reads the rings again whenever they change, until ctx ends. A ring that
// cannot be read (it is just being copied) changes nothing.
func (p *PKI) Follow(ctx context.Context, f Following) {
	t := time.NewTicker(f.Every)
	defer t.Stop()
	last := ""
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-f.Now:
			asked = true
		}
		changed, err := p.reload(f.Allow)
		text := ""
		if err != nil {
			text = err.Error()
		}
		// The same complaint is made once, not every few seconds.
		if changed || asked || text != last && err != nil {
			f.Told(changed, err)
		}
		last = text
	}
}
