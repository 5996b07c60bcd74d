package directory

import (
	"maps"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// batch is what a stretch of lines gave: entries to sort and things to report.
type batch struct {
	arena   []byte
	entries []batchEntry
	facts   facts
}

type batchEntry struct {
	source      source
	start       int
	keyEnd, end int
}

// facts are the findings of a stretch of a file; they add up.
type facts struct {
	lines       int // all lines, the empty ones too
	rows        int
	badCount    int
	bad         []BadLine
	duplicates  int
	keyWarnings int
	codes       map[UnknownCode]int // Rows is zero in the key
	extra       []int               // filled cells by column
	skipped     map[string]int
}

const (
	maxBadLines     = 100
	maxUnknownCodes = 500
)

func (b *batch) reset() { b.arena, b.entries, b.facts = b.arena[:0], b.entries[:0], facts{} }

func (b *batch) add(s source, key string, value ...[]byte) {
	start := len(b.arena)
	b.arena = append(b.arena, key...)
	keyEnd := len(b.arena)
	for _, v := range value {
		b.arena = append(b.arena, v...)
	}
	b.entries = append(b.entries, batchEntry{source: s, start: start, keyEnd: keyEnd, end: len(b.arena)})
}

func (f *facts) badLine(reason string) {
	f.badCount++
	if len(f.bad) < maxBadLines {
		f.bad = append(f.bad, BadLine{Line: f.lines, Reason: reason})
	}
}

func (f *facts) skip(what string) {
	if f.skipped == nil {
		f.skipped = map[string]int{}
	}
	f.skipped[what]++
}

func (f *facts) unknownCode(column, code string, rows int) {
	if f.codes == nil {
		f.codes = map[UnknownCode]int{}
	}
	k := UnknownCode{Column: column, Code: strings.Clone(clip(code))}
	if _, known := f.codes[k]; known || len(f.codes) < maxUnknownCodes {
		f.codes[k] += rows
	}
}

// clip keeps a wrong cell from filling the report.
func clip(s string) string {
	const longest = 24
	if len(s) > longest {
		return strings.ToValidUTF8(s[:longest], "")
	}
	return s
}

// plus adds the findings of the next stretch.
func (f *facts) plus(next *facts) {
	for _, bad := range next.bad {
		if len(f.bad) < maxBadLines {
			f.bad = append(f.bad, BadLine{Line: f.lines + bad.Line, Reason: bad.Reason})
		}
	}
	f.lines += next.lines
	f.rows += next.rows
	f.badCount += next.badCount
	f.duplicates += next.duplicates
	f.keyWarnings += next.keyWarnings
	for k, n := range next.codes {
		f.unknownCode(k.Column, k.Code, n)
	}
	for i, n := range next.extra {
		for len(f.extra) <= i {
			f.extra = append(f.extra, 0)
		}
		f.extra[i] += n
	}
	for what, n := range next.skipped {
		if f.skipped == nil {
			f.skipped = map[string]int{}
		}
		f.skipped[what] += n
	}
}

func (f *facts) report(r *FileReport, l *layout) {
	r.Rows, r.BadLines, r.FirstBadLines = f.rows, f.badCount, f.bad
	r.Duplicates, r.KeyWarnings, r.Skipped = f.duplicates, f.keyWarnings, f.skipped
	r.Columns = len(l.headers)
	for i, c := range l.columns {
		if c == colUnknown {
			filled := 0
			if i < len(f.extra) {
				filled = f.extra[i]
			}
			r.UnknownColumns = append(r.UnknownColumns, ExtraColumn{Position: i + 1, Name: l.headers[i], Filled: filled})
		}
	}
	for _, i := range l.renamed {
		r.RenamedColumns = append(r.RenamedColumns, ExtraColumn{Position: i + 1, Name: l.headers[i]})
	}
	for k, n := range f.codes {
		k.Rows = n
		r.UnknownCodes = append(r.UnknownCodes, k)
	}
	slices.SortFunc(r.UnknownCodes, func(a, b UnknownCode) int {
		if c := strings.Compare(a.Column, b.Column); c != 0 {
			return c
		}
		return strings.Compare(a.Code, b.Code)
	})
}

// codeChecker looks codes up in the nomenclature, remembering what it found.
type codeChecker struct {
	names   [columnCount]string
	systems [columnCount][]rpps.System
	seen    [columnCount]map[string]bool
	coded   []column
}

func newCodeChecker(l *layout) *codeChecker {
	c := &codeChecker{}
	for i, col := range l.columns {
		if col < 0 || nomenclatureOf(col) == nil {
			continue
		}
		c.names[col], c.systems[col], c.seen[col] = l.headers[i], nomenclatureOf(col), map[string]bool{}
		c.coded = append(c.coded, col)
	}
	slices.Sort(c.coded)
	return c
}

func (c *codeChecker) check(row *cells, f *facts) {
	for _, col := range c.coded {
		code := row[col]
		if code == "" {
			continue
		}
		known, seen := c.seen[col][code]
		if !seen {
			known = slices.ContainsFunc(c.systems[col], func(s rpps.System) bool {
				_, ok := rpps.Find(s, code)
				return ok
			})
			if len(c.seen[col]) > 4*maxUnknownCodes { // a column of rubbish must not fill the memory
				maps.DeleteFunc(c.seen[col], func(string, bool) bool { return true })
			}
			c.seen[col][strings.Clone(code)] = known
		}
		if !known {
			f.unknownCode(c.names[col], code, 1)
		}
	}
}
