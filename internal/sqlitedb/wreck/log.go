package wreck

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/bits"
	"os"
)

// The form of a WAL.
const (
	logHeader   = 32
	frameHeader = 24
	frameSize   = frameHeader + PageSize
	logMagic    = 0x377f0682 // with the last bit set: sums over big-endian words
	logFormat   = 3007000
)

// wal is what stands in a WAL. SQLite reads it to the first frame whose sum, which
// goes on from frame to frame, is wrong; it cannot tell the end from a spoilt byte.
type wal struct {
	headSound bool
	salt      salt // of this generation, as far as it is known
	frames    []frame
	sound     int // how many frames SQLite accepts
}

// salt is new for each generation: after a checkpoint frames are written over those
// of the generation before, whose rest stands behind them for a while.
type salt [2]uint32

// akin allows for one half being spoilt.
func (s salt) akin(t salt) bool { return s[0] == t[0] || s[1] == t[1] }

type frame struct {
	at     int64
	page   uint32
	commit bool // the last one of its transaction
	salt   salt
}

// transaction is a run of frames of one generation that ends with a commit.
type transaction struct {
	from, to int // frames, both included
	current  bool
}

func readLog(f *os.File) (*wal, error) {
	head := make([]byte, logHeader)
	if _, err := f.ReadAt(head, 0); err != nil {
		if errors.Is(err, io.EOF) {
			return &wal{}, nil // too short for anything
		}
		return nil, err
	}
	word := func(b []byte, i int) uint32 { return binary.BigEndian.Uint32(b[4*i:]) }
	big := word(head, 0)&1 == 1
	sum := checksum(big, [2]uint32{}, head[:24])
	l := &wal{salt: salt{word(head, 4), word(head, 5)}}
	l.headSound = word(head, 0)&^1 == logMagic && word(head, 1) == logFormat && word(head, 2) == PageSize &&
		sum == [2]uint32{word(head, 6), word(head, 7)}
	buf := make([]byte, frameSize)
	rest := bufio.NewReaderSize(io.NewSectionReader(f, logHeader, math.MaxInt64-logHeader), 64<<10)
	unbroken := l.headSound
	for at := int64(logHeader); ; at += frameSize {
		if _, err := io.ReadFull(rest, buf); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				break
			}
			return nil, err
		}
		fr := frame{at: at, page: word(buf, 0), commit: word(buf, 1) != 0, salt: salt{word(buf, 2), word(buf, 3)}}
		if unbroken = unbroken && fr.page != 0 && fr.salt == l.salt; unbroken {
			sum = checksum(big, checksum(big, sum, buf[:8]), buf[frameHeader:])
			unbroken = sum == [2]uint32{word(buf, 4), word(buf, 5)}
		}
		if unbroken {
			l.sound++
		}
		l.frames = append(l.frames, fr)
	}
	if !l.headSound {
		l.salt = l.likelySalt()
	}
	return l, nil
}

// likelySalt is that of the first frames: this generation is written from the start.
func (l *wal) likelySalt() salt {
	for i := range l.frames[:max(0, len(l.frames)-1)] {
		if l.frames[i].salt == l.frames[i+1].salt {
			return l.frames[i].salt
		}
	}
	if len(l.frames) > 0 {
		return l.frames[0].salt
	}
	return l.salt
}

// checksum is the sum of the file format: pairs of words, each half feeding the other.
// big says in which order the bytes of a word stand.
func checksum(big bool, s [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		first, second := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		if big {
			first, second = bits.ReverseBytes32(first), bits.ReverseBytes32(second)
		}
		s[0] += first + s[1]
		s[1] += second + s[0]
	}
	return s
}

// transactions gives those that are whole. What is left of one that was written over
// counts as one.
func (l *wal) transactions() (list []transaction) {
	together := func(a, b salt) bool { return a.akin(b) || a.akin(l.salt) && b.akin(l.salt) }
	from := 0
	for i, f := range l.frames {
		if !together(f.salt, l.frames[min(from, i)].salt) {
			from = i
		}
		if f.commit {
			list = append(list, transaction{from: from, to: i, current: f.salt.akin(l.salt)})
			from = i + 1
		}
	}
	return list
}

// behind is how many transactions of this generation end behind the place where SQLite
// will stop reading.
func (l *wal) behind() (n int) {
	for _, t := range l.transactions() {
		if t.current && t.to >= l.sound {
			n++
		}
	}
	return n
}
