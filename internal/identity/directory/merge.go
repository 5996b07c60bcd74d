package directory

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/egide-id/egide/internal/platform/db/indexfile"
	"github.com/egide-id/egide/internal/platform/fault"
)

// merger joins the register in service with what the files say, both in key
// order, and writes the next register. It never holds more than one person.
type merger struct {
	old     *indexfile.File    // nil before the first import
	out     *indexfile.Builder // nil when the files are the same again: then it only counts
	after   Info               // dates decide which extract speaks for a person
	now     time.Time
	streams []*stream
	aliases *sorter

	changes    [sourceCount]SourceReport
	duplicates [sourceCount]int
	persons    int
	closed     int
	entities   int

	record  record
	scratch []byte
}

// stream is what one source says in this import.
type stream struct {
	source source
	again  bool // the same files as last time: nobody is missing once more
	known  bool // the register held this source before
	runs   *runMerger
	live   bool
}

func (s *stream) advance() (err error) {
	s.live, err = s.runs.next()
	return err
}

// run writes both tables of records.
func (m *merger) run(ctx context.Context) error {
	for _, s := range m.streams {
		if err := s.advance(); err != nil {
			return err
		}
	}
	for _, table := range []string{tablePersons, tableEntities} {
		if m.out != nil {
			if err := m.out.Table(table); err != nil {
				return err
			}
		}
		var streams []*stream
		for _, s := range m.streams {
			if s.source.table() == table {
				streams = append(streams, s)
			}
		}
		if err := m.table(ctx, table, streams); err != nil {
			return err
		}
	}
	return nil
}

func (m *merger) table(ctx context.Context, table string, streams []*stream) error {
	if m.old != nil {
		for e, err := range m.old.Scan(ctx, table) {
			if err != nil {
				return err
			}
			if err := m.newcomers(ctx, table, streams, e.Key); err != nil {
				return err
			}
			if err := readRecord(e.Value, &m.record); err != nil {
				return err
			}
			if err := m.one(table, streams, e.Key, e.Value); err != nil {
				return err
			}
		}
	}
	return m.newcomers(ctx, table, streams, nil)
}

// newcomers handles the keys below limit (all, when nil) that the old register
// does not hold.
func (m *merger) newcomers(ctx context.Context, table string, streams []*stream, limit []byte) error {
	for n := 0; ; n++ {
		var key []byte
		for _, s := range streams {
			if s.live && (key == nil || bytes.Compare(s.runs.key, key) < 0) {
				key = s.runs.key
			}
		}
		if key == nil || limit != nil && bytes.Compare(key, limit) >= 0 {
			return nil
		}
		if n%4096 == 0 && ctx.Err() != nil {
			return fault.Wrap(fault.Unavailable, "", "the import was interrupted", ctx.Err())
		}
		m.record = record{blocks: m.record.blocks[:0]}
		if err := m.one(table, streams, slices.Clone(key), nil); err != nil {
			return err
		}
	}
}

// one brings one record up to date and writes it. unchanged is its old form.
func (m *merger) one(table string, streams []*stream, key, unchanged []byte) error {
	wasActive := m.record.active()
	touched, known := false, false
	for _, s := range streams {
		var values [][]byte
		if s.live && bytes.Equal(s.runs.key, key) {
			values = s.runs.values
		}
		changed, err := m.apply(s, values)
		if err != nil {
			return err
		}
		touched = touched || changed
		known = known || s.known && values != nil && activity(s.source)
	}
	// S-37: only somebody who appears after the first load is new.
	if !wasActive && m.record.active() && known {
		m.record.firstSeen = m.now.Unix()
	}
	if err := m.count(table, key); err != nil {
		return err
	}
	if err := m.write(key, unchanged, touched); err != nil {
		return err
	}
	for _, s := range streams { // only now: the record's payloads lie in their buffers
		if s.live && bytes.Equal(s.runs.key, key) {
			if err := s.advance(); err != nil {
				return err
			}
		}
	}
	return nil
}

// apply says to one block what its source says; nil values: nothing.
func (m *merger) apply(s *stream, values [][]byte) (changed bool, err error) {
	c := &m.changes[s.source]
	b := m.record.block(s.source)
	if b != nil && !b.closed() {
		c.Before++
	}
	if values == nil {
		return m.absent(s, b), nil
	}
	payload, fingerprint, duplicates, err := combine(s.source, values, b)
	if err != nil {
		return false, err
	}
	m.duplicates[s.source] += duplicates
	if b == nil {
		c.Created++
		m.record.put(block{source: s.source, fingerprint: fingerprint, payload: payload})
		return true, m.ended(c, nil, payload)
	}
	changed = b.misses > 0
	if b.closed() {
		c.Reopened++
	}
	b.misses = 0
	if b.fingerprint == fingerprint {
		c.Unchanged++
		return changed, nil
	}
	c.Updated++
	if s.source == sourceIdentifiers {
		if err := m.ended(c, b.payload, payload); err != nil {
			return false, err
		}
	}
	b.fingerprint, b.payload = fingerprint, payload
	return true, nil
}

// absent notes that a file of the source did not hold the record. The same
// file twice is one file (rules 4 and 6).
func (m *merger) absent(s *stream, b *block) (changed bool) {
	c := &m.changes[s.source]
	switch {
	case b == nil || b.closed():
		return false
	case s.source.cumulative():
		c.Unchanged++
		return false
	case s.again:
		if b.misses > 0 {
			c.Missing++
		} else {
			c.Unchanged++
		}
		return false
	}
	c.Missing++
	b.misses++
	if b.closed() {
		c.Closed++
	}
	return true
}

// ended counts records that the identifiers file closes or opens by name.
func (m *merger) ended(c *SourceReport, before, after []byte) error {
	if c != &m.changes[sourceIdentifiers] {
		return nil
	}
	was, err := recordEnded(before)
	if err != nil {
		return err
	}
	is, err := recordEnded(after)
	if err != nil {
		return err
	}
	if is && !was {
		c.Closed++
	}
	if was && !is {
		c.Reopened++
	}
	return nil
}
