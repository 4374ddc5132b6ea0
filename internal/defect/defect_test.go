package defect_test

import (
	"fmt"
	"strings"
	"testing"

	"kioskd/internal/defect"
)

func TestTellsNoValues(t *testing.T) {
	for name, f := range map[string]func(){
		"text":  func() { panic("09012345678") },
		"error": func() { panic(fmt.Errorf("no %s", "09012345678")) },
		"index": func() { s := []int{}; _ = s[len(name(t))] },
	} {
		err := func() (err error) {
			defer func() { err = defect.New(recover()) }()
			f()
			return nil
		}()
		if strings.Contains(err.Error(), "09012345678") || !strings.Contains(err.Error(), "TestTellsNoValues") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func name(t *testing.T) string { return t.Name() }
