package hub_test

import (
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// copied is a second holder of this kiosk's key, with a certificate of its own choice;
// without one, the kiosk's.
func (n *newcomer) copied(k *kiosk, certPEM ...string) *kiosk {
	n.t.Helper()
	if len(certPEM) == 0 {
		certPEM = []string{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.pair.Certificate[0]}))}
	}
	return n.speaking(k.id, certPEM[0])
}

func (n *newcomer) renew(k *kiosk) *kiosk {
	n.t.Helper()
	got := call[wire.Renewed](k, wire.PathRenew, wire.RenewRequest{CSR: csrOf(n.t, n.key)}, http.StatusOK)
	return n.speaking(k.id, got.ClientCert)
}

func (k *kiosk) works() {
	k.t.Helper()
	if status, b := k.send(http.MethodPost, wire.PathReport, []byte("{}")); status != http.StatusNoContent {
		k.t.Errorf("answered %d %s", status, b)
	}
}

func (k *kiosk) shutOut() {
	k.t.Helper()
	k.refused(wire.PathReport, wire.Report{}, http.StatusForbidden, fault.KioskRevoked)
}

const monthAndMore = 40 * 24 * time.Hour

// A copy that opens no link renews its certificate and works beside the original.
func TestCopyThatRenewsIsNoticed(t *testing.T) {
	r := newRig(t)
	n := r.newcomer(t)
	right, _ := n.enrolled(r.invite("x"))
	right.works()
	r.ahead.Add(int64(monthAndMore))
	thief := n.renew(n.copied(right))
	right.works()
	thief.works()
	right.works() // a request may have been under way while it changed
	if list := cloned(t, r.store); len(list) != 0 {
		t.Errorf("an alarm at once: %+v", list)
	}
	r.ahead.Add(int64(11 * time.Minute))
	thief.works()
	right.works()
	right.works()
	list := cloned(t, r.store)
	if len(list) != 1 || list[0].Times != 1 || list[0].Kiosk != right.id {
		t.Fatalf("alarms %+v", list)
	}
	for _, k := range []*kiosk{right, thief} {
		cert := certOf(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.pair.Certificate[0]})))
		for _, part := range []string{cert.SerialNumber.Text(16)[:8], cert.NotBefore.Add(hub.CertificateEarly).UTC().Format(time.RFC3339), "127.0.0.1:"} {
			if !strings.Contains(list[0].Text, part) {
				t.Errorf("the alarm says %q, without %s", list[0].Text, part)
			}
		}
	}
	// It goes on, and counts up now and then.
	r.ahead.Add(int64(11 * time.Minute))
	right.works()
	if list = cloned(t, r.store); len(list) != 1 || list[0].Times != 2 {
		t.Errorf("alarms %+v", list)
	}
}

// The copy comes to nothing new, and the right one renews: the copy shows.
func TestCopyWithTheOldCertificateIsNoticed(t *testing.T) {
	r := newRig(t)
	n := r.newcomer(t)
	first, _ := n.enrolled(r.invite("x"))
	thief := n.copied(first)
	r.ahead.Add(int64(2 * monthAndMore))
	n.renew(first).works()
	r.ahead.Add(int64(time.Hour))
	n.renew(thief)
	if n := r.alarms(hub.AlarmCloned); n != 1 {
		t.Errorf("%d alarms", n)
	}
	if got := r.noted(hub.NoteKioskRenewed); strings.Join(got, ",") != first.id+":,"+first.id+":again" {
		t.Errorf("noted %q", got)
	}
}

// noted lists what the hubs' log tells of such an event.
func (r *rig) noted(event hub.NoteEvent) (all []string) {
	r.t.Helper()
	list, err := r.store.AuditEntries(r.t.Context(), "", hub.OwnLog, 0, -1)
	must(r.t, err)
	for _, e := range list {
		if e.Event == string(event) {
			all = append(all, e.Subject+":"+e.Detail)
		}
	}
	return all
}

// A kiosk asks again when answers get lost, may wait for weeks in between, and is one
// machine. So is one that has what it began with the old certificate come to its end.
func TestLostRenewalsAreNoCopy(t *testing.T) {
	r := newRig(t)
	n := r.newcomer(t)
	k, _ := n.enrolled(r.invite("x"))
	r.ahead.Add(int64(65 * 24 * time.Hour))
	for range 3 { // the answers get lost
		n.renew(k)
		r.ahead.Add(int64(time.Hour))
		k.works()
	}
	r.ahead.Add(int64(15 * 24 * time.Hour)) // no line
	k.works()
	n.renew(k)
	r.ahead.Add(int64(time.Hour)) // its disk took nothing
	k.works()
	renewed := n.renew(k)
	renewed.works()
	r.ahead.Add(int64(holderStray))
	k.works() // sent before, on a line that stuck
	renewed.works()
	r.ahead.Add(int64(monthAndMore))
	renewed.works()
	if list := cloned(t, r.store); len(list) != 0 {
		t.Errorf("alarms %+v", list)
	}
}

const holderStray = 2 * time.Minute

// Each renewal is noted for ever, so there are not any number of them.
func TestRenewalsAreBounded(t *testing.T) {
	r := newRig(t)
	n := r.newcomer(t)
	k, _ := n.enrolled(r.invite("x"))
	for range 10 {
		n.renew(k)
	}
	p := k.refused(wire.PathRenew, wire.RenewRequest{CSR: csrOf(t, n.key)}, http.StatusTooManyRequests, fault.TooFast)
	if p.RetryAfterSec <= 0 || p.RetryAfterSec > 400 {
		t.Errorf("again after %d s", p.RetryAfterSec)
	}
	if got := r.noted(hub.NoteKioskRenewed); len(got) != 10 {
		t.Errorf("noted %q", got)
	}
	r.ahead.Add(int64(7 * time.Minute))
	n.renew(k)
}

// Who was revoked and has a copy of the key stays out when the right one is enrolled
// anew: on requests, over its link, and when it renews.
func TestEnrollingAnewKeepsCopiesOut(t *testing.T) {
	for name, change := range map[string]func(*hub.Links){
		"by hint":  func(*hub.Links) {},
		"by sweep": func(l *hub.Links) { l.Sweep = 20 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			store := hub.Store(r.store)
			if name == "by sweep" {
				store = deaf{store}
			}
			l := r.takeLinks(store, change)
			n := r.newcomer(t)
			before, _ := n.enrolled(r.invite("x"))
			thief := n.renew(n.copied(before)) // as late as the new enrolment
			thief.works()
			over := open(t, thief, l, run1)
			rows(t, r.store, before.id, run1)
			code := r.invite("again")
			right, _ := n.enrolled(code)
			over.hears(wire.LinkRevoked)
			over.ends(websocket.ClosePolicyViolation)
			for _, k := range []*kiosk{before, thief} {
				k.shutOut()
				k.refused(wire.PathRenew, wire.RenewRequest{CSR: csrOf(t, n.key)}, http.StatusForbidden, fault.KioskRevoked)
				_, resp, err := dial(k, l, run1)
				if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
					t.Fatalf("a link is answered %v (%v)", resp, err)
				}
				must(t, resp.Body.Close())
			}
			right.works()
			at := open(t, right, l, run2)
			rows(t, r.store, before.id, run2)
			// The answer was lost, and comes again: all of this enrolment is good.
			again, _ := n.enrolled(code)
			again.works()
			right.works()
			n.renew(again).works()
			if !at.open() {
				t.Errorf("the right one's link has ended: %v", at.why)
			}
		})
	}
}

// A revocation that is lifted leaves certificates as they were.
func TestRestoreKeepsCertificates(t *testing.T) {
	r := newRig(t)
	n := r.newcomer(t)
	k, _ := n.enrolled(r.invite("x"))
	renewed := n.renew(k)
	must(t, r.store.Revoke(t.Context(), k.id, "by mistake", r.now()))
	k.shutOut()
	r.ahead.Add(int64(time.Hour))
	must(t, r.store.Restore(t.Context(), k.id, r.now()))
	k.works()
	renewed.works()
}
