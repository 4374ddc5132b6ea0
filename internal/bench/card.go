package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/jpki"
	"kioskd/internal/hw/card/pcsc"
	"kioskd/internal/hw/card/pcsc/pcsctest"
	"kioskd/internal/secret"
)

// The card of the bench: a certificate of 1.6 kB, and the times of a real card
// (contactless, 106 kbit/s).
const persona = "long"

func delays() cardtest.Delays {
	return cardtest.Delays{APDU: 8 * time.Millisecond, Byte: 90 * time.Microsecond, Signature: 250 * time.Millisecond}
}

const (
	limitAPDUs     = 16.0
	limitAfterPIN  = 4.0
	limitPoll      = 400.0 // ms: how often pcscd looks for a card
	limitIdle      = 0.5   // percent of a core
	limitShare     = 0.5   // of OpenSC's time
	cardRounds     = 5
	cardEvents     = 15
	idleFor        = 10 * time.Second
	cardPatience   = 30 * time.Second
	messageOfBench = "what is signed"
)

// cards measures below a pcscd of its own. It is started as a program of its own,
// which first moves into namespaces.
func cards(ctx context.Context, out io.Writer, kioskd string) (err error) {
	if code, err := pcsctest.Isolate(); err != nil || code >= 0 {
		if err == nil && code > 0 {
			err = fmt.Errorf("cannot measure cards: exit code %d", code)
		}
		return err
	}
	dir, err := os.MkdirTemp("", "kioskd-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	service, err := pcsctest.New(dir)
	if err != nil {
		return err
	}
	if err := service.Start(ctx); err != nil {
		return err
	}
	defer service.Kill()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &table{out: out, dir: dir, slot: cardtest.NewSlot()}
	if t.drv, err = pcsc.New(pcsc.Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
		return err
	}
	go func() { _ = cardtest.NewVPCD(t.slot, pcsctest.Addr).Run(ctx) }() // ends with ctx
	go func() { _ = t.drv.Run(ctx) }()
	for _, measure := range []func(context.Context) error{
		t.events, t.authentication,
		func(ctx context.Context) error { return idle(ctx, out, kioskd, dir) },
	} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// table is where cards are laid.
type table struct {
	out  io.Writer
	dir  string
	slot *cardtest.Slot
	drv  *pcsc.Driver
}

// until waits for a state.
func (t *table) until(ctx context.Context, want func(card.State) bool) (card.State, error) {
	ctx, cancel := context.WithTimeout(ctx, cardPatience)
	defer cancel()
	for {
		select {
		case s := <-t.drv.Watch():
			if want(s) {
				return s, nil
			}
		case <-ctx.Done():
			return card.State{}, fmt.Errorf("cannot see the card: %w", ctx.Err())
		}
	}
}

func (t *table) put(ctx context.Context) (uint64, error) {
	if err := t.slot.Put(persona); err != nil {
		return 0, err
	}
	s, err := t.until(ctx, func(s card.State) bool { return len(s.Cards) == 1 })
	if err != nil {
		return 0, err
	}
	return s.Cards[0].Number, nil
}

func (t *table) lift(ctx context.Context) error {
	t.slot.Lift()
	_, err := t.until(ctx, func(s card.State) bool { return len(s.Cards) == 0 })
	return err
}

// events times from the card's arrival in the field to the driver's word.
func (t *table) events(ctx context.Context) error {
	var took []time.Duration
	for range cardEvents {
		began := time.Now()
		if _, err := t.put(ctx); err != nil {
			return err
		}
		took = append(took, time.Since(began))
		if err := t.lift(ctx); err != nil {
			return err
		}
	}
	report(t.out, "card_insert_to_event_p50", quantile(took, 0.5), limitPoll, "ms", within())
	report(t.out, "card_insert_to_event_p90", quantile(took, 0.9), limitPoll, "ms", within())
	return nil
}

// traffic is what went over to the card.
type traffic struct {
	apdus, bytes int
	took         time.Duration
}

func (t *table) traffic(took time.Duration) traffic {
	sum := traffic{took: took}
	for _, e := range t.slot.Log() {
		sum.apdus++
		sum.bytes += e.Bytes + e.Answer
	}
	return sum
}

// authentication compares our dialogue with OpenSC's on the same card.
func (t *table) authentication(ctx context.Context) error {
	t.slot.Delay(delays())
	defer t.slot.Delay(cardtest.Delays{})
	judge, err := judgeOfBench()
	if err != nil {
		return err
	}
	var whole, last []time.Duration
	var ours traffic
	var after, visit int
	for range cardRounds {
		one, err := t.round(ctx, func(ctx context.Context, number uint64) (func(), error) { return t.atOnce(ctx, number, judge) })
		if err != nil {
			return err
		}
		ours, whole = one, append(whole, one.took)
		one, err = t.round(ctx, func(ctx context.Context, number uint64) (func(), error) {
			return t.visit(ctx, number, judge, func(n int, d time.Duration) { after, last = n, append(last, d) })
		})
		if err != nil {
			return err
		}
		visit = one.apdus
	}
	peer, name, err := t.openSC(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(t.out, "the faster of OpenSC's tools: %s\n", name)
	report(t.out, "card_auth_apdus", float64(ours.apdus), float64(peer.apdus), "count")
	report(t.out, "card_auth_apdus_limit", float64(ours.apdus), limitAPDUs, "count", within())
	report(t.out, "card_visit_apdus", float64(visit), float64(peer.apdus), "count")
	report(t.out, "card_auth_bytes", float64(ours.bytes), float64(peer.bytes), "B")
	report(t.out, "card_auth_total", quantile(whole, 0.5), ms(peer.took), "ms")
	report(t.out, "card_auth_total_share_of_opensc", quantile(whole, 0.5)/ms(peer.took), limitShare, "share", within())
	report(t.out, "card_after_last_digit_apdus", float64(after), limitAfterPIN, "count", within())
	report(t.out, "card_after_last_digit", quantile(last, 0.5), ms(bareAfterPIN()), "ms")
	return nil
}

// round lays the card, has it used, and measures until use returns. What use gives
// back ends the connection.
func (t *table) round(ctx context.Context, use func(context.Context, uint64) (end func(), err error)) (traffic, error) {
	number, err := t.put(ctx)
	if err != nil {
		return traffic{}, err
	}
	t.slot.ClearLog()
	began := time.Now()
	end, err := use(ctx, number)
	if err != nil {
		return traffic{}, err
	}
	sum := t.traffic(time.Since(began))
	end()
	return sum, t.lift(ctx)
}

func order(judge jpki.Judge) jpki.Order {
	return jpki.Order{PIN: secret.New([]byte("1234")), MinTries: 2, Message: []byte(messageOfBench), Judge: judge}
}

// atOnce is the whole dialogue with the PIN known: token, certificate, counter,
// VERIFY, signature. The card is still open when it returns.
func (t *table) atOnce(ctx context.Context, number uint64, judge jpki.Judge) (end func(), err error) {
	conn, err := t.drv.Connect(ctx, number)
	if err != nil {
		return nil, err
	}
	session, err := jpki.Open(ctx, conn)
	if err == nil {
		_, err = session.Sign(ctx, order(judge))
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() { session.End(ctx); _ = conn.Close() }, nil
}

// visit is the dialogue of a visit: the card is identified and read while the
// shopper types, and signs when the last digit is there. done is told what came
// after that digit.
func (t *table) visit(ctx context.Context, number uint64, judge jpki.Judge, done func(apdus int, took time.Duration)) (end func(), err error) {
	conn, err := t.drv.Connect(ctx, number)
	if err != nil {
		return nil, err
	}
	session, err := jpki.Open(ctx, conn)
	if err == nil {
		_, err = session.Inspect(ctx, judge)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	before, began := len(t.slot.Log()), time.Now()
	if _, err = session.Sign(ctx, order(judge)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	done(len(t.slot.Log())-before, time.Since(began))
	return func() { session.End(ctx); _ = conn.Close() }, nil
}

// bareAfterPIN is what counter, VERIFY, key and signature cost at the least, in
// the model of the delays alone.
func bareAfterPIN() time.Duration {
	d := delays()
	return d.Of(make([]byte, 4), make([]byte, 2)) + d.Of(make([]byte, 9), make([]byte, 2)) +
		d.Of(make([]byte, 7), make([]byte, 2)) + d.Of(append([]byte{0x80, 0x2A}, make([]byte, 55)...), make([]byte, 258))
}

// openSC has OpenSC do the same: give the certificate and sign after the PIN. Its
// tools for one or the other are programs of their own; pkcs11-tool reads the
// certificate on its way. The faster way counts.
func (t *table) openSC(ctx context.Context) (best traffic, name string, err error) {
	file := func(name string) string { return filepath.Join(t.dir, name) }
	if err := errors.Join(os.WriteFile(file("message"), []byte(messageOfBench), 0o600), os.WriteFile(file("hash"), make([]byte, 32), 0o600)); err != nil {
		return traffic{}, "", err
	}
	for _, way := range []struct {
		name     string
		commands [][]string
	}{
		{"pkcs11-tool", [][]string{
			{"pkcs11-tool", "--slot", "0", "-l", "-p", "1234", "--sign", "-m", "SHA256-RSA-PKCS", "--id", "01", "-i", file("message"), "-o", file("signature")},
		}},
		{"pkcs15-tool and pkcs15-crypt", [][]string{
			{"pkcs15-tool", "--read-certificate", "1"},
			{"pkcs15-crypt", "--sign", "--pkcs1", "--sha-256", "-k", "1", "-p", "1234", "-i", file("hash"), "-o", file("signature"), "-R"},
		}},
	} {
		one, err := t.peer(ctx, way.commands)
		if err != nil {
			return traffic{}, "", err
		}
		_, _ = fmt.Fprintf(t.out, "OpenSC by %s: %d APDUs, %d bytes, %.0f ms\n", way.name, one.apdus, one.bytes, ms(one.took))
		if name == "" || one.took < best.took {
			best, name = one, way.name
		}
	}
	return best, name, nil
}

// peer runs other programs on a freshly laid card; of the rounds the median counts.
func (t *table) peer(ctx context.Context, commands [][]string) (one traffic, err error) {
	var took []time.Duration
	for range cardRounds {
		if _, err := t.put(ctx); err != nil {
			return traffic{}, err
		}
		t.slot.ClearLog()
		began := time.Now()
		for _, command := range commands {
			cmd := exec.CommandContext(ctx, command[0], command[1:]...)
			cmd.Env = append(os.Environ(), "OPENSC_DEBUG=0", "HOME="+t.dir)
			if said, err := cmd.CombinedOutput(); err != nil {
				return traffic{}, fmt.Errorf("cannot measure %s: %w: %s", command[0], err, strings.TrimSpace(string(said)))
			}
		}
		one = t.traffic(time.Since(began))
		took = append(took, one.took)
		if err := t.lift(ctx); err != nil {
			return traffic{}, err
		}
	}
	one.took = time.Duration(quantile(took, 0.5) * float64(time.Millisecond))
	return one, nil
}

func judgeOfBench() (jpki.Judge, error) {
	judge := jpki.Judge{At: time.Now()}
	for block, rest := pem.Decode(cardtest.RootPEM()); block != nil; block, rest = pem.Decode(rest) {
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return jpki.Judge{}, err
		}
		judge.Roots = append(judge.Roots, root)
	}
	return judge, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
