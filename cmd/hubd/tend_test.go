package main

import (
	"path/filepath"
	"testing"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/sqlite"
)

// A hub that runs forgets what it need not keep. It is the first on this folder: another
// one's lease would keep it waiting.
func TestARunningHubForgets(t *testing.T) {
	dir := t.TempDir()
	keys, err := pki.Open(filepath.Join(dir, "keys"), time.Now())
	must(t, err)
	v, err := keys.Vault()
	must(t, err)
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "hub.db"))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	must(t, hub.Seal(s, v).Raise(t.Context(), hub.Alarm{Kind: hub.AlarmClock, Kiosk: "demo", Text: "old", Last: time.Now().Add(-500 * 24 * time.Hour)}))
	stop, code := start(t, dir)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	late := time.After(30 * time.Second)
	for gone := false; !gone; {
		select {
		case <-late:
			t.Fatal("what is old is still there")
		case <-look.C:
		}
		left, err := s.Alarms(t.Context(), 10)
		must(t, err)
		gone = len(left) == 0
	}
	stop()
	if c := <-code; c != exitOK {
		t.Errorf("exit %d", c)
	}
}
