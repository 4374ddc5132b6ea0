// Package fuzztest helps fuzz tests that begin with something good: what is signed or
// sealed is hit by chance by no input that is not made from it.
package fuzztest

import "bytes"

// Changed gives a copy of b in which the byte at a place is changed, or some bytes
// behind it are cut out, or others are put in. All zero, it changes nothing.
func Changed(b []byte, at uint16, xor byte, cut uint16, put []byte) []byte {
	if len(b) == 0 {
		return bytes.Clone(put)
	}
	i := int(at) % len(b)
	out := append(bytes.Clone(b[:i]), put...)
	rest := bytes.Clone(b[i:])
	rest[0] ^= xor
	return append(out, rest[min(int(cut), len(rest)):]...)
}
