package walk

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver of the sandbox's file

	"kioskd/internal/hub/pki"
	"kioskd/internal/hw/printer/printertest"
)

// slipWord is what screens have said of a slip, over all that were shown of it.
type slipWord struct {
	printed bool // once at least
	last    string
}

// hearSlip notes what a screen says of the slip of a number or ID.
func (b *book) hearSlip(key, said string) {
	if key == "" || said == "" {
		return
	}
	w := b.slips[key]
	w.printed = w.printed || said == "printed"
	w.last = said
	b.slips[key] = w
}

// strikes lets the printer fail somewhere in the next slip, now and then, or its line
// break between the last of the slip and the word that it was printed.
func (c *cell) strikes() {
	switch c.rnd.IntN(6) {
	case 0:
		c.press.unheard.Store(true)
		c.tell("PRINTER: unheard")
		return
	case 1:
	default:
		return
	}
	faults := []printertest.Fault{
		printertest.RunOut, printertest.OpenCover, printertest.PowerOff, printertest.Unplug, printertest.Mute, printertest.Mute, printertest.Jam,
	}
	f := faults[c.rnd.IntN(len(faults))]
	c.press.printer.FailAtByte(c.rnd.IntN(slipBytes), f)
	c.tell("PRINTER: %s", f)
}

// slipBytes is about the length of a slip that the printer sets itself.
const slipBytes = 1600

// readSlips holds every slip that ever came out of the printer against the hub and
// against what screens said of it. It comes after the outbox has emptied and all rows
// of the hub were judged.
func (c *cell) readSlips() (whole, torn int) {
	c.test.Helper()
	c.learnIssued()
	c.mu.Lock()
	defer c.mu.Unlock()
	slips, pieces := c.press.all()
	first := map[string]bool{} // those that are no reprint
	came := map[string]bool{}
	for i, s := range slips {
		came[s.key] = true
		if !s.reprint {
			if first[s.key] && s.key != "" {
				c.test.Errorf("DOUBLED: the slip of %s %s came out twice, and the second does not say 再発行:\n%s", s.kind, s.key, s.text)
			}
			first[s.key] = true
		}
		if i < c.read {
			continue
		}
		if wrong := c.unsound(s, c.refs); wrong != "" {
			c.test.Errorf("a slip: %s\n%s", wrong, s.text)
		}
	}
	c.read = len(slips)
	c.reprints = len(slips) - len(first)
	for key, said := range c.slips {
		switch {
		case said.printed && !came[key]:
			c.test.Errorf("a screen called the slip of %s printed, and it did not come out", key)
			for _, piece := range pieces {
				if strings.Contains(piece.text, key) {
					c.test.Errorf("but this piece of it:\n%s", piece.text)
				}
			}
		case said.last == "not_printed" && came[key]:
			c.test.Errorf("the slip of %s came out, and the last word of it was that it did not", key)
		}
	}
	return len(slips), len(pieces)
}

// unsound says what is wrong with one slip; "" = it is as the hub knows it.
func (b *book) unsound(s paper, refs map[string][]string) string {
	if s.unlikely != "" {
		return s.unlikely
	}
	if s.kind == "issuance" {
		b.given[s.key] = true
		switch {
		case len(refs[s.key]) == 0:
			return "the issuer has not issued this ID"
		case !slices.ContainsFunc(refs[s.key], func(ref string) bool { return b.records[ref] > 0 }):
			return fmt.Sprintf("LOST: the hub has no record of this issuance, %v", refs[s.key])
		}
		return ""
	}
	r, there := b.judged[s.key]
	switch {
	case !there:
		return fmt.Sprintf("LOST: the hub does not have it (screens said %v)", b.numbers[s.key])
	case r.Kind != s.kind:
		return "the hub holds it as " + r.Kind
	case !s.queued && !r.Verdict.Accepted:
		return "it says that it was accepted, and the hub refused it: " + r.Verdict.Code
	}
	return ""
}

// learnIssued reads the sandbox's own file, with the hub's key: which IDs it has issued,
// and under which references. No answer of the hub shows an ID. The sandbox forgets
// them at the next epoch, and the slip of one may come out even later.
func (c *cell) learnIssued() {
	c.test.Helper()
	if c.refs == nil {
		c.refs = map[string][]string{}
	}
	if err := learnIssued(filepath.Join(c.dir, "hub"), c.refs); err != nil {
		c.test.Fatalf("cannot look up what was issued: %v", err)
	}
}

func learnIssued(dir string, refs map[string][]string) (err error) {
	keys, err := pki.Open(filepath.Join(dir, "keys"), time.Now())
	if err != nil {
		return err
	}
	vault, err := keys.Vault()
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "sandbox.db")+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.Query(`SELECT issue_ref, content FROM account`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var ref string
		var sealed []byte
		if err := rows.Scan(&ref, &sealed); err != nil {
			return err
		}
		open, err := vault.Open("account "+ref, sealed)
		if err != nil {
			return err
		}
		var issued struct {
			ID string `json:"service_id"`
		}
		if err := json.Unmarshal(open, &issued); err != nil {
			return err
		}
		if !slices.Contains(refs[issued.ID], ref) {
			refs[issued.ID] = append(refs[issued.ID], ref)
		}
	}
	return rows.Err()
}
