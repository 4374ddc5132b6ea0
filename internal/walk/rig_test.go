package walk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const patience = 60 * time.Second

// rig is one kiosk and one hub as processes, and the hands that play them.
type rig struct {
	t         testing.TB
	bin       string
	dir       string
	kioskd    *process
	hubd      *process
	kiosk     string // http://host:port
	hub       string // the console
	measures  string // the hub's metrics
	ws        *websocket.Conn
	shots     chan snapshot
	eyes      *eyes // looks at every snapshot, also those that the shopper misses
	slipsLeft int   // so many of the visits before may still come out
	leftAt    time.Time
	power     *power              // what stands below the databases, or nil
	store     []string            // arguments of hubd that name its database
	talkative bool                // kioskd logs every step, and both logs are kept whole
	press     *press              // the printer, where it is not the dock's
	as        *syscall.Credential // whom the daemons run as, nil = whoever runs the test

	// For the storm: who is shown each snapshot, who hears the log of what starts next, who
	// moves the clock of each hub, and how many touches this window has sent.
	witness func(snapshot)
	hear    func(said []byte)
	forward func(sec int)
	sent    int
}

// process is one of ours; it ends with the test.
type process struct {
	cmd  *exec.Cmd
	log  *lastWords
	done chan struct{}
}

// build makes the two binaries once.
func build(t testing.TB, dir string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "kioskd/cmd/kioskd", "kioskd/cmd/hubd")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build: %v\n%s", err, out)
	}
}

func newRig(t testing.TB, bin string, change ...func(*rig)) *rig {
	t.Helper()
	r := &rig{t: t, bin: bin, dir: t.TempDir(), eyes: newEyes(t)}
	for _, f := range change {
		f(r)
	}
	t.Cleanup(func() {
		r.disconnect()
		r.kioskd.kill()
		r.hubd.kill()
	})
	r.startHub("127.0.0.1:0", "127.0.0.1:0")
	r.startKiosk("127.0.0.1:0")
	return r
}

func (r *rig) start(name string, args ...string) *process {
	r.t.Helper()
	p := &process{
		cmd: exec.Command(filepath.Join(r.bin, name), args...), log: &lastWords{whole: r.talkative, hear: r.hear}, done: make(chan struct{}),
	}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = r.power.env(r.t, name)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: r.as}
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // killed on purpose; what matters is in the ledger
	}()
	return p
}

// kill is a kill -9.
func (p *process) kill() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// lastWords keeps the end of what a process logs.
type lastWords struct {
	hear  func([]byte) // everything, when it is said; nil = nobody listens
	whole bool         // keeps everything

	mu   sync.Mutex
	said []byte
}

func (l *lastWords) Write(p []byte) (int, error) {
	if l.hear != nil {
		l.hear(p)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, p...)
	if !l.whole {
		l.said = l.said[max(0, len(l.said)-3000):]
	}
	return len(p), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.said)
}

func (r *rig) startHub(api, console string) {
	r.t.Helper()
	data := filepath.Join(r.dir, "hub")
	_ = os.Remove(filepath.Join(data, "addr.json"))
	r.hubd = r.start("hubd", append([]string{"--demo", "--data", data, "--api", api, "--console", console, "--metrics", "127.0.0.1:0"}, r.store...)...)
	var addr struct{ API, Console, Metrics string }
	r.address(filepath.Join(data, "addr.json"), &addr, r.hubd)
	r.hub, r.measures = "http://"+addr.Console, "http://"+addr.Metrics+"/metrics"
}

func (r *rig) restartHub() {
	r.t.Helper()
	var addr struct{ API, Console string }
	r.address(filepath.Join(r.dir, "hub", "addr.json"), &addr, r.hubd)
	r.end("hubd", r.hubd)
	r.startHub(addr.API, addr.Console) // kiosks know the address
}

func (r *rig) startKiosk(listen string) {
	r.t.Helper()
	r.kioskd = r.launchKiosk(listen)
	var addr struct{ HTTP string }
	r.address(filepath.Join(r.dir, "kiosk", "addr.json"), &addr, r.kioskd)
	r.kiosk = "http://" + addr.HTTP
	r.connect()
}

// launchKiosk starts kioskd and does not wait for it.
func (r *rig) launchKiosk(listen string) *process {
	r.t.Helper()
	data := filepath.Join(r.dir, "kiosk")
	_ = os.Remove(filepath.Join(data, "addr.json"))
	return r.start("kioskd", "--sim", "--data", data, "--listen", listen,
		"--enrolment", filepath.Join(r.dir, "hub", "enrolment", "demo.json"), fmt.Sprintf("--verbose=%t", r.talkative))
}

func (r *rig) restartKiosk() {
	r.t.Helper()
	r.disconnect()
	r.end("kioskd", r.kioskd)
	r.startKiosk("127.0.0.1:0")
}

// address waits until a process has written where it listens.
func (r *rig) address(file string, into any, p *process) {
	r.t.Helper()
	r.eventually("a process to write "+filepath.Base(file), func() bool {
		select {
		case <-p.done:
			r.t.Fatalf("a process ended:\n%s", p.log)
		default:
		}
		b, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(b, into) == nil
	})
}

// eventually asks until ok, with a pause that is a timer, not a guess at how
// long things take.
func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			r.t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

// connect opens the screen.
func (r *rig) connect() {
	r.t.Helper()
	header := http.Header{"Origin": {r.kiosk}}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, resp, err := websocket.DefaultDialer.DialContext(ctx, "ws"+r.kiosk[len("http"):]+"/ws", header)
	if err != nil {
		r.t.Fatalf("cannot open the screen: %v", err)
	}
	_ = resp.Body.Close()
	r.ws, r.shots, r.sent = ws, make(chan snapshot, 1), 0
	go func(ws *websocket.Conn, shots chan snapshot) {
		defer close(shots)
		for {
			_, msg, err := ws.ReadMessage()
			if err != nil {
				return
			}
			s, ok := r.eyes.see(msg)
			if !ok {
				continue // a reply, not a snapshot
			}
			if r.witness != nil {
				r.witness(s)
			}
			select {
			case <-shots: // only the newest counts
			default:
			}
			shots <- s
		}
	}(ws, r.shots)
}

func (r *rig) disconnect() {
	if r.ws != nil {
		_ = r.ws.Close() // closing is the point
		r.ws = nil
	}
}

// send sends one intent. A window that the daemon has closed (for rubbish, or
// because it was killed) is opened anew, as a browser does; the intent is lost.
func (r *rig) send(seq uint64, typ string, data any) {
	r.t.Helper()
	r.sent++
	if err := r.ws.WriteJSON(map[string]any{"seq": seq, "type": typ, "data": data}); err != nil {
		r.disconnect()
		r.connect()
	}
}

// post calls the dock or the console.
func (r *rig) post(url string, body any) {
	r.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	r.power.tolerate(r.t, func() error { return call(http.MethodPost, url, b, nil) })
}

func (r *rig) dock(what string, body any) { r.t.Helper(); r.post(r.kiosk+"/dock/api/"+what, body) }

// begin makes ready for a visit: no slips lie there, nothing was seen.
func (r *rig) begin() {
	r.t.Helper()
	r.owe(r.eyes.forget())
	r.press.begin()
	if err := call(http.MethodDelete, r.kiosk+"/dock/api/slips", nil, nil); err != nil {
		r.t.Fatal(err)
	}
}

// Several visits may be over before a slip is that was begun in the first of them.
const (
	slipTakes  = 10 * time.Second // with all that may be in its way
	visitSlips = 3                // are as many as may wait
)

// owe notes how many slips of the visit that is over may still come out, beside those
// of earlier ones.
func (r *rig) owe(unfinished int) {
	if time.Since(r.leftAt) > slipTakes {
		r.slipsLeft = 0
	}
	if unfinished > 0 {
		r.slipsLeft, r.leftAt = min(r.slipsLeft+unfinished, visitSlips), time.Now()
	}
}

// repairLine lets the kiosk reach its hub.
func (r *rig) repairLine() {
	r.t.Helper()
	r.power.mend()
	r.dock("line", map[string]any{"mode": "up"})
}

func (r *rig) get(url string, into any) {
	r.t.Helper()
	r.power.tolerate(r.t, func() error { return call(http.MethodGet, url, nil, into) })
}

func call(method, url string, body []byte, into any) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("cannot call %s: %w", url, err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("cannot call %s: %s: %s", url, resp.Status, b)
	}
	if into != nil {
		return json.Unmarshal(b, into)
	}
	return nil
}
