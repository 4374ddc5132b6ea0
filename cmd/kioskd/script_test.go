package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"kioskd/internal/fault"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// waitFile waits until a file is there, and holds a text when one is named.
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: waitfile FILE [TEXT]")
	}
	come := func() bool {
		if len(args) == 1 {
			_, err := os.Stat(ts.MkAbs(args[0])) // it may be a terminal: nothing is read
			return err == nil
		}
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && bytes.Contains(b, []byte(args[1]))
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if come() {
			return
		}
		<-tick.C
	}
	ts.Fatalf("%s has not come", strings.Join(args, ": "))
}

// get asks the daemon whose data folder is the first argument for a path, and
// prints the answer.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: get DATA PATH")
	}
	raw, err := os.ReadFile(filepath.Join(ts.MkAbs(args[0]), "addr.json"))
	ts.Check(err)
	var addr struct{ HTTP string }
	ts.Check(json.Unmarshal(raw, &addr))
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get("http://" + addr.HTTP + args[1])
	ts.Check(err)
	body, err := io.ReadAll(resp.Body)
	ts.Check(errors.Join(err, resp.Body.Close()))
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
	if ok := resp.StatusCode == http.StatusOK; ok == neg {
		ts.Fatalf("status %d", resp.StatusCode)
	}
}

// refusingHub refuses every submission: for good, or as one whose key the hub lacks.
type refusingHub struct{ status int }

func (h refusingHub) Submit(context.Context, wire.Submission) (wire.Ack, error) {
	return wire.Ack{}, &ksync.RefusalError{Problem: wire.Problem{Status: h.status, Code: fault.HubRefused}}
}

func (refusingHub) Report(context.Context, wire.Report) error { return nil }

// refusedSubmission makes the data folder of a daemon whose hub has refused a
// reservation of this kiosk, for good or, stuck, for now.
func refusedSubmission(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 3 {
		ts.Fatalf("usage: refusedsubmission DATA [stuck [KIOSK]]")
	}
	hub, kiosk := refusingHub{http.StatusConflict}, "demo"
	if len(args) > 1 {
		hub.status = http.StatusServiceUnavailable
	}
	if len(args) > 2 {
		kiosk = args[2]
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	seal, err := wire.NewSealKey()
	ts.Check(err)
	enrolment := &wire.Enrolment{Kiosk: kiosk, SealKey: seal.Public().Bytes(), SealKeyID: seal.ID()}
	log := slog.New(slog.DiscardHandler)
	outbox, err := ksync.OpenOutbox(ctx, filepath.Join(ts.MkAbs(args[0]), "outbox.db"), func() (*wire.Enrolment, bool) { return enrolment, true }, log)
	ts.Check(err)
	document, err := wire.EncodeDocument(wire.Document{
		Schema: wire.Schema, Kind: wire.KindReservation, Kiosk: kiosk, Time: time.Now().UTC().Truncate(time.Second),
		Nonce: wire.NewNonce(), Reservation: &wire.Reservation{},
	})
	ts.Check(err)
	_, err = outbox.Commit(ctx, ksync.Entry{Visit: "1", Payload: wire.Payload{
		Schema: wire.Schema, Kind: wire.KindReservation,
		Signed: &wire.Signed{Document: document, Signature: []byte{1}, Certificate: []byte{2}},
	}})
	ts.Check(err)
	sending, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- ksync.NewCourier(outbox, hub, log, ksync.CourierOptions{}).Run(sending) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := outbox.List(ctx)
		ts.Check(err)
		if len(list) == 1 && list[0].Reason != "" {
			break
		}
		<-tick.C
	}
	stop()
	ts.Check(errors.Join(<-ended, outbox.Close()))
}
