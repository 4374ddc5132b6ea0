package walk

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kioskd/internal/hub/postgres/postgrestest"
)

// TestNothingOfAVisitStays walks a visit of somebody whose data look like nothing
// else, one more to look up what was issued, and some that are cut short. Nothing
// that is typed in secret may ever be at rest; nothing personal at all may be left on
// the kiosk when the visit is over: not on its disk, in its logs or answers, nor in
// its memory. The hub keeps what was sent to it, but no file of it shows that, and its
// memory does not keep what came in the calls of a visit. A PIN is never there. It does
// not matter on what the hub stores.
func TestNothingOfAVisitStays(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the memory of a locked down process can be read by root alone")
	}
	bin := t.TempDir()
	build(t, bin)
	t.Run("SQLite", func(t *testing.T) { huntAt(t, bin, cuts(), nil) })
	t.Run("PostgreSQL", func(t *testing.T) {
		server := postgrestest.New(t)
		h := huntAt(t, bin, nil, server, "--store", server.Database(t))
		rows := h.page(1, 100)
		server.Stop(t)
		h.fail(h.within(server.Folder(), join(h.personal, h.secret)))
		for _, row := range rows {
			if len(h.within(server.Folder(), []marker{{"submission", []byte(row.ID)}})) == 0 {
				t.Errorf("the hunt does not find %s where it must be", row.ID)
			}
		}
		if len(rows) == 0 {
			t.Error("nothing was stored")
		}
	})
}

// huntAt hunts at a hub with these arguments, and in the folder of its server, if it has one.
func huntAt(t *testing.T, bin string, cuts []cut, server *postgrestest.Server, store ...string) *hunt {
	t.Helper()
	h := &hunt{rig: newRig(t, bin, func(r *rig) { r.talkative, r.store = true, store }), server: server}
	h.lockedDown(h.kioskd)
	h.lockedDown(h.hubd)
	h.dock("reset", struct{}{})
	h.dock("printer", map[string]any{"speed": 0}) // nobody waits for paper
	rnd := rand.New(rand.NewPCG(5, 7))
	who := newPerson(rnd)
	who.kana, who.birth, who.phone = "ヌヴォ ゾギュリ", "120917", "09077134860"
	h.personal = join(markersOf("name", who.kana), markersOf("birth date", "2000-09-17"))
	h.comes(who)
	h.pins = pinMarkers()
	h.secret = join(h.pins)
	for _, story := range []story{
		{name: "everything", plan: "full", service: "aeon-card-waon", calm: true},
		{name: "look up", plan: "manage", calm: true},
		{name: "reserve again", plan: "reserve", stop: "reserved", service: "waon", calm: true},
		{name: "reserve offline", plan: "reserve", stop: "reserved", lineMode: "down", service: "waon", calm: true},
	} {
		s := &shopper{rig: h.rig, person: who, story: story, rnd: rnd, ledger: newLedger(), fingers: true}
		s.watch = func(shot snapshot) { h.during(s, shot) }
		before := h.rounds()
		if end := s.walk(); end != "finished" {
			t.Fatalf("%s: the visit ended as %q: %s", story.name, end, strings.Join(s.said, " · "))
		}
		h.forgotten(before)
	}
	// The answer to what waited comes when the visit is over, with the MyKey ID of before.
	before := h.rounds()
	h.repairLine()
	h.forgotten(before)
	for _, c := range cuts {
		h.cutShort(c, rnd)
	}
	if !h.saw || !h.sawHub || !h.sawID || h.codes == 0 || len(h.secret) < 20 {
		t.Fatalf("the hunt does not hunt: it saw the visit in memory: %t, at the hub: %t, the MyKey ID: %t; %d codes, %d markers of secrets",
			h.saw, h.sawHub, h.sawID, h.codes, len(h.secret))
	}
	h.after()
	return h
}

// lockedDown: the real programs close themselves, not only the package that can.
func (h *hunt) lockedDown(p *process) {
	h.t.Helper()
	proc := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	for file, want := range map[string]string{"environ": "clobberfree=1", "limits": "Max core file size        0                    0"} {
		b, err := os.ReadFile(proc + file)
		if err != nil || !bytes.Contains(b, []byte(want)) {
			h.t.Errorf("%s is not locked down: %s lacks %q (%v)", filepath.Base(p.cmd.Path), file, want, err)
		}
	}
}

// rounds is how often the kiosk has said that it went over its memory for good
// after a visit.
func (h *hunt) rounds() int { return strings.Count(h.kioskd.log.String(), "in memory\" round=2") }

// forgotten waits until the kiosk has forgotten the visit that has just ended:
// nothing of it runs any more, and both rounds are over. before is what rounds gave
// when it began: the screen may be ahead of the log. Then nothing of it is found.
func (h *hunt) forgotten(before int) {
	h.t.Helper()
	h.eventually("the kiosk to forget the visit", func() bool { return h.rounds() > before })
	all := join(h.personal, h.secret)
	var left []string
	for range 3 { // what is on its way at the moment of looking counts only if it stays
		var searched int
		if left, searched = h.memory(h.kioskd, all); len(left) == 0 {
			break
		}
		if searched < 1<<20 {
			h.t.Errorf("only %d bytes of memory were searched", searched)
		}
	}
	h.fail(left)
	h.forgottenAtHub(all)
}

// hunt searches for what must not be there.
type hunt struct {
	*rig
	personal []marker // gone when the visit is over
	secret   []marker // never at rest
	pins     []marker // of them those that never leave the kiosk
	known    int      // secrets that have markers
	codes    int      // security codes among them
	looked   string   // step at which the disks were searched last
	server   *postgrestest.Server
	searched int      // markers of secrets for which the server's folder was searched
	told     []string // each hit is told once
	saw      bool     // the visit was found in memory while it lasted
	sawHub   bool     // and its password in the hub's
	mykeyID  string
	sawID    bool // in memory
}

func join(lists ...[]marker) []marker {
	var all []marker
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// during searches the disks while the visit lasts, once a step.
func (h *hunt) during(s *shopper, shot snapshot) {
	h.t.Helper()
	hangUp()
	sc := shot.Screen
	switch sc.Kind {
	case "issued":
		for i, field := range sc.Fields {
			switch {
			case i == 0 && h.codes == 0:
				h.personal = append(h.personal, markersOf("service ID", field.Value)...)
			case i > 0 && h.codes == 0:
				h.codes++
				h.secret = append(h.secret, markersOf("security code", field.Value)...)
			}
		}
	case "reserved":
		h.lookForID(sc.MyKeyID)
	case "check":
		if !h.saw {
			hits, _ := h.memory(h.kioskd, h.personal)
			h.saw = len(hits) > 0
		}
	case "manage": // its password has just been sent
		h.lookAtHub(s.password)
	}
	s.eyes.mu.Lock()
	for ; h.known < len(s.eyes.secrets); h.known++ {
		if text := s.eyes.secrets[h.known]; text != pin {
			h.secret = append(h.secret, markersOf("secret that was typed", text)...)
		}
	}
	s.eyes.mu.Unlock()
	if h.looked != sc.Step {
		h.looked = sc.Step
		h.disks(h.secret)
		if h.server != nil && h.searched < len(h.secret) { // it is large: when there is more to look for
			h.searched = len(h.secret)
			h.fail(h.within(h.server.Folder(), h.secret))
		}
	}
}

// after searches everything once the visits are forgotten.
func (h *hunt) after() {
	h.t.Helper()
	all := join(h.personal, h.secret)
	h.disks(all)
	for _, p := range []*process{h.kioskd, h.hubd} {
		h.fail(readable("the log of "+filepath.Base(p.cmd.Path), []byte(p.log.String()), all))
	}
	for _, url := range []string{
		h.kiosk + "/metrics", h.measures, h.kiosk + "/healthz", h.kiosk + "/", h.kiosk + "/brand.css",
		h.hub + "/healthz", h.hub + "/", h.hub + "/submissions", h.hub + "/issuances", h.hub + "/api/issuances", h.hub + "/api/kiosks", h.hub + "/api/submissions", h.hub + "/api/alarms",
	} {
		h.fail(readable(url, h.answer(url), all))
	}
	for _, row := range h.page(1, 100) {
		url := h.hub + "/api/submissions/" + row.ID
		h.fail(readable(url, h.answer(url), h.secret))
	}
}

func (h *hunt) memory(p *process, markers []marker) ([]string, int) {
	h.t.Helper()
	name := filepath.Base(p.cmd.Path)
	hits, searched, err := findInMemory(p.cmd.Process.Pid, markers)
	if err != nil {
		h.t.Fatalf("cannot search the memory of %s: %v", name, err)
	}
	for i := range hits {
		hits[i] = name + ": " + hits[i]
	}
	return hits, searched
}

// disks searches every file of both daemons: databases with their WAL and shared
// memory, keys, reserve, whatever lies there.
func (h *hunt) disks(markers []marker) {
	h.t.Helper()
	h.fail(h.within(h.dir, markers))
}

// within searches every file of a folder.
func (h *hunt) within(dir string, markers []marker) (hits []string) {
	h.t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return skipGone(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return skipGone(err)
		}
		files++
		hits = append(hits, readable(path, content, markers)...)
		return nil
	})
	if err != nil || files < 5 {
		h.t.Fatalf("cannot search %s: %d files, %v", dir, files, err)
	}
	return hits
}

// skipGone passes over a file that is not there any more.
func skipGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

func (h *hunt) fail(hits []string) {
	h.t.Helper()
	for _, hit := range hits {
		if !slices.Contains(h.told, hit) {
			h.told = append(h.told, hit)
			h.t.Error(hit)
		}
	}
}

func (h *hunt) answer(url string) []byte {
	h.t.Helper()
	resp, err := (&http.Client{Timeout: patience}).Get(url)
	if err != nil {
		h.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: %s", url, resp.Status)
	}
	return body
}
