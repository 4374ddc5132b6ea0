package hub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/hub/postgres"
	"kioskd/internal/hub/postgres/postgrestest"
	"kioskd/internal/hub/storetest"
	"kioskd/internal/sync/linetest"
	"kioskd/internal/wire"
)

var server postgrestest.Server

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// fleet is several hubs on one PostgreSQL, with the same keys and the same
// connectors, behind a load balancer that knows nothing but TCP.
type fleet struct {
	*rig
	database string
	balancer *linetest.Line
	issuer   hub.Issuer
	addrs    []string // of all hubs that were ever there
}

// node is one hub of a fleet.
type node struct {
	name  string
	store storetest.Store
	srv   *httptest.Server
}

func newFleet(t *testing.T, hubs int, between ...func(hub.Issuer) hub.Issuer) (f *fleet, nodes []*node) {
	t.Helper()
	balancer, err := linetest.Listen(context.WithoutCancel(t.Context()))
	must(t, err)
	t.Cleanup(func() { must(t, balancer.Close()) })
	f = &fleet{rig: newRig(t), database: server.Database(t), balancer: balancer}
	f.issuer = f.box
	for _, wrap := range between {
		f.issuer = wrap(f.issuer)
	}
	for range hubs {
		nodes = append(nodes, f.join())
	}
	for _, k := range []string{"demo", "other"} {
		must(t, nodes[0].store.EnsureKiosk(t.Context(), k, f.now()))
	}
	return f, nodes
}

// join starts one more hub.
func (f *fleet) join() *node {
	t := f.t
	t.Helper()
	n := &node{name: fmt.Sprintf("hub-%d", len(f.addrs)+1)}
	bare, err := postgres.Open(t.Context(), f.database+"&application_name="+n.name)
	must(t, err)
	must(t, hub.Admit(t.Context(), bare, f.ingest.Vault))
	n.store = storetest.Sealing(bare, f.ingest.Vault)
	in := *f.ingest
	in.Store = n.store
	n.srv = f.serve(&in, f.issuer)
	t.Cleanup(func() {
		n.srv.Close()
		must(t, n.store.Close())
	})
	f.addrs = append(f.addrs, n.srv.Listener.Addr().String())
	f.balancer.Lead(f.addrs...)
	return n
}

// kill ends a hub as kill -9 does: nobody is told, neither kiosks nor PostgreSQL.
func (f *fleet) kill(n *node) {
	f.t.Helper()
	must(f.t, n.srv.Config.Close())
	server.Exec(f.t, f.database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '"+n.name+"'")
}

// behind makes a kiosk that reaches whichever hub the balancer gives it, over a
// new connection each time.
func (f *fleet) behind(id string) *kiosk {
	k := f.kiosk(id)
	k.base = func() string { return "https://" + f.balancer.Addr() }
	k.http.Transport.(*http.Transport).DisableKeepAlives = true
	return k
}

// at makes a kiosk that reaches this hub only.
func (f *fleet) at(n *node, id string) *kiosk {
	k := f.kiosk(id)
	k.base = func() string { return n.srv.URL }
	return k
}

// deliver sends a submission as a courier does: again and again, until it is
// acknowledged.
func (k *kiosk) deliver(ctx context.Context, s wire.Submission) ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, k.base()+wire.PathSubmissions+s.ID, bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := k.http.Do(req)
		if err != nil {
			continue
		}
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		switch {
		case err != nil || resp.StatusCode >= http.StatusInternalServerError:
			continue
		case resp.StatusCode != http.StatusOK:
			return nil, fmt.Errorf("%s: %s", resp.Status, answer)
		}
		signed, err := wire.DecodeSignedAck(answer)
		if err != nil {
			return nil, err
		}
		_, err = k.acks.Verify(signed, s.ID, s.Hash(), k.id)
		return answer, err
	}
	return nil, context.Cause(ctx)
}

// Two hubs behind a balancer take submissions in, each sent by two couriers at
// once; one hub after the other is killed in between and a new one joins. Every
// submission is stored once, and every acknowledgement of it is the same.
func TestHubsShareOneDatabase(t *testing.T) {
	f, nodes := newFleet(t, 2)
	k := f.behind("demo")
	people := []*person{persona(t, "taro"), persona(t, "hanako")}
	const submissions, couriers = 48, 2
	subs := make([]wire.Submission, submissions)
	for i := range subs {
		subs[i] = k.reserve(people[i%len(people)])
	}
	// The last two carry one document.
	twice := people[0].payload(k.reservation())
	subs[submissions-2], subs[submissions-1] = k.sealed(twice), k.sealed(twice)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var acks [couriers][submissions][]byte
	var delivered atomic.Int64
	progress := make(chan struct{}, submissions*couriers)
	var wg sync.WaitGroup
	for c := range couriers {
		next := make(chan int, submissions)
		for i := range submissions {
			next <- i
		}
		close(next)
		for range 3 {
			wg.Go(func() {
				for i := range next {
					var err error
					if acks[c][i], err = k.deliver(ctx, subs[i]); err != nil {
						t.Error(err)
						cancel()
						return
					}
					delivered.Add(1)
					progress <- struct{}{}
				}
			})
		}
	}
	for i := range submissions * couriers {
		select {
		case <-progress:
		case <-ctx.Done():
			t.Fatal("a courier gave up")
		}
		switch i {
		case submissions / 2:
			f.kill(nodes[0])
		case submissions:
			nodes = append(nodes[1:], f.join())
		case submissions + submissions/2:
			f.kill(nodes[0])
			nodes = nodes[1:]
		}
	}
	wg.Wait()

	list, total, err := nodes[0].store.Submissions(t.Context(), hub.Filter{Limit: -1})
	must(t, err)
	if total != submissions {
		t.Errorf("%d rows, not %d", total, submissions)
	}
	stored, accepted := map[string][]byte{}, 0
	for _, s := range list {
		stored[s.ID] = s.Ack
		if s.Verdict.Accepted {
			accepted++
		}
	}
	if accepted != submissions-1 {
		t.Errorf("%d were accepted, not %d: a document counts once", accepted, submissions-1)
	}
	last := f.at(f.join(), "demo") // and a hub that has seen none of it answers the same
	for i, s := range subs {
		_, again := last.put(s)
		for c := range couriers {
			if !bytes.Equal(acks[c][i], stored[s.ID]) || !bytes.Equal(again, stored[s.ID]) {
				t.Errorf("submission %d has several acknowledgements", i)
			}
		}
	}
	alarms, err := nodes[0].store.Alarms(t.Context(), -1)
	must(t, err)
	if len(alarms) != 1 || alarms[0].Kind != hub.AlarmReplayed || alarms[0].Times != 1 {
		t.Errorf("alarms %+v", alarms)
	}
}

// slowIssuer tells that a call has come and lets it wait.
type slowIssuer struct {
	hub.Issuer

	came chan struct{}
	goOn chan struct{}
}

func (i slowIssuer) Start(ctx context.Context, kiosk string, r wire.IssueStart) (wire.IssueStarted, error) {
	i.came <- struct{}{}
	<-i.goOn
	return i.Issuer.Start(ctx, kiosk, r)
}

// One call that reaches both hubs while the issuer thinks is made once, and
// answered the same.
func TestOneCallThroughTwoHubs(t *testing.T) {
	slow := slowIssuer{came: make(chan struct{}, 10), goOn: make(chan struct{})}
	f, nodes := newFleet(t, 2, func(i hub.Issuer) hub.Issuer { slow.Issuer = i; return slow })
	kiosks := []*kiosk{f.at(nodes[0], "demo"), f.at(nodes[1], "demo")}
	start := startOf("4980000000000014", "09012345678")
	answers := make([]wire.IssueStarted, 4)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = call[wire.IssueStarted](kiosks[i%2], wire.PathIssueStart, start, http.StatusOK) })
	}
	<-slow.came
	select {
	case <-slow.came:
		t.Error("the issuer is asked twice")
	case <-time.After(time.Second): // time enough for the others to come through
	}
	close(slow.goOn)
	wg.Wait()
	for i, a := range answers {
		if a != answers[0] {
			t.Errorf("answer %d is %+v, not %+v", i, a, answers[0])
		}
	}
	if sms, err := f.box.Messages(t.Context(), "", 9); err != nil || len(sms) != 1 {
		t.Errorf("%d messages were sent (%v)", len(sms), err)
	}
	// The next step may go to either.
	verify := wire.IssueVerify{RequestID: wire.NewNonce(), Session: answers[0].Session, Code: "nope"}
	for i := range 4 {
		p := call[wire.Problem](kiosks[i%2], wire.PathIssueVerify, verify, http.StatusUnprocessableEntity)
		if p.TriesLeft != 2 {
			t.Errorf("%d tries are left: one wrong code cost several", p.TriesLeft)
		}
	}
}
