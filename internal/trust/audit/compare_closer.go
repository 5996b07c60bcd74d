package audit

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/egide-id/egide/internal/platform/fault"
)

// none marks a line that is no record of the tree.
const none = ^uint64(0)

// seenLine is a line of a file in which something is wrong.
type seenLine struct {
	n     uint64 // the record it is, by its hash; none if it is no record
	claim uint64 // the number it claims; none if it is not even of our shape
}

// lookCloser finds out what is wrong with a file: every line is looked up by
// its hash, wherever it stands; what is no record is matched with what is missing.
func (c *comparison) lookCloser(i int, s span) error {
	seen, err := c.read(s)
	if err != nil {
		return err
	}
	inPlace := map[uint64]bool{} // records of this file that are in it
	var order, moved, inserted []uint64
	for _, l := range seen {
		switch {
		case l.n == none:
		case l.n < s.first || l.n >= s.proven:
			moved = append(moved, l.n) // of another file
		case inPlace[l.n]:
			inserted = append(inserted, l.n) // twice
		default:
			inPlace[l.n] = true
			order = append(order, l.n)
		}
	}
	c.report.Verified += uint64(len(order))
	changed, more := c.match(i, s, seen, inPlace)
	c.report.addNumbers(Inserted, s.name, append(inserted, more...))
	c.report.addNumbers(Swapped, s.name, append(moved, displaced(order)...))
	c.report.addNumbers(Changed, s.name, changed)
	c.absent(s, inPlace)
	return nil
}

// read gives the lines of a file, and takes note of purges among the proven ones.
func (c *comparison) read(s span) ([]seenLine, error) {
	f, err := os.Open(filepath.Join(c.dir, s.name))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "trace file cannot be read", err)
	}
	defer f.Close() //nolint:errcheck // read only
	index := c.numbers()
	var seen []seenLine
	for lines := newLines(f); ; {
		line, whole, err := lines.next()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 && !whole {
			return seen, nil
		}
		l := seenLine{n: none, claim: none}
		if n, leaf, ok := leafOf(line); ok {
			l.claim = n
			if known, ok := index[leaf]; ok {
				l.n = known
				c.learn(line)
			}
		} else if n, _, ok := readNumber(line); ok {
			l.claim = n
		}
		seen = append(seen, l)
		if !whole {
			return seen, nil
		}
	}
}

func (c *comparison) numbers() map[leaf]uint64 {
	if c.index == nil {
		c.index = make(map[leaf]uint64, len(c.leaves))
		for n, l := range c.leaves {
			c.index[l] = uint64(n)
		}
	}
	return c.index
}

// match says for each line that is no record which record it was: the one it
// claims to be if that one is missing, else the one missing after its
// neighbour. What matches nothing was inserted; lines after the checkpoint are
// pending as long as they follow one another.
func (c *comparison) match(i int, s span, seen []seenLine, inPlace map[uint64]bool) (changed, inserted []uint64) {
	before, pending := s.first, s.proven
	free := func(n uint64) bool { return n >= s.first && n < s.proven && !inPlace[n] }
	for _, l := range seen {
		if l.n != none {
			before = l.n + 1
			continue
		}
		n := l.claim
		if !free(n) && free(before) {
			n = before
		}
		switch {
		case free(n):
			inPlace[n] = true
			changed = append(changed, n)
			before = n + 1
		case l.claim == pending && l.claim < s.end && i == len(c.segs)-1:
			pending++
			c.report.Pending++
		default:
			inserted = append(inserted, min(before, s.proven))
		}
	}
	return changed, inserted
}

// absent reports what is not in the file: cut at its end, missing elsewhere.
func (c *comparison) absent(s span, inPlace map[uint64]bool) {
	var gone []uint64
	for n := s.first; n < s.proven; n++ {
		if !inPlace[n] {
			gone = append(gone, n)
		}
	}
	cut := len(gone)
	for end := s.proven; cut > 0 && gone[cut-1] == end-1; end-- {
		cut--
	}
	c.report.addNumbers(Missing, s.name, gone[:cut])
	c.report.addNumbers(Cut, s.name, gone[cut:])
}

// displaced gives the records that do not stand where they would if the file
// were in order.
func displaced(order []uint64) []uint64 {
	sorted := slices.Sorted(slices.Values(order))
	var out []uint64
	for i, n := range order {
		if n != sorted[i] {
			out = append(out, n)
		}
	}
	return out
}
