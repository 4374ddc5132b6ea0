// Command flowgen writes the screen protocol down in TypeScript: the snapshot
// that the daemon pushes and the intents that a screen sends. The Go sources of
// package flow are the one definition; run it with `go generate ./internal/flow`.
//
// It reads source text rather than reflecting, because comments and the names
// of constants are part of what the other side needs.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("flowgen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	internal := flags.String("internal", "..", "folder that holds the Go packages flow, fault and wire")
	out := flags.String("out", "../../ui/src/gen", "folder to write to")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	files, err := generate(*internal)
	if err == nil {
		err = write(*out, files)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "flowgen:", err)
		return 1
	}
	return 0
}

// generate gives the text of each file by its name.
func generate(internal string) (map[string]string, error) {
	src, err := readSource(internal, "flow", "fault", "wire")
	if err != nil {
		return nil, err
	}
	intent, err := emitIntent(src)
	if err != nil {
		return nil, err
	}
	snapshot, err := emitSnapshot(src)
	if err != nil {
		return nil, err
	}
	return map[string]string{"snapshot.ts": snapshot, "intent.ts": intent}, nil
}

func write(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
