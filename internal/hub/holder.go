package hub

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// holderPatience is how long an older certificate may still be used after a newer one
// was: what the kiosk has begun with it ends meanwhile, and what was under way when its
// line broke arrives. It is also the time from one alarm to the next.
const holderPatience = 10 * time.Minute

// issuedAt is when the hub issued a kiosk's certificate, to the second.
func issuedAt(c *x509.Certificate) time.Time { return c.NotBefore.Add(CertificateEarly) }

// Former says whether a certificate that was issued then belongs to an enrolment of
// before the present one. Whoever holds it may be who the kiosk was revoked for: the
// right one has got another. The demo's kiosk has no enrolments: its key is made for
// each start.
func (k Kiosk) Former(issued time.Time) bool {
	return len(k.KeyHash) > 0 && issued.Before(k.EnrolledAt.Truncate(time.Second))
}

// Own gives c as one of the kiosk's present enrolment: issued no earlier than that,
// where the clock of another hub is a little ahead.
func (k Kiosk) Own(c Certificate) Certificate {
	if k.Former(c.Issued) {
		later := k.EnrolledAt.Sub(c.Issued)
		c.Issued, c.Expires = c.Issued.Add(later), c.Expires.Add(later)
	}
	return c
}

// holders remembers of each kiosk which certificate is the newest that was used. A
// kiosk goes from an older to a newer one and never back, so who uses an older one
// afterwards is a second holder of the key, or was put back to an earlier state. That
// a newer one was only issued says nothing: the answer may have been lost.
//
// It is this hub's own memory, as large as the fleet. Two holders that never come to the
// same hub are not seen by it.
type holders struct {
	mu  sync.Mutex
	all map[string]*holder
}

// holder is who used the newest certificate.
type holder struct {
	use   certificateUse
	first time.Time // use of it, as far as is known here
	told  time.Time // last alarm
}

// certificateUse is one certificate, and from where it was used.
type certificateUse struct {
	serial *big.Int
	issued time.Time
	remote string
}

func (u certificateUse) String() string {
	serial := u.serial.Text(16)
	return fmt.Sprintf("%s… issued %s, from %s", serial[:min(len(serial), 8)], u.issued.UTC().Format(time.RFC3339), u.remote)
}

// newer tells certificates apart that were issued in one second by their numbers: any
// order will do, as long as it is one.
func (u certificateUse) newer(than certificateUse) bool {
	if c := u.issued.Compare(than.issued); c != 0 {
		return c > 0
	}
	return u.serial.Cmp(than.serial) > 0
}

// used notes a use, and gives the newer one that stands against it, when an alarm is due.
func (h *holders) used(kiosk string, u certificateUse, now time.Time) (against certificateUse, alarm bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[string]*holder{}
	}
	k := h.all[kiosk]
	switch {
	case k == nil:
		h.all[kiosk] = &holder{use: u, first: now}
	case u.newer(k.use):
		k.use, k.first = u, now
	case !k.use.newer(u): // it is this one
		k.use.remote = u.remote
	case now.Sub(k.first) > holderPatience && (k.told.IsZero() || now.Sub(k.told) > holderPatience):
		k.told = now
		return k.use, true
	}
	return certificateUse{}, false
}

// holds notes with which certificate a kiosk asks. It says false when that is of an
// enrolment of before the present one.
func (a *API) holds(ctx context.Context, r *http.Request, k Kiosk) bool {
	cert := r.TLS.VerifiedChains[0][0]
	u := certificateUse{serial: cert.SerialNumber, issued: issuedAt(cert), remote: r.RemoteAddr}
	if len(k.KeyHash) > 0 {
		if newer, alarm := a.holders.used(k.ID, u, a.Now()); alarm {
			a.Log.Error("Kiosk is cloned", "kiosk", k.ID, "older", u.remote, "newer", newer.remote, "alarm", true)
			a.raise(ctx, Alarm{Kind: AlarmCloned, Kiosk: k.ID,
				Text: fmt.Sprintf("an older certificate is used beside a newer one: %s, and %s", u, newer)})
		}
	}
	return !k.Former(u.issued)
}
