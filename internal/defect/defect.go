// Package defect describes recovered panics for the log. What a panic carries may
// be what a shopper typed, so only its kind and its place are told.
package defect

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// Defect is a recovered panic: where it was and of which kind, without the value,
// which might hold what a shopper typed.
type Defect struct {
	kind  string
	where []string
}

// Error says where, and of which kind.
func (d *Defect) Error() string {
	return "cannot go on: " + d.kind + " at " + strings.Join(d.where, " < ")
}

// New describes a panic. It is called by the deferred function that recovered.
func New(p any) *Defect {
	d := &Defect{kind: fmt.Sprintf("%T", p)}
	var re runtime.Error
	if err, ok := p.(error); ok && errors.As(err, &re) && !strings.Contains(re.Error(), "interface conversion") {
		d.kind = re.Error() // an index or a nil pointer: numbers at most
	}
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for len(d.where) < 5 {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			file := f.File[strings.LastIndexByte(f.File, '/')+1:]
			d.where = append(d.where, fmt.Sprintf("%s (%s:%d)", f.Function, file, f.Line))
		}
		if !more {
			break
		}
	}
	return d
}
