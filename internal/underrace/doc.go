// Package underrace tells tests whether the race detector runs. It makes whatever
// computes five to ten times as slow, and a race is in every turn of a sweep or in
// none: under it sweeps take long strides, and `make test` runs the fine ones once
// more without it.
package underrace

// Stride is how far a sweep goes at a time: fine, or coarse under the race detector.
func Stride(coarse int) int {
	if On {
		return coarse
	}
	return 1
}
