package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/egide-id/egide/internal/platform/fault"
)

// segment is the durable file of one day of one node. Its name says which
// record it begins with, so that deleting an older one breaks no numbering.
type segment struct {
	name  string // 2026-11-22_node-a_000000001234.jsonl
	day   string
	first uint64 // number of its first record
	next  uint64 // number after its last durable record
	size  int64  // bytes that are durable
}

const linesDir = "lines"

var segmentName = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)_([A-Za-z0-9.-]{1,63})_(\d{12,20})\.jsonl$`)

func newSegment(day, node string, first uint64) segment {
	return segment{name: fmt.Sprintf("%s_%s_%012d.jsonl", day, node, first), day: day, first: first, next: first}
}

// listSegments gives the files of a log in the order of their records. next and
// size are not known yet.
func listSegments(dir string) ([]segment, error) {
	files, err := os.ReadDir(filepath.Join(dir, linesDir))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "trace folder cannot be read", err)
	}
	var segs []segment
	for _, f := range files {
		part := segmentName.FindStringSubmatch(f.Name())
		if part == nil {
			continue
		}
		first, err := strconv.ParseUint(part[3], 10, 64)
		if err != nil {
			continue
		}
		segs = append(segs, segment{name: f.Name(), day: part[1], first: first, next: first})
	}
	slices.SortFunc(segs, func(a, b segment) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.name, b.name))
	})
	return segs, nil
}

// findLine gives the offset of record n in a file that holds it, by halving:
// a day may have hundreds of megabytes, and a start must not read them all.
func findLine(f io.ReaderAt, size int64, n uint64) (int64, error) {
	low, high := int64(0), size // record n begins in [low, high)
	for high-low > 2*maxLine {
		mid := low + (high-low)/2
		at, found, err := numberAfter(f, mid, min(size, mid+2*maxLine))
		switch {
		case err != nil:
			return 0, err
		case at < 0 || at >= high || found > n: // no record here: damage, which only a tail has
			high = mid
		default:
			low = at
		}
	}
	return scanFor(io.NewSectionReader(f, low, size-low), low, n)
}

// numberAfter finds the first record that begins after an offset.
func numberAfter(f io.ReaderAt, from, to int64) (at int64, n uint64, err error) {
	buf := make([]byte, to-from)
	if _, err := f.ReadAt(buf, from); err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, fault.Wrap(fault.Unavailable, "", "trace file cannot be read", err)
	}
	for off := 0; ; {
		i := bytes.IndexByte(buf[off:], '\n')
		if i < 0 {
			return -1, 0, nil
		}
		off += i + 1
		if n, _, ok := readNumber(buf[off:]); ok {
			return from + int64(off), n, nil
		}
	}
}

func scanFor(r io.Reader, at int64, n uint64) (int64, error) {
	lines := newLines(r)
	for {
		line, whole, err := lines.next()
		if err != nil {
			return 0, err
		}
		if !whole {
			return 0, fault.New(fault.Invalid, "", fmt.Sprintf("record %d is not in its file", n))
		}
		if got, _, ok := readNumber(line); ok && got == n {
			return at, nil
		}
		at += int64(len(line)) + 1
	}
}

// lines reads a file line by line without trusting their length.
type lines struct{ r *bufio.Reader }

func newLines(r io.Reader) lines { return lines{r: bufio.NewReaderSize(r, 64<<10)} }

// next gives the next line without its break; whole is false for the bytes
// after the last break, which may be none. The line is valid until the next call.
func (l lines) next() (line []byte, whole bool, err error) {
	line, err = l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = l.r.ReadSlice('\n')
			if len(long) <= 64*maxLine { // a file without breaks must not fill the memory
				long = append(long, line...)
			}
		}
		line = long
	}
	switch {
	case errors.Is(err, io.EOF):
		return line, false, nil
	case err != nil:
		return nil, false, fault.Wrap(fault.Unavailable, "", "trace file cannot be read", err)
	}
	return line[:len(line)-1], true, nil
}
