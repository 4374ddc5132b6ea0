package sync

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"flag"
	"fmt"
	"os"
	stdsync "sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kioskd/internal/hub"
	"kioskd/internal/underrace"
	"kioskd/internal/wire"
)

// TestModel drives outbox, courier, client and hub as one machine through random
// histories: commits, kills, a hub that is away, answers that are lost, doubled,
// crossed or forged, clocks and keys that change, refusals, clearing up. After each
// step it holds what stands in the two databases against what was committed. The
// seed of a history that fails is printed, and the history made as short as it can be.
//
// KIOSKD_MODEL_CHECKS is how many histories.
func TestModel(t *testing.T) {
	checks := "80"
	if underrace.On {
		checks = "12"
	}
	if n := os.Getenv("KIOSKD_MODEL_CHECKS"); n != "" {
		checks = n
	}
	for name, value := range map[string]string{"rapid.checks": checks, "rapid.nofailfile": "true"} {
		if given := flag.Lookup(name); given.Value.String() == given.DefValue {
			if err := flag.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := newModelWorld(t)
	tally := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(w, rt)
		defer m.close()
		rt.Repeat(map[string]func(*rapid.T){
			"": m.holds,

			"commit":        m.commit,
			"commit again":  m.commitAgain,
			"send":          m.send,
			"send more":     m.send, // the machine is about this
			"time passes":   m.timePasses,
			"kill kiosk":    m.killKiosk,
			"restart kiosk": m.restartKiosk,
			"restart hub":   m.restartHub,
			"hub's clock":   m.turnClock,
			"new ack key":   m.rotateAck,
			"publish keys":  m.publish,
			"refuse one":    m.refuseOne,
			"take it again": m.takeAgain,
			"lose seal key": m.loseSealKey,
			"end visit":     m.endVisit,
			"clear up":      m.clearUp,
			"no proof":      m.noProof,
		})
		m.drain(rt)
		for what, n := range m.tally {
			tally[what] += n
		}
	})
	t.Logf("%s histories; what came about:\n%v", checks, tally)
	if underrace.On { // so few need not have had everything
		return
	}
	for _, what := range []string{"stored", "acknowledged", "lost answers", "kills", "too early", "failures of the store"} {
		if tally[what] == 0 && !t.Failed() {
			t.Errorf("no history had %s: the model has stopped to look", what)
		}
	}
}

// committed is what the kiosk has called done.
type committed struct {
	id    string
	visit string
	kind  wire.Kind
	entry Entry
	hash  []byte
}

// model is one history.
type model struct {
	*modelWorld
	rt    *rapid.T
	ctx   context.Context
	tally map[string]int

	outbox  *Outbox
	path    string
	courier *Courier
	client  *Client
	now     time.Time // of the courier; it carries the monotonic clock
	lives   int
	days    int // that were counted, as the days of the hub

	list    []committed // in the order of commits
	visits  []string    // of this life of the outbox
	refused map[string]bool
	aside   map[string]bool // were refused once, so that others have passed them
	acked   map[string]bool // told on the courier's channel
	arrived []string        // in the order in which the hub stored them

	mu      stdsync.Mutex // the courier sends several at once
	wrong   string        // what the line has seen
	line    lineMode
	said    [][]byte // acknowledgements that the hub has given
	ahead   time.Duration
	keys    hub.Keys
	ackKeys []wire.AckKey // all that the hub has had
	length  int64         // of the audit log
	head    []byte
}

func (m *model) must(err error) {
	m.rt.Helper()
	if err != nil {
		m.rt.Fatal(err)
	}
}

// early is so far ahead of the hub that a document has to wait for its time.
const early = 6 * time.Hour

// commit puts something new into the outbox, in a new visit or the one before.
func (m *model) commit(rt *rapid.T) {
	if len(m.visits) == 0 || rapid.Bool().Draw(rt, "new visit") {
		m.visits = append(m.visits, fmt.Sprint(len(m.visits)+1))
	}
	kind := rapid.SampledFrom([]wire.Kind{wire.KindIssuance, wire.KindReservation, wire.KindApplication}).Draw(rt, "kind")
	signed := m.hubNow().Add(rapid.SampledFrom([]time.Duration{0, 0, 0, 0, early}).Draw(rt, "signed ahead"))
	e := Entry{ID: wire.NewSubmissionID(), Visit: m.visits[len(m.visits)-1], Slip: string(kind), Payload: m.payload(kind, signed)}
	_, err := m.outbox.Commit(m.ctx, e)
	m.must(err)
	s, err := m.outbox.take(m.ctx, e.ID)
	m.must(err)
	m.list = append(m.list, committed{id: e.ID, visit: m.visit(), kind: kind, entry: e, hash: s.Hash()})
}

// visit names the present one among those of all lives.
func (m *model) visit() string { return fmt.Sprint(m.lives, "/", m.visits[len(m.visits)-1]) }

// commitAgain repeats the newest commit, as whoever does not know what became of it.
func (m *model) commitAgain(rt *rapid.T) {
	if len(m.visits) == 0 || len(m.list) == 0 || m.list[len(m.list)-1].visit != m.visit() {
		rt.Skip("nothing was committed in this visit")
	}
	last := m.list[len(m.list)-1]
	if c, err := m.outbox.Commit(m.ctx, last.entry); err != nil || c.ID != last.id {
		rt.Fatalf("the same again: %v, %v", c, err)
	}
}

// send lets the courier send all that is due, over a line that does one thing.
func (m *model) send(rt *rapid.T) {
	m.line = rapid.SampledFrom(lineModes()).Draw(rt, "line")
	m.courier.round(m.ctx)
	m.line = lineUp
	m.readAcks()
}

func (m *model) readAcks() {
	for {
		select {
		case a := <-m.courier.Acks():
			m.acked[a.ID] = true
			m.tally["acknowledged"]++
		default:
			return
		}
	}
}

// timePasses lets every wait be over.
func (m *model) timePasses(*rapid.T) { m.now = m.now.Add(2 * maxRetryAfter) }

func (m *model) killKiosk(rt *rapid.T) {
	m.tally["kills"]++
	m.reopen(rt, true)
}

func (m *model) restartKiosk(rt *rapid.T) { m.reopen(rt, false) }

func (m *model) restartHub(*rapid.T) { m.startHub() }

// turnClock sets the hub's clock, by which it judges documents.
func (m *model) turnClock(rt *rapid.T) {
	m.ahead = rapid.SampledFrom([]time.Duration{0, 0, 365 * 24 * time.Hour, -365 * 24 * time.Hour}).Draw(rt, "ahead")
}

// rotateAck gives the hub a new key for acknowledgements. Until it is published
// the kiosk believes nothing that was signed with it.
func (m *model) rotateAck(*rapid.T) {
	key, err := wire.NewAckKey()
	m.must(err)
	m.keys.Ack = key
	m.ackKeys = append(m.ackKeys, wire.AckKeyOf(key.Public().(ed25519.PublicKey)))
	m.startHub()
}

func (m *model) publish(*rapid.T) {
	trust, err := wire.NewAckVerifier(m.ackKeys...)
	m.must(err)
	m.client.trust.keys.Store(trust)
	m.keys.Acks = m.ackKeys
}

// refuseOne lets the hub refuse for good one that waits.
func (m *model) refuseOne(rt *rapid.T) {
	waiting := m.waiting()
	if len(waiting) == 0 {
		rt.Skip("nothing waits")
	}
	m.refused[rapid.SampledFrom(waiting).Draw(rt, "refused")] = true
}

// takeAgain removes the reason for refusals, and staff let all be sent again.
func (m *model) takeAgain(*rapid.T) {
	clear(m.refused)
	_, err := m.outbox.Requeue(m.ctx)
	m.must(err)
}

// loseSealKey lets the hub forget what it opens submissions with, or find it again.
func (m *model) loseSealKey(*rapid.T) {
	if len(m.keys.Seal) > 0 {
		m.keys.Seal = map[string]wire.SealPrivateKey{}
	} else {
		m.keys.Seal = m.pki.Keys().Seal
	}
	m.startHub()
}

func (m *model) endVisit(rt *rapid.T) {
	if len(m.visits) == 0 {
		rt.Skip("no visit")
	}
	m.must(m.outbox.EndVisit(m.ctx, m.visits[len(m.visits)-1]))
	m.visits = append(m.visits, fmt.Sprint(len(m.visits)+1)) // nothing is committed after the end
}

func (m *model) clearUp(*rapid.T) {
	m.days++
	_, err := m.outbox.countDay(m.ctx, time.Unix(0, 0).Add(time.Duration(m.days)*day))
	m.must(err)
	_, err = m.outbox.Retain(m.ctx, 0) // whatever is done
	m.must(err)
}

// noProof tries to remove a row without any proof.
func (m *model) noProof(rt *rapid.T) {
	if err := m.outbox.Acknowledge(m.ctx, wire.Ack{}); err == nil {
		rt.Fatal("no acknowledgement at all was taken for one")
	}
}

// holds is what must be true at every moment.
func (m *model) holds(rt *rapid.T) {
	if m.wrong != "" {
		rt.Fatal(m.wrong)
	}
	rows := m.stored()
	waiting := map[string]bool{}
	for _, id := range m.waiting() {
		waiting[id] = true
	}
	proven := map[string]bool{}
	for _, id := range m.column("SELECT subject FROM audit WHERE event = 'acknowledged'") {
		if proven[id] {
			rt.Fatalf("%s was acknowledged twice", id)
		}
		proven[id] = true
	}
	known := map[string]int{}
	for i, c := range m.list {
		known[c.id] = i
		hash, there := rows[c.id]
		switch {
		case there && !bytes.Equal(hash, c.hash):
			rt.Fatalf("the hub holds %s with another content", c.id)
		case !waiting[c.id] && !there:
			rt.Fatalf("LOST: %s is neither in the outbox nor at the hub", c.id)
		case waiting[c.id] == proven[c.id]:
			rt.Fatalf("%s: in the outbox %t, acknowledged %t", c.id, waiting[c.id], proven[c.id])
		case m.acked[c.id] && !there:
			rt.Fatalf("%s was called acknowledged, and is not stored", c.id)
		}
	}
	for id := range rows {
		if _, ok := known[id]; !ok {
			rt.Fatalf("the hub holds %s, which nobody committed", id)
		}
	}
	m.inOrder(rt, known)
	length, head, err := m.outbox.VerifyAudit(m.ctx)
	if err != nil || length < m.length || length == m.length && !bytes.Equal(head, m.head) {
		rt.Fatalf("the audit log: %d rows after %d, %v", length, m.length, err)
	}
	m.length, m.head = length, head
}

// inOrder: what the hub stored came in the order of its visit, and applications
// came after all reservations that were older; what was set aside is passed.
func (m *model) inOrder(rt *rapid.T, known map[string]int) {
	there := map[string]bool{}
	for _, id := range m.arrived {
		if there[id] {
			rt.Fatalf("%s was stored twice", id)
		}
		there[id] = true
		c := m.list[known[id]]
		for _, e := range m.list[:known[id]] {
			before := e.visit == c.visit || c.kind == wire.KindApplication && e.kind == wire.KindReservation
			if before && !there[e.id] && !m.aside[e.id] {
				rt.Fatalf("%s %s arrived before %s %s", c.kind, id, e.kind, e.id)
			}
		}
	}
}

// drain lets everything be well again: then nothing may be left.
func (m *model) drain(rt *rapid.T) {
	m.keys.Seal = m.pki.Keys().Seal
	m.ahead = 0 // by a clock that is a year ahead the kiosk's certificate has ended
	m.now = m.now.Add(early)
	m.startHub()
	m.publish(rt)
	m.takeAgain(rt)
	for range len(m.list) + 1 {
		m.timePasses(rt)
		m.courier.round(m.ctx)
		m.readAcks()
	}
	if left := m.waiting(); len(left) > 0 {
		rt.Fatalf("STUCK: %v", left)
	}
	if rows := m.stored(); len(rows) != len(m.list) {
		rt.Fatalf("%d were committed, the hub holds %d", len(m.list), len(rows))
	}
	m.holds(rt)
}

// forged is an acknowledgement of what the hub has never seen: one that it gave for
// another submission, or one by somebody who claims its key.
func (m *model) forged(request []byte) []byte {
	s, err := wire.DecodeSubmission(request)
	if err != nil {
		return nil // a report
	}
	if m.line == lineCrossed && len(m.said) > 0 {
		return m.said[len(m.said)-1]
	}
	key, err := wire.NewAckKey()
	if err != nil {
		panic(err)
	}
	ack, err := wire.SignAck(key, m.ackKeys[0].ID, wire.AckBody{
		Schema: wire.Schema, ID: s.ID, Hash: s.Hash(), Kiosk: s.Kiosk, StoredAt: m.hubNow().UTC(), Verdict: wire.Verdict{Accepted: true},
	})
	if err != nil {
		panic(err)
	}
	return mustMarshal(ack)
}
