package wreck

import (
	"encoding/binary"
	"math"
)

// What a page may hold, and what no row of ours comes near: a spoilt length must not
// make the reading endless.
const (
	tableLeaf  = 0x0d
	leafHeader = 8
	fileHeader = 100 // in front of the first page's own
	longest    = 64 << 10
)

// cell is a row's beginning on its page.
type cell struct {
	rowID int64
	size  int    // of the whole payload
	local []byte // the part that stands here
	next  uint32 // the page on which it goes on, 0 for none
}

// cells gives the cells of a table's leaf that have the form of one.
func cells(page []byte, number uint32) (list []cell) {
	head := 0
	if number == 1 {
		head = fileHeader
	}
	if page[head] != tableLeaf {
		return nil
	}
	count := int(binary.BigEndian.Uint16(page[head+3:]))
	for i := range count {
		pointer := head + leafHeader + 2*i
		if pointer+2 > len(page) {
			break
		}
		if c, ok := readCell(page, int(binary.BigEndian.Uint16(page[pointer:]))); ok {
			list = append(list, c)
		}
	}
	return list
}

func readCell(page []byte, at int) (cell, bool) {
	if at < leafHeader || at >= len(page) {
		return cell{}, false
	}
	rest := page[at:]
	size, n := varint(rest)
	if n == 0 || size > longest {
		return cell{}, false
	}
	rest = rest[n:]
	id, n := varint(rest)
	if n == 0 {
		return cell{}, false
	}
	rest = rest[n:]
	c := cell{rowID: int64(id), size: int(size)}
	local := localSize(c.size)
	if local > len(rest) {
		return cell{}, false
	}
	c.local = rest[:local:local]
	if local < c.size {
		if len(rest) < local+4 {
			return cell{}, false
		}
		c.next = binary.BigEndian.Uint32(rest[local:])
	}
	return c, true
}

// localSize is how much of a payload stands on the leaf, as SQLite's file format has it.
func localSize(size int) int {
	const most, least = PageSize - 35, (PageSize-12)*32/255 - 23
	if size <= most {
		return size
	}
	if k := least + (size-least)%(PageSize-4); k <= most {
		return k
	}
	return least
}

// varint reads SQLite's: big end first, seven bits a byte, all eight of the ninth.
// n is 0 when it is cut off.
func varint(b []byte) (v uint64, n int) {
	for i := range min(len(b), 9) {
		if i == 8 {
			return v<<8 | uint64(b[i]), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// record takes a payload apart. Its parts must fill it exactly.
func record(b []byte) ([]any, bool) {
	size, n := varint(b)
	if n == 0 || size < uint64(n) || size > uint64(len(b)) {
		return nil, false
	}
	types, body := b[n:size], b[size:]
	var values []any
	for len(types) > 0 {
		kind, n := varint(types)
		if n == 0 {
			return nil, false
		}
		types = types[n:]
		value, rest, ok := field(kind, body)
		if !ok {
			return nil, false
		}
		values, body = append(values, value), rest
	}
	return values, len(body) == 0
}

// field takes one value of a type off the front.
func field(kind uint64, b []byte) (value any, rest []byte, ok bool) {
	var size int
	switch {
	case kind <= 4:
		size = int(kind)
	case kind == 5:
		size = 6
	case kind == 6 || kind == 7:
		size = 8
	case kind == 8 || kind == 9:
		return int64(kind - 8), b, true
	case kind >= 12 && (kind-12)/2 <= longest:
		size = int((kind - 12) / 2)
	default:
		return nil, nil, false
	}
	if size > len(b) {
		return nil, nil, false
	}
	part, rest := b[:size], b[size:]
	switch {
	case kind == 0:
		return nil, rest, true
	case kind == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(part)), rest, true
	case kind < 7:
		v := int64(int8(part[0])) // the sign
		for _, c := range part[1:] {
			v = v<<8 | int64(c)
		}
		return v, rest, true
	case kind%2 == 1:
		return string(part), rest, true
	}
	return append([]byte{}, part...), rest, true
}
