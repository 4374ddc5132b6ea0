package hubtest

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/wire"
)

// Code makes a pairing code for this hub.
func (h *Hub) Code(tb testing.TB) wire.PairingCode { return h.CodeAt(tb, h.Addr) }

// CodeAt makes one that names another address.
func (h *Hub) CodeAt(tb testing.TB, addr string) wire.PairingCode {
	tb.Helper()
	c, err := wire.NewPairingCode(addr, h.CA.Cert.Raw)
	if err != nil {
		tb.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.codes[hex.EncodeToString(c.TokenHash())] = &pairing{}
	return c
}

// Expire ends the life of a code.
func (h *Hub) Expire(c wire.PairingCode) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.codes[hex.EncodeToString(c.TokenHash())].expired = true
}

// RotateSeal has kiosks seal to a new key. The old ones still open.
func (h *Hub) RotateSeal(tb testing.TB) string {
	tb.Helper()
	k, err := wire.NewSealKey()
	if err != nil {
		tb.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seals = slices.Insert(h.seals, 0, k)
	return k.ID()
}

// RotateAck signs with a new key from now on, and lists the newest n.
func (h *Hub) RotateAck(tb testing.TB, n int) {
	tb.Helper()
	k, err := wire.NewAckKey()
	if err != nil {
		tb.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acks, h.listed, h.sign = slices.Insert(h.acks, 0, k), n, k
}

// SignUnlisted signs with a key that is listed nowhere.
func (h *Hub) SignUnlisted(tb testing.TB) {
	tb.Helper()
	k, err := wire.NewAckKey()
	if err != nil {
		tb.Fatal(err)
	}
	h.set(func() { h.sign = k })
}

// set changes the hub under its lock.
func (h *Hub) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	h.changed.Broadcast()
}

// Revoke accepts the kiosk no more, or again.
func (h *Hub) Revoke(yes bool) { h.set(func() { h.revoked = yes }) }

// Life is that of certificates from now on, and how long ago they began.
func (h *Hub) Life(life, early time.Duration) { h.set(func() { h.life, h.early = life, early }) }

// Ahead puts the hub's clock so far ahead.
func (h *Hub) Ahead(d time.Duration) { h.set(func() { h.skew = d }) }

// Lie spoils answers to enrolments; nil no more.
func (h *Hub) Lie(f func(*wire.Enrolled)) { h.set(func() { h.lie = f }) }

// Refuse answers a path with a problem; the zero problem no more.
func (h *Hub) Refuse(path string, p wire.Problem) {
	h.set(func() {
		delete(h.refuse, path)
		if p.Status != 0 {
			h.refuse[path] = p
		}
	})
}

// Name is how operators call the kiosk.
func (h *Hub) Name(name string) { h.set(func() { h.name = name }) }

// Asked is how often a path was asked for.
func (h *Hub) Asked(path string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked[path]
}

// Push sends a message over every link.
func (h *Hub) Push(m wire.LinkMessage) {
	h.set(func() {
		for c := range h.links {
			_ = c.WriteJSON(m)
		}
	})
}

// Say sends any text over every link.
func (h *Hub) Say(text string) {
	h.set(func() {
		for c := range h.links {
			_ = c.WriteMessage(websocket.TextMessage, []byte(text))
		}
	})
}

// DropLinks breaks every link.
func (h *Hub) DropLinks() {
	h.set(func() {
		for c := range h.links {
			_ = c.NetConn().Close()
		}
	})
}

// UntilLinks waits until so many links stand, and gives their runs.
func (h *Hub) UntilLinks(tb testing.TB, n int) []string {
	tb.Helper()
	var runs []string
	h.Until(tb, "links", func() bool {
		runs = nil
		for _, run := range h.links {
			runs = append(runs, run)
		}
		return len(runs) == n
	})
	return runs
}

// UntilAsked waits until a path was asked for n times.
func (h *Hub) UntilAsked(tb testing.TB, path string, n int) {
	tb.Helper()
	h.Until(tb, path, func() bool { return h.asked[path] >= n })
}

// UntilStored waits for a submission, and gives the key it was sealed to.
func (h *Hub) UntilStored(tb testing.TB, id string) (key string) {
	tb.Helper()
	h.Until(tb, "submission "+id, func() bool { key = h.stored[id]; return key != "" })
	return key
}

// UntilCert waits for a call under another certificate than the one that ends then.
func (h *Hub) UntilCert(tb testing.TB, not time.Time) {
	tb.Helper()
	h.Until(tb, "another certificate", func() bool { return h.lastCert != nil && !h.lastCert.NotAfter.Equal(not) })
}
