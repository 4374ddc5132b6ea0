package lockdown

import "strings"

// The settings of the Go runtime that a locked down process runs with.
const (
	traceback = "GOTRACEBACK"
	quiet     = "single" // a crash prints the stack of one goroutine and makes no dump
	godebug   = "GODEBUG"
)

// debugSettings must be 1 in GODEBUG.
func debugSettings() []string {
	return []string{
		"clobberfree", // what is freed is overwritten
		// No goroutine is interrupted by a signal, between any two instructions: what the
		// processor's registers hold then, the kernel copies onto the signal's stack, where
		// it lies until the next one. While memory is copied, that is a piece of it.
		"asyncpreemptoff",
	}
}

// environ gives the environment to run with, and whether it differs from env.
// GOTRACEBACK=crash, which somebody may have set, would print every stack and
// then ask the kernel for a dump.
func environ(env []string) (wanted []string, changed bool) {
	debugs := ""
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case traceback:
			if value != quiet && value != "none" {
				changed = true
				continue
			}
		case godebug:
			debugs = value
			continue
		}
		wanted = append(wanted, pair)
	}
	for _, setting := range debugSettings() {
		if !isOn(debugs, setting) {
			debugs = strings.TrimPrefix(debugs+","+setting+"=1", ",")
			changed = true
		}
	}
	return append(wanted, godebug+"="+debugs), changed
}

// isOn reports whether a value of GODEBUG switches a setting on. The runtime takes the
// last word on it.
func isOn(debugs, setting string) bool {
	on := false
	for word := range strings.SplitSeq(debugs, ",") {
		if value, ok := strings.CutPrefix(word, setting+"="); ok {
			on = value == "1"
		}
	}
	return on
}
