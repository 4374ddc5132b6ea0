package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"kioskd/internal/kiosk/identity/hubtest"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"kioskd": main}) }

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitfile": waitFile,
			"get":      get,

			"refusedsubmission": refusedSubmission,

			"getscreen": getScreen,
			"enrolment": enrolmentFile,
			"testhub": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: testhub FILE")
				}
				hub := hubtest.New(t)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(hub.Code(t).Text()+"\n"), 0o600))
			},
		},
	})
}
