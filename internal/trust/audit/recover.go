package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/platform/fault"
)

const asideDir = "set-aside"

// recovery is what a start finds out about the files.
type recovery struct {
	segs []segment
	torn *TailRepaired
}

// recovered measures the segments, checks the last integrated lines against the
// tree and sets a torn tail aside. A difference that no crash can make is
// refused: only the verifier may look at such a log, and only a person decide.
func recovered(ctx context.Context, dir string, t *tree) (recovery, error) {
	segs, err := listSegments(dir)
	if err != nil {
		return recovery{}, err
	}
	size, err := t.size(ctx)
	if err != nil {
		return recovery{}, err
	}
	r := recovery{segs: segs}
	start := size - size%bundleEntries
	if start == size && size > 0 {
		start -= bundleEntries // the last whole bundle
	}
	for i := range segs {
		last := i == len(segs)-1
		if !last {
			segs[i].next = segs[i+1].first
		}
		if !last && segs[i].next <= start {
			if err := segs[i].measure(dir); err != nil {
				return r, err
			}
			continue
		}
		c := checker{dir: dir, seg: &segs[i], tree: t, size: size, last: last}
		if r.torn, err = c.check(ctx, max(start, segs[i].first)); err != nil {
			return r, err
		}
	}
	if end := r.end(); end < size {
		return r, fault.New(fault.Invalid, "", fmt.Sprintf(
			"traces %d to %d were cut off: the Merkle log has them; run the verifier, then begin a new folder", end, size-1))
	}
	return r, nil
}

func (r recovery) end() uint64 {
	if len(r.segs) == 0 {
		return 0
	}
	return r.segs[len(r.segs)-1].next
}

func (s *segment) measure(dir string) error {
	info, err := os.Stat(filepath.Join(dir, linesDir, s.name))
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "trace file cannot be read", err)
	}
	s.size = info.Size()
	return nil
}

// checker reads the end of one segment.
type checker struct {
	dir    string
	seg    *segment
	tree   *tree
	size   uint64 // of the tree
	last   bool
	bundle [][]byte
	base   uint64 // number of the first entry of bundle
}

// check walks the lines from a number on and sets next and size of the segment.
func (c *checker) check(ctx context.Context, from uint64) (*TailRepaired, error) {
	if err := c.seg.measure(c.dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(c.dir, linesDir, c.seg.name), os.O_RDWR, 0)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "trace file cannot be opened", err)
	}
	defer f.Close() //nolint:errcheck // what was changed is synced below
	at := int64(0)
	if from > c.seg.first {
		if at, err = findLine(f, c.seg.size, from); err != nil {
			return nil, err
		}
	}
	end := c.seg.size
	lines := newLines(io.NewSectionReader(f, at, end-at))
	n := max(from, c.seg.first)
	for at < end {
		line, whole, err := lines.next()
		if err != nil {
			return nil, err
		}
		if !whole || !c.good(ctx, n, line) {
			break
		}
		at += int64(len(line)) + 1
		n++
	}
	if at < end && (n < c.size || !c.last) {
		return nil, fault.New(fault.Invalid, "", fmt.Sprintf(
			"trace %d in %s is not what was recorded: run the verifier, then begin a new folder", n, c.seg.name))
	}
	c.seg.size = at
	if c.last {
		c.seg.next = n
	}
	if c.seg.next != n {
		return nil, fault.New(fault.Invalid, "", fmt.Sprintf("traces %d to %d are missing in %s", n, c.seg.next-1, c.seg.name))
	}
	if at == end {
		return nil, nil //nolint:nilnil // no repair is no failure
	}
	return c.repair(f, at, end)
}

// good tells whether a line is record n: by the tree if it is integrated, by
// its shape if not.
func (c *checker) good(ctx context.Context, n uint64, line []byte) bool {
	got, entry, ok := readLine(line)
	if !ok || got != n {
		return false
	}
	if n >= c.size {
		return json.Valid(line)
	}
	if base := n - n%bundleEntries; c.bundle == nil || base != c.base {
		bundle, err := c.tree.entries(ctx, n, c.size)
		if err != nil {
			return false
		}
		c.bundle, c.base = bundle, base
	}
	i := n - c.base
	return i < uint64(len(c.bundle)) && bytes.Equal(c.bundle[i], entry[:])
}

// repair cuts what follows the last whole record. Nobody was told that it was
// recorded; it is kept aside all the same, so that a repair destroys nothing.
func (c *checker) repair(f *os.File, at, end int64) (*TailRepaired, error) {
	tail := make([]byte, end-at)
	if _, err := f.ReadAt(tail, at); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "torn trace cannot be read", err)
	}
	kept := fmt.Sprintf("%s.%d", c.seg.name, at)
	err := errors.Join(
		os.MkdirAll(filepath.Join(c.dir, asideDir), 0o700),
		writeWhole(filepath.Join(c.dir, asideDir, kept), tail, 0o600),
	)
	if err == nil {
		err = errors.Join(f.Truncate(at), f.Sync())
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "torn trace cannot be repaired", err)
	}
	return &TailRepaired{File: c.seg.name, Bytes: end - at, Kept: filepath.Join(asideDir, kept)}, nil
}
