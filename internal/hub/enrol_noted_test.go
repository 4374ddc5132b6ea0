package hub_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"testing"

	"kioskd/internal/hub"
)

// An enrolment that cannot be noted lets nobody in and lifts no revocation. When it can,
// the same code is still good, and there is one note.
func TestEnrolmentIsNotedOrDoesNotStand(t *testing.T) {
	r := newRig(t)
	n := r.newcomer(t)
	_, e := n.enrolled(r.invite("Store 12"))
	must(t, r.store.Revoke(t.Context(), e.Kiosk, "stolen", r.now()))
	code := r.invite("Store 12 again")
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(r.dir, "hub.db")+"?_busy_timeout=5000")
	must(t, err)
	defer func() { must(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), `CREATE TRIGGER deaf BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'deaf'); END`)
	must(t, err)
	if status, b := n.enrol(code); status < http.StatusInternalServerError {
		t.Errorf("not noted: %d %s", status, b)
	}
	k, err := r.store.Kiosk(t.Context(), e.Kiosk)
	must(t, err)
	if !k.Revoked() || k.Name != "Store 12" {
		t.Errorf("not noted, and the kiosk is %+v", k)
	}
	_, err = db.ExecContext(t.Context(), `DROP TRIGGER deaf`)
	must(t, err)
	n.enrolled(code)
	if got := r.noted(hub.NoteKioskEnrolled); len(got) != 2 {
		t.Errorf("noted are %q", got)
	}
}
