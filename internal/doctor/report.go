package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"kioskd/internal/fault"
)

// Severity says whether a finding keeps the device from its work.
type Severity string

// The severities.
const (
	Wrong Severity = "wrong"
	Note  Severity = "note"
)

// Finding is one thing that is wrong or worth knowing.
type Finding struct {
	Severity Severity   `json:"severity"`
	Code     fault.Code `json:"code,omitempty"`
	Reader   string     `json:"reader,omitempty"`
	Step     string     `json:"step,omitempty"`
	Light    string     `json:"light,omitempty"`
	Wrong    string     `json:"wrong"`
	Remedy   string     `json:"remedy"`
	Cause    string     `json:"cause,omitempty"` // what was said, for whoever helps
}

// Report is what the doctor says of a device. See the package comment for its
// form as JSON.
type Report struct {
	Device   string        `json:"device"`
	OK       bool          `json:"ok"`
	Findings []Finding     `json:"findings"`
	Card     *CardFacts    `json:"card,omitempty"`
	Lights   *LightsFacts  `json:"lights,omitempty"`
	Printer  *PrinterFacts `json:"printer,omitempty"`
}

// newReport puts the findings into order.
func newReport(device string, findings []Finding) Report {
	r := Report{Device: device, Findings: append([]Finding{}, findings...)}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return r.rank(a) - r.rank(b) })
	r.OK = !slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Wrong })
	return r
}

func (Report) rank(f Finding) int {
	if f.Severity == Wrong {
		return 0
	}
	return 1
}

// JSON writes the report as the package comment describes it.
func (r Report) JSON(w io.Writer) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	_, err = w.Write(append(raw, '\n'))
	return err
}

// MS is a duration that is written as milliseconds.
type MS time.Duration

// MarshalJSON implements json.Marshaler.
func (m MS) MarshalJSON() ([]byte, error) { return []byte(m.text()), nil }

func (m MS) text() string {
	return fmt.Sprintf("%.1f", float64(time.Duration(m))/float64(time.Millisecond))
}

// Step is one thing that was done with a device.
type Step struct {
	Name      string `json:"name"`
	OK        bool   `json:"ok"`
	Took      MS     `json:"ms"`
	Exchanges int    `json:"exchanges"` // commands
	Out       int    `json:"bytes_out"` // of commands
	In        int    `json:"bytes_in"`  // of answers, with their status words
	Err       error  `json:"-"`         // why it is not OK
}

// finding makes one of an error at the edge of the hardware.
func finding(err error) Finding {
	code := fault.CodeOf(err)
	s := sentenceOf(code)
	f := Finding{Severity: Wrong, Code: code, Wrong: s.wrong, Remedy: s.remedy}
	f.Cause = said(err)
	return f
}

// said is what the lowest layer that knows something has said of err, and its hint.
func said(err error) string {
	var cause error
	hint := ""
	for f, ok := errors.AsType[*fault.Error](err); ok; f, ok = errors.AsType[*fault.Error](f.Cause) {
		cause = f.Cause
		if f.Hint != "" {
			hint = f.Hint
		}
		err = nil // the faults have said it
	}
	switch {
	case err != nil:
		return err.Error()
	case cause != nil && hint != "":
		return fmt.Sprintf("%v (%s)", cause, hint)
	case cause != nil:
		return cause.Error()
	default:
		return hint
	}
}
