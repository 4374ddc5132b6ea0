package walk

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// entry is one line of `hubd audit list --json`.
type entry struct {
	N       int64  `json:"n"`
	Event   string `json:"event"`
	Subject string `json:"subject"`
	Detail  string `json:"detail"`
}

// closing does once what the audit log has to tell of and visits bring by chance, or not
// at all: a slip that is printed once more, and requests that belong to nobody here.
func (r *rig) closing(book *ledger) {
	r.t.Helper()
	rnd := rand.New(rand.NewPCG(*seed, 0))
	for tries := 0; !r.printsAgain(book, rnd); tries++ {
		if tries == 3 {
			r.t.Fatal("no slip was asked for again")
		}
	}
	r.strange(func(req *http.Request) { req.Host = "evil.example" }, "foreign_host")
	r.strange(func(req *http.Request) { req.Header.Set("Origin", "https://evil.example") }, "foreign_origin")
}

// printsAgain walks a visit whose slip tears and is asked for again. It says false when a
// slip of a visit before came in between, and tore instead.
func (r *rig) printsAgain(book *ledger, rnd *rand.Rand) (asked bool) {
	r.t.Helper()
	r.post(r.hub+"/api/sandbox/reset", struct{}{})
	s := &shopper{
		rig: r, person: newPerson(rnd), rnd: rnd, ledger: book,
		story: story{name: "print again", plan: "reserve", stop: "reserved", service: "waon", calm: true},
	}
	armed := false
	s.cut = func(shot snapshot) bool {
		slip := shot.slip()
		switch {
		case shot.Screen.Kind == "pin" && !armed: // not before: slips of visits before may still come out
			armed = true
			r.dock("printer", map[string]any{"fail_at_byte": 500, "fault": "paper_out"})
			return false
		case shot.Screen.Kind != "reserved" || slip == "printed" || asked && slip != "printing":
			return false
		case shot.Screen.Again:
			asked = true
			s.reprints++
			s.send(shot.Seq, "print_again", nil)
		case slip == "not_printed": // until the printer is in order, it cannot be asked for
			s.repair()
		}
		return true
	}
	if end := s.walk(); end != "finished" {
		r.t.Fatalf("the last visit ended as %q: %s", end, strings.Join(s.said, " · "))
	}
	r.arrive(book)
	return asked
}

// strange asks the kiosk for its page as nobody may.
func (r *rig) strange(change func(*http.Request), why string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.kiosk+"/", http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	change(req)
	resp, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusForbidden || !bytes.Contains(body, []byte(why)) {
		r.t.Errorf("a request that is to be refused as %s: %s %s (%v)", why, resp.Status, body, err)
	}
}

// audited ends the kiosk as it should be ended, starts it once more, and looks whether the
// hub gets a log that tells of all that was done here, and holds together.
func (r *rig) audited() {
	r.t.Helper()
	r.disconnect()
	if err := r.kioskd.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	r.eventually("kioskd to end", func() bool {
		select {
		case <-r.kioskd.done:
			return true
		default:
			return false
		}
	})
	if code := r.kioskd.cmd.ProcessState.ExitCode(); code != 0 {
		r.t.Errorf("kioskd ended with %d:\n%s", code, r.kioskd.log)
	}
	r.startKiosk("127.0.0.1:0")

	var log []entry
	stopped := func(e entry) bool { return e.Event == "stopped" }
	r.eventually("the hub to have the audit log, to the start that follows the end", func() bool {
		log = r.auditLog()
		at := slices.IndexFunc(log, stopped)
		return at >= 0 && slices.ContainsFunc(log[at:], func(e entry) bool { return e.Event == "program" })
	})
	details, subjects := map[string][]string{}, map[string][]string{}
	for _, e := range log {
		details[e.Event] = append(details[e.Event], e.Detail)
		subjects[e.Event] = append(subjects[e.Event], e.Subject)
	}
	for _, want := range []struct{ event, detail string }{
		{"program", "dev"}, {"config", ""}, {"started", ""}, {"stopped", "ok"}, {"enrolled", ""},
		{"visit_begun", "reserve"}, {"procedure_begun", "reserve"}, {"visit_over", "finished"}, {"reprinted", ""},
		{"committed", ""}, {"slip", "printed"}, {"acknowledged", "accepted"},
		{"request_refused", "foreign_host"}, {"request_refused", "foreign_origin"},
		{"dock_used", "slips"}, {"dock_used", "card"}, {"dock_used", "printer"}, {"dock_used", "reset"},
	} {
		if list := details[want.event]; len(list) == 0 || want.detail != "" && !slices.Contains(list, want.detail) {
			r.t.Errorf("the audit log does not tell of %s %s; it tells of %v", want.event, want.detail, slices.Sorted(maps.Keys(details)))
		}
	}
	for _, id := range subjects["reprinted"] {
		if !slices.Contains(subjects["committed"], id) {
			r.t.Errorf("%q is said to be printed again, and was never committed", id)
		}
	}
	if out, err := r.hubdSays("audit", "verify"); err != nil || !strings.Contains(out, "everything holds together") {
		r.t.Errorf("hubd audit verify: %v\n%s", err, out)
	}
}

// auditLog is what the hub has of the kiosk's.
func (r *rig) auditLog() (all []entry) {
	r.t.Helper()
	out, err := r.hubdSays("audit", "list", "--json", "--kiosk", "demo")
	if err != nil {
		return nil // there is none yet
	}
	for line := range strings.Lines(out) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			r.t.Fatalf("%v: %s", err, line)
		}
		all = append(all, e)
	}
	return all
}

// hubdSays runs a command of hubd beside the hub that runs.
func (r *rig) hubdSays(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(r.bin, "hubd"), append(args, "--data", filepath.Join(r.dir, "hub"))...).CombinedOutput()
	return string(out), err
}
