// Package font holds the built-in faces of slips: subsets of Noto Sans CJK JP. Their
// licence stands beside them.
package font

import _ "embed" // the faces

//go:embed NotoSansCJKjp-Regular.otf
var regular []byte

//go:embed NotoSansCJKjp-Bold.otf
var bold []byte

// Regular lends the regular face.
func Regular() []byte { return regular }

// Bold lends the bold face.
func Bold() []byte { return bold }
