package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"kioskd/internal/hub/pki"
	"kioskd/internal/wire"
)

// getScreen opens the screen with the page that is named first, and asks there for
// the path that is named second.
func getScreen(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: getscreen PAGE PATH")
	}
	page, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	url := regexp.MustCompile(`url=(http://[^"]+/)"`).FindSubmatch(page)
	if url == nil {
		ts.Fatalf("the page leads nowhere: %s", page)
	}
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(string(url[1]) + args[1])
	ts.Check(err)
	body, err := io.ReadAll(resp.Body)
	ts.Check(errors.Join(err, resp.Body.Close()))
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
	if ok := resp.StatusCode == http.StatusOK; ok == neg {
		ts.Fatalf("status %d", resp.StatusCode)
	}
}

// enrolmentFile writes the enrolment of a hub that is not there: a real one, or one
// with a sandbox.
func enrolmentFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: enrolment FILE [sandbox]")
	}
	keys, err := pki.Open(filepath.Join(ts.MkAbs("."), "hub-keys"), time.Now())
	ts.Check(err)
	e, err := keys.Enrol("demo", "https://127.0.0.1:1", time.Now())
	ts.Check(err)
	e.Sandbox = len(args) == 2
	ts.Check(wire.StoreEnrolment(ts.MkAbs(args[0]), e))
}
