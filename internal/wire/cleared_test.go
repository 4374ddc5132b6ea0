package wire

import (
	"bytes"
	"testing"
)

// Nothing of a submission in clear is left where it was made ready for sealing, also
// when that fails.
func TestSealingClearsWhatItSeals(t *testing.T) {
	key := mustSealKey(t)
	for _, size := range []int{1000, buckets[len(buckets)-1]} {
		content := bytes.Repeat([]byte("z"), size)
		plain, err := pad(content)
		if fits := size < buckets[0]; (err == nil) != fits {
			t.Fatal(size, err)
		}
		if left := bytes.Trim(content, "\x00"); len(left) > 0 {
			t.Errorf("of %d bytes %d are left where they were encoded", size, len(left))
		}
		if err != nil {
			continue
		}
		if len(plain) != buckets[0] || bytes.Count(plain, []byte("z")) != size {
			t.Fatalf("padded: %d bytes with %d of the content", len(plain), bytes.Count(plain, []byte("z")))
		}
		if _, err := key.Public().seal(nil, plain); err != nil {
			t.Fatal(err)
		}
		if left := bytes.Trim(plain, "\x00"); len(left) > 0 {
			t.Errorf("of %d bytes %d are left where they were padded", size, len(left))
		}
	}
}
