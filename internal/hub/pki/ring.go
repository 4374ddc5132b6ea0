package pki

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// State is where a key stands in its life.
type State string

// The states, in the order of a key's life. A key that is retired is gone.
const (
	Next    State = "next"    // made known, and not in use yet
	Present State = "present" // in use
	Earlier State = "earlier" // no longer used, and still good for what it was used on
)

// Kind is what keys are for.
type Kind string

// The kinds of keys that can be changed. The CA's cannot: kiosks pin it.
const (
	Ack   Kind = "ack"   // signs acknowledgements
	Seal  Kind = "seal"  // opens submissions
	Vault Kind = "vault" // encrypts the hub's database
)

// Kinds are all kinds, as they are listed.
func Kinds() []Kind { return []Kind{Ack, Seal, Vault} }

// settle is how long a next key waits before it is used: until every hub has
// read it again, and of acknowledgements until every kiosk that is on the line
// has asked for it. A kiosk that comes later loses nothing: it does not accept
// what it cannot check, asks what is new, and hands over once more.
func (k Kind) settle() time.Duration {
	if k == Ack {
		return 24 * time.Hour
	}
	return 10 * time.Minute
}

func (k Kind) file() string { return string(k) + ".key" }

func (k Kind) block() string {
	return map[Kind]string{Ack: "KIOSKD ACK KEY", Seal: "KIOSKD SEAL KEY", Vault: "KIOSKD VAULT KEY"}[k]
}

// Key is one key of a ring. Its secret stays in this package.
type Key struct {
	ID    string
	State State
	Since time.Time // of the state; zero when it was not noted

	secret []byte
}

// Format keeps the secret out of logs in every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "%s (%s)", k.ID, k.State) }

// ring holds all keys of one kind: the present one first, then the next, then
// earlier ones, newest first. It is one file of PEM blocks, so that it changes and
// is copied as one; headers say where each key stands. The file of one key and no
// headers is the first version's.
type ring struct {
	kind Kind
	keys []Key
	tag  []byte // of the vault: the key of keyed hashes, which is never changed
}

// Headers of the blocks.
const (
	headState = "State"
	headSince = "Since"
	headCount = "Keys" // in the first block: a file that was copied by half does not count
	tagBlock  = "KIOSKD TAG KEY"
)

func (r ring) encode() []byte {
	var b bytes.Buffer
	for i, k := range r.keys {
		head := map[string]string{headState: string(k.State)}
		if !k.Since.IsZero() {
			head[headSince] = k.Since.UTC().Format(time.RFC3339)
		}
		if i == 0 {
			head[headCount] = strconv.Itoa(len(r.keys))
		}
		_ = pem.Encode(&b, &pem.Block{Type: r.kind.block(), Headers: head, Bytes: k.secret}) // into memory
	}
	if r.tag != nil {
		_ = pem.Encode(&b, &pem.Block{Type: tagBlock, Bytes: r.tag})
	}
	return b.Bytes()
}

// parseRing reads what encode gave. idOf names a key, and refuses what is none. Its
// errors say what is wrong; in which file is for the caller to say.
func parseRing(kind Kind, text []byte, idOf func([]byte) (string, error)) (ring, error) {
	r := ring{kind: kind}
	bad := func(what string) (ring, error) { return ring{}, errors.New(what) }
	count := 1
	for len(text) > 0 {
		b, rest := pem.Decode(text)
		if b == nil || !bytes.HasPrefix(text, []byte("-----BEGIN ")) {
			return bad("not blocks in PEM")
		}
		text = rest
		switch {
		case b.Type == tagBlock && kind == Vault && r.tag == nil && len(r.keys) > 0:
			r.tag = b.Bytes
			continue
		case b.Type != kind.block():
			return bad("it holds a block of another type")
		case r.tag != nil:
			return bad("a block stands behind the last one")
		}
		k, err := keyOf(b, idOf)
		if err != nil {
			return bad(err.Error())
		}
		if n, ok := b.Headers[headCount]; ok && len(r.keys) == 0 {
			if count, err = strconv.Atoi(n); err != nil {
				return bad("its number of keys is no number")
			}
		}
		r.keys = append(r.keys, k)
	}
	if len(r.keys) != count {
		return bad(fmt.Sprintf("it holds %d keys, not %d: was it copied by half?", len(r.keys), count))
	}
	if kind == Vault && r.tag == nil && (len(r.keys) != 1 || !r.keys[0].Since.IsZero()) {
		return bad("the key of keyed hashes is missing")
	}
	return r, r.check()
}

func keyOf(b *pem.Block, idOf func([]byte) (string, error)) (Key, error) {
	id, err := idOf(b.Bytes)
	if err != nil {
		return Key{}, err
	}
	k := Key{ID: id, State: Present, secret: b.Bytes}
	if s, ok := b.Headers[headState]; ok {
		k.State = State(s)
	}
	if s, ok := b.Headers[headSince]; ok {
		if k.Since, err = time.Parse(time.RFC3339, s); err != nil {
			return Key{}, errors.New("a date is none")
		}
	}
	return k, nil
}

// check says that one key is present, at most one is next, and none is there twice.
func (r ring) check() error {
	n := map[State]int{}
	ids := map[string]bool{}
	for _, k := range r.keys {
		n[k.State]++
		ids[k.ID] = true
	}
	switch {
	case n[Present] != 1 || n[Next] > 1 || n[Present]+n[Next]+n[Earlier] != len(r.keys):
		return errors.New("it needs one key that is present and at most one that is next")
	case r.keys[0].State != Present:
		return errors.New("the present key is not the first")
	case len(ids) != len(r.keys):
		return errors.New("a key is in it twice")
	}
	return nil
}

func (r ring) present() Key { return r.keys[0] }

func (r ring) next() (Key, bool) {
	i := slices.IndexFunc(r.keys, func(k Key) bool { return k.State == Next })
	if i < 0 {
		return Key{}, false
	}
	return r.keys[i], true
}

// Errors of changing keys.
var (
	// ErrEarly says that others may not know the next key yet.
	ErrEarly = errors.New("cannot use the next key yet")
	// ErrInUse says that a key cannot be retired.
	ErrInUse = errors.New("cannot retire this key")
)

// rotated has one more key, which is next.
func (r ring) rotated(id string, secret []byte, now time.Time) (ring, error) {
	if k, ok := r.next(); ok {
		return ring{}, fmt.Errorf("cannot rotate: %s is next since %s: use it first", k.ID, since(k))
	}
	r.keys = slices.Insert(slices.Clone(r.keys), 1, Key{ID: id, State: Next, Since: now, secret: secret})
	return r, nil
}

// advanced has the next key as the present one. Unless at once, the key must have
// been next for long enough.
func (r ring) advanced(now time.Time, atOnce bool) (ring, error) {
	next, ok := r.next()
	if !ok {
		return ring{}, errors.New("cannot use the next key: there is none: rotate first")
	}
	if from := next.Since.Add(r.kind.settle()); !atOnce && now.Before(from) {
		return ring{}, fmt.Errorf("%w: %s can be used from %s on, when all who need it have it; --now does not wait",
			ErrEarly, next.ID, from.UTC().Format(time.RFC3339))
	}
	old := r.present()
	next.State, next.Since, old.State, old.Since = Present, now, Earlier, now
	keys := []Key{next, old}
	for _, k := range r.keys {
		if k.State == Earlier {
			keys = append(keys, k)
		}
	}
	r.keys = keys
	return r, nil
}

// without lacks one earlier key, or the next one that was not used.
func (r ring) without(id string) (ring, error) {
	i := slices.IndexFunc(r.keys, func(k Key) bool { return k.ID == id })
	switch {
	case i < 0:
		return ring{}, fmt.Errorf("cannot retire: there is no %s key %s", r.kind, id)
	case r.keys[i].State == Present:
		return ring{}, fmt.Errorf("%w: it is the present one", ErrInUse)
	}
	r.keys = slices.Delete(slices.Clone(r.keys), i, i+1)
	return r, nil
}

func since(k Key) string {
	if k.Since.IsZero() {
		return "the first start"
	}
	return k.Since.UTC().Format(time.RFC3339)
}

// sharesKey reports whether a key of the other ring is in this one.
func (r ring) sharesKey(other ring) bool {
	return slices.ContainsFunc(r.keys, func(k Key) bool {
		return slices.ContainsFunc(other.keys, func(o Key) bool { return o.ID == k.ID })
	})
}
