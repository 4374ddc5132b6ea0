package hub_test

import (
	"os"
	"testing"
)

func dump(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}
