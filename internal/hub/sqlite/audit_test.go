package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
)

// Listing logs costs as much as there are logs: it never walks over the entries.
func TestAuditLogsSkipsEntries(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	rows, err := s.db.Read().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+auditLogs, "")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	searched := 0
	for rows.Next() {
		var id, parent, x int
		var step string
		if err := rows.Scan(&id, &parent, &x, &step); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(step, "SCAN a ") || strings.HasPrefix(step, "SCAN audit ") || step == "SCAN audit" || step == "SCAN a" {
			t.Errorf("it walks over all entries: %s", step)
		}
		if strings.Contains(step, "(kiosk,log)>(?,?)") {
			searched++
		}
	}
	if err := rows.Err(); err != nil || searched != 3 {
		t.Errorf("it skips %d times by the key (%v)", searched, err)
	}
}
