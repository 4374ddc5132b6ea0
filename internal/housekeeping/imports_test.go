package housekeeping

import (
	"slices"
	"strings"
	"testing"
)

// layer says what the packages under a folder may import of this module. The
// longest folder that fits counts. Tests may import more: doubles live beside
// what they double.
type layer struct {
	folder string
	may    []string // folders; each stands for what is below it too
	// pure layers touch no world: no network, disk, SQL, clock-driven driver.
	pure bool
}

// layers is the house of docs/ARCHITECTURE.md, from the middle outwards.
func layers() []layer {
	return []layer{
		{folder: "internal/secret", pure: true},
		{folder: "internal/fault", pure: true},
		{folder: "internal/colour", pure: true},
		{folder: "internal/defect"},
		{folder: "internal/lockdown"},
		{folder: "internal/lang"},
		{folder: "internal/underrace", pure: true},
		{folder: "internal/fuzztest", pure: true},
		{folder: "internal/flushtest"},
		{folder: "internal/wire", may: []string{"internal/fault", "internal/secret", "internal/wire"}},
		{folder: "internal/catalogue", may: []string{"internal/colour", "internal/secret"}, pure: true},
		{folder: "internal/flow", may: []string{"internal/secret", "internal/fault", "internal/wire", "internal/catalogue"}, pure: true},
		{folder: "internal/flow/flowgen"},
		{folder: "internal/config", may: []string{"internal/colour", "internal/hw/card/felica", "internal/hw/printer/line"}},
		{folder: "internal/hw", may: []string{"internal/hw", "internal/defect", "internal/fault", "internal/secret"}},
		{folder: "internal/metrics", may: []string{"internal/fault", "internal/wire"}},
		{folder: "internal/doctor", may: []string{"internal/hw", "internal/fault"}},
		{folder: "internal/slip", may: []string{"internal/slip", "internal/flow", "internal/catalogue", "internal/lang", "internal/fault", "internal/secret", "internal/wire", "internal/hw/printer"}},
		{folder: "internal/sqlitedb", may: []string{"internal/sqlitedb"}},
		{folder: "internal/sync", may: []string{"internal/sync", "internal/sqlitedb", "internal/wire", "internal/fault", "internal/secret"}},
		{folder: "internal/hub", may: []string{"internal/hub", "internal/defect", "internal/sqlitedb", "internal/wire", "internal/catalogue", "internal/fault", "internal/secret"}},
		{folder: "internal/kiosk", may: []string{
			"internal/kiosk", "internal/flow", "internal/hw", "internal/slip", "internal/sync", "internal/wire",
			"internal/catalogue", "internal/lang", "internal/defect", "internal/fault", "internal/secret", "internal/config",
		}},
		{folder: "ui", may: []string{"internal/colour", "internal/kiosk", "internal/flow", "internal/wire", "internal/fault"}},
		{folder: "internal/housekeeping"},
		{folder: "internal/bench", may: []string{"internal", "ui"}},
		{folder: "internal/walk", may: []string{"internal", "ui"}}, // the whole system, in one test
		{folder: "cmd", may: []string{"internal", "ui", "cmd"}},
		{folder: "tools", may: []string{"tools"}},
	}
}

// outside is what a pure package must not import of the world: it neither talks
// nor stores nor runs things.
func outside() []string {
	return []string{
		"net", "os", "database/sql", "log", "syscall", "testing", "runtime",
		"github.com/mattn/go-sqlite3", "github.com/jackc/pgx", "github.com/gorilla/websocket", "github.com/ebfe/scard", "periph.io/x",
		"github.com/prometheus/client_golang",
	}
}

func layerOf(folder string) (layer, bool) {
	var best layer
	for _, l := range layers() {
		if within(folder, l.folder) && len(l.folder) > len(best.folder) {
			best = l
		}
	}
	return best, best.folder != ""
}

func within(folder, of string) bool { return folder == of || strings.HasPrefix(folder, of+"/") }

// Imports go one way: the flow in the middle knows no driver, SQL or HTTP, and
// only commands wire.
func TestImportsGoOneWay(t *testing.T) {
	for _, f := range repository(t) {
		l, ok := layerOf(f.pkg)
		if !ok {
			t.Errorf("%s: folder %s is in no layer: put it into layers()", f.path, f.pkg)
			continue
		}
		if f.test || isDouble(f.pkg) {
			continue
		}
		for _, name := range f.imports(t) {
			own, ours := strings.CutPrefix(name, "kioskd/")
			switch {
			case ours && !slices.ContainsFunc(l.may, func(may string) bool { return within(own, may) }):
				t.Errorf("%s imports %s, which packages under %s must not", f.path, own, l.folder)
			case ours && isDouble(own) && !within(f.pkg, "cmd") && !within(f.pkg, "internal/kiosk/dock") && !within(f.pkg, "internal/bench"):
				t.Errorf("%s imports the test double %s", f.path, own)
			case !ours && l.pure && name != "log/slog" && slices.ContainsFunc(outside(), func(o string) bool { return within(name, o) }):
				// log/slog is excepted: a secret says there how it is masked.
				t.Errorf("%s imports %s, but packages under %s touch no world", f.path, name, l.folder)
			}
		}
	}
}

// isDouble tells the packages beside hardware that stand in for it.
func isDouble(folder string) bool {
	for part := range strings.SplitSeq(folder, "/") {
		if strings.HasSuffix(part, "test") && part != "test" {
			return true
		}
	}
	return false
}
