package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// waitFile waits until a file is there.
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfile FILE")
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		<-tick.C
	}
	ts.Fatalf("%s has not come", args[0])
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
