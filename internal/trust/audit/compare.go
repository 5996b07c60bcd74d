package audit

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/platform/fault"
)

// comparison holds every line against its leaf.
type comparison struct {
	dir    string
	report *Report
	leaves []leaf
	segs   []segment
	index  map[leaf]uint64 // number of every leaf; made when something is wrong
	purged uint64          // records before this one were purged, says a proven event
}

func (c *comparison) size() uint64 { return uint64(len(c.leaves)) }

func (c *comparison) run() error {
	for i := range c.segs {
		if err := c.segment(i); err != nil {
			return err
		}
	}
	c.beginning()
	return nil
}

// beginning judges the records before the first file. They are purged as far as
// the last proven TracesPurged reaches: it counts from the beginning, so that it
// explains every older purge too. The rest is missing.
func (c *comparison) beginning() {
	first := c.size()
	if len(c.segs) > 0 {
		first = min(first, c.segs[0].first)
	}
	c.report.Purged = min(first, c.purged)
	if c.report.Purged < first {
		c.report.add(Finding{
			Kind: Missing, File: linesDir, From: c.report.Purged, To: first - 1,
			Detail: "no file, and no purge that is proven",
		})
	}
}

// span is what a file must hold: up to the next file, or to the end.
type span struct {
	name   string
	first  uint64
	proven uint64 // records before this one are under the checkpoint
	end    uint64 // records before this one belong here
}

func (c *comparison) span(i int) span {
	s := span{name: filepath.Join(linesDir, c.segs[i].name), first: c.segs[i].first, end: ^uint64(0)}
	if i+1 < len(c.segs) {
		s.end = c.segs[i+1].first
	}
	s.proven = max(s.first, min(c.size(), s.end))
	return s
}

// segment walks a file as long as everything is right, and looks closer if not.
func (c *comparison) segment(i int) error {
	s := c.span(i)
	f, err := os.Open(filepath.Join(c.dir, s.name))
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "trace file cannot be read", err)
	}
	defer f.Close() //nolint:errcheck // read only
	lines := newLines(f)
	purged := c.purged
	n := s.first
	for {
		line, whole, err := lines.next()
		if err != nil {
			return err
		}
		if !whole {
			return c.end(i, s, n, line, purged)
		}
		if !c.right(s, n, line) {
			c.purged = purged
			return c.lookCloser(i, s)
		}
		n++
	}
}

// right tells whether a line is record n.
func (c *comparison) right(s span, n uint64, line []byte) bool {
	if n >= s.end {
		return false
	}
	if n >= s.proven {
		got, _, ok := readLine(line)
		return ok && got == n && json.Valid(line)
	}
	_, l, ok := leafOf(line)
	if ok && l == c.leaves[n] {
		c.learn(line)
		return true
	}
	return false
}

// end judges a file whose every line was right.
func (c *comparison) end(i int, s span, n uint64, rest []byte, purged uint64) error {
	if len(rest) > 0 {
		if i != len(c.segs)-1 || n < s.proven {
			c.purged = purged
			return c.lookCloser(i, s)
		}
		c.report.Torn = int64(len(rest))
	}
	c.report.Verified += min(n, s.proven) - s.first
	c.report.Pending += n - min(n, s.proven)
	last := s.proven
	if i != len(c.segs)-1 {
		last = s.end
	}
	if n < last {
		c.report.add(Finding{Kind: Cut, File: s.name, From: n, To: last - 1})
	}
	return nil
}

var purgeMark = []byte(`"event":"` + TracesPurged{}.event() + `"`)

// learn takes note of a purge. Only proven lines come here: a purge that
// anybody may add to the end of a file explains nothing.
func (c *comparison) learn(line []byte) {
	if !bytes.Contains(line, purgeMark) {
		return
	}
	var record struct {
		Event string       `json:"event"`
		Body  TracesPurged `json:"body"`
	}
	if json.Unmarshal(line, &record) == nil && record.Event == (TracesPurged{}).event() {
		c.purged = max(c.purged, record.Body.Before)
	}
}
