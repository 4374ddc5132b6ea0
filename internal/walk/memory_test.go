package walk

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf16"
)

// marker is something personal that nothing else in the world looks like.
type marker struct {
	what  string
	bytes []byte
}

// markersOf are the ways in which a text may lie in memory or in a file: as it is,
// as JavaScript and Java keep texts, as JSON may escape it, and in the Base64 of a
// longer text that it is part of.
func markersOf(what, text string) []marker {
	all := []marker{{what, []byte(text)}}
	var little, big []byte
	escaped := ""
	for _, unit := range utf16.Encode([]rune(text)) {
		little = append(little, byte(unit), byte(unit>>8))
		big = append(big, byte(unit>>8), byte(unit))
		escaped += fmt.Sprintf(`\u%04x`, unit)
	}
	all = append(all, marker{what + " as UTF-16", little}, marker{what + " as UTF-16, big end first", big}, marker{what + ", escaped", []byte(escaped)})
	for shift := range 3 {
		// The characters at both ends depend on the neighbours.
		padded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), text...))
		begin := []int{0, 2, 3}[shift]
		end := len(text) + shift
		inner := padded[begin : end*8/6]
		all = append(all, marker{what + " in Base64", []byte(inner)})
		if url := strings.NewReplacer("+", "-", "/", "_").Replace(inner); url != inner {
			all = append(all, marker{what + " in Base64", []byte(url)})
		}
	}
	return all
}

// find tells where markers lie in content, with what is around them. Pages of
// zeros, of which memory and databases are full, are passed over.
func find(where string, content []byte, markers []marker) (hits []string) {
	const page = 4096
	zeros := make([]byte, page)
	empty := func(at int) bool { return at+page <= len(content) && bytes.Equal(content[at:at+page], zeros) }
	for at := 0; at < len(content); {
		if empty(at) {
			at += page
			continue
		}
		from := at
		for at < len(content) && !empty(at) {
			at = min(at+page, len(content))
		}
		hits = append(hits, findWithin(where, content[from:at], markers)...)
	}
	return hits
}

func findWithin(where string, content []byte, markers []marker) []string {
	var hits []string
	for _, m := range markers {
		for rest, at := content, 0; ; {
			i := bytes.Index(rest, m.bytes)
			if i < 0 {
				break
			}
			at += i
			around := content[max(0, at-40):min(len(content), at+len(m.bytes)+40)]
			hits = append(hits, fmt.Sprintf("%s holds the %s at %#x: %q", where, m.what, at, around))
			at += len(m.bytes)
			rest = content[at:]
		}
	}
	return hits
}

// findInMemory searches everything that a process has written to, or can have.
func findInMemory(pid int, markers []marker) (hits []string, searched int, err error) {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = maps.Close() }()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = mem.Close() }()
	pages, err := os.Open(fmt.Sprintf("/proc/%d/pagemap", pid))
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = pages.Close() }()
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var from, to uint64
		var rights string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &rights); err != nil {
			return nil, 0, fmt.Errorf("cannot read %q: %w", lines.Text(), err)
		}
		if !strings.HasPrefix(rights, "rw") || strings.Contains(lines.Text(), "[v") {
			continue // [vvar] and the like belong to the kernel
		}
		name := "memory at " + strings.Join(strings.Fields(lines.Text())[:1], " ")
		if f := strings.Fields(lines.Text()); len(f) > 5 {
			name += " " + f[5]
		}
		runs, err := touched(pages, from, to)
		if err != nil {
			return nil, 0, fmt.Errorf("cannot read the pages of %q: %w", lines.Text(), err)
		}
		for _, r := range runs {
			content, err := io.ReadAll(io.NewSectionReader(mem, int64(r.from), int64(r.to-r.from)))
			if err != nil {
				return nil, 0, fmt.Errorf("cannot read %q: %w", lines.Text(), err)
			}
			searched += len(content)
			hits = append(hits, find(name, content, markers)...)
		}
	}
	return hits, searched, lines.Err()
}

// stretch is memory that goes on from page to page.
type stretch struct{ from, to uint64 }

// touched gives the pages between two addresses that there are, in memory or swapped
// out. Of the others, which are most of what the runtime reserves, nothing was written.
func touched(pagemap *os.File, from, to uint64) (runs []stretch, err error) {
	const entry, there = 8, uint64(3) << 62 // present, swapped
	size := uint64(os.Getpagesize())
	b := make([]byte, (to-from)/size*entry)
	if _, err := pagemap.ReadAt(b, int64(from/size*entry)); err != nil {
		return nil, err
	}
	for at := from; at < to; at += size {
		if binary.NativeEndian.Uint64(b[(at-from)/size*entry:])&there == 0 {
			continue
		}
		if last := len(runs) - 1; last >= 0 && runs[last].to == at {
			runs[last].to += size
		} else {
			runs = append(runs, stretch{at, at + size})
		}
	}
	return runs, nil
}
