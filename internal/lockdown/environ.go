package lockdown

import "strings"

// The settings of the Go runtime that a locked down process runs with.
const (
	traceback = "GOTRACEBACK"
	quiet     = "single" // a crash prints the stack of one goroutine and makes no dump
	godebug   = "GODEBUG"
	overwrite = "clobberfree"
)

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
	if !overwrites(debugs) {
		debugs = strings.TrimPrefix(debugs+","+overwrite+"=1", ",")
		changed = true
	}
	return append(wanted, godebug+"="+debugs), changed
}

// overwrites reports whether a value of GODEBUG has what is freed overwritten.
// The runtime takes the last word on a setting.
func overwrites(debugs string) bool {
	on := false
	for setting := range strings.SplitSeq(debugs, ",") {
		if value, ok := strings.CutPrefix(setting, overwrite+"="); ok {
			on = value == "1"
		}
	}
	return on
}
