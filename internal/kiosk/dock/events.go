package dock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// glance is how often the dock looks at what changes without being touched: a
// slip that grows, a card torn away.
const glance = 200 * time.Millisecond

// keepAlive is how often a quiet stream shows that it lives.
const keepAlive = 15 * time.Second

// bell wakes every listener at once.
type bell struct {
	mu   sync.Mutex
	next chan struct{} // closed at the next ring
}

func newBell() *bell { return &bell{next: make(chan struct{})} }

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.next)
	b.next = make(chan struct{})
}

func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

// events sends the whole state, again after each change, until the reader goes.
func (d *Dock) events(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	frames, err := d.Kiosk.Subscribe(ctx)
	if err != nil {
		d.fail(w, err)
		return
	}
	defer frames.Close()
	look := time.NewTicker(glance)
	defer look.Stop()
	var last []byte
	var sent time.Time
	for {
		rung := d.changed.wait()
		state, err := d.state(ctx)
		if err != nil {
			return // the kiosk or the reader has gone
		}
		raw, err := json.Marshal(state)
		if err != nil {
			d.Log.Error("Cannot encode the dock's state", "err", err)
			return
		}
		message := []byte(nil)
		switch now := time.Now(); {
		case !bytes.Equal(raw, last):
			message, last, sent = fmt.Appendf(nil, "data: %s\n\n", raw), raw, now
		case now.Sub(sent) > keepAlive:
			message, sent = []byte(":\n\n"), now
		}
		if message != nil {
			if err := out.SetWriteDeadline(time.Now().Add(5 * time.Second)); err != nil {
				return
			}
			if _, err := w.Write(message); err != nil {
				return
			}
			if err := out.Flush(); err != nil {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-d.Kiosk.Done():
			return
		case <-rung:
		case <-frames.C:
		case <-look.C:
		}
	}
}
