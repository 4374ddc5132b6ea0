package hub

import (
	"errors"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// How often a kiosk may renew: once in two months is usual, and now and then an answer
// gets lost. Each is noted for ever.
const (
	renewBurst = 10
	renewEvery = 6 * time.Minute
)

// renew issues a new certificate for the key of the present one.
func (a *API) renew(w http.ResponseWriter, r *http.Request, k Kiosk) {
	b, p := body(w, r)
	if p != nil {
		replyProblem(w, p)
		return
	}
	req, err := wire.Decode[wire.RenewRequest](b)
	if err != nil {
		a.garbage(r.Context(), k.ID, r.URL.Path)
		replyProblem(w, refuse(http.StatusBadRequest, fault.BadMessage, err.Error()))
		return
	}
	key, spki, err := keyOf(req.CSR)
	if err == nil && !sameKey(r, spki) {
		err = errors.New("the key is another than that of the present certificate: only enrolling changes it")
	}
	if err != nil {
		p := refuse(http.StatusBadRequest, fault.BadMessage, err.Error())
		p.Field = "csr"
		replyProblem(w, p)
		return
	}
	if wait := a.renewals.wait(k.ID, rate.Every(renewEvery), renewBurst, a.Now()); wait > 0 {
		p := refuse(http.StatusTooManyRequests, fault.TooFast, "too many renewals of this kiosk")
		p.RetryAfter = wait
		replyProblem(w, p)
		return
	}
	cert := k.Own(NewCertificate(k.ID, a.Now()))
	err = a.Store.Certify(r.Context(), cert, k.EnrolledAt, r.TLS.VerifiedChains[0][0].SerialNumber.Text(16))
	switch {
	case errors.Is(err, ErrNotFound): // enrolled anew since the request came
		replyFormer(w)
		return
	case err != nil:
		a.broken(w, "certificate not noted", err)
		return
	}
	certPEM, err := a.Authority.Client(cert, key)
	if err != nil {
		a.broken(w, "certificate not issued", err)
		return
	}
	a.Log.Info("Certificate renewed", "kiosk", k.ID, "remote", r.RemoteAddr, "serial", cert.Serial, "until", cert.Expires)
	a.answerJSON(w, wire.Renewed{ClientCert: certPEM})
}

func sameKey(r *http.Request, spki []byte) bool {
	return string(r.TLS.VerifiedChains[0][0].RawSubjectPublicKeyInfo) == string(spki)
}

// RenewedAgain stands beside [NoteKioskRenewed] when a newer certificate than the one that
// asked was issued before: the newest's answer was lost, or another holder of the key has
// got it, which shows as soon as both are used. By whom a kiosk was renewed is not known,
// only that it was somebody with its key.
const RenewedAgain = "again"

// replyFormer refuses a certificate of an earlier enrolment. To whoever holds it the
// kiosk is revoked: as little as any other request may a new enrolment let it in.
func replyFormer(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	replyProblem(w, refuse(http.StatusForbidden, fault.KioskRevoked, "this kiosk was enrolled anew: this certificate is of before"))
}
