package flow

import (
	"fmt"
	"strings"
)

// Diagram draws the table of edges as a Mermaid state diagram.
func Diagram() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> top\n")
	for _, from := range Steps() {
		for _, e := range edges[from] {
			fmt.Fprintf(&b, "    %s --> %s: %s\n", from, e.to, e.label)
		}
	}
	return b.String()
}
