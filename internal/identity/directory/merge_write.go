package directory

import (
	"bytes"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// count adds the record to the totals and its identifiers to the aliases.
func (m *merger) count(table string, key []byte) error {
	if table == tableEntities {
		m.entities++
		return nil
	}
	if m.record.active() {
		m.persons++
		closed, err := m.record.isClosed(m.after)
		if err != nil {
			return err
		}
		if closed {
			m.closed++
		}
	}
	b := m.record.block(sourceIdentifiers)
	if b == nil || m.out == nil {
		return nil
	}
	var addErr error
	err := eachAlternative(string(b.payload), func(a alternative) {
		if a.value != "" && (!a.ended || a.origin != rpps.PSI.String()) && addErr == nil {
			addErr = m.aliases.add([]byte(strings.Clone(a.value)), key)
		}
	})
	if err != nil {
		return err
	}
	return addErr
}

func (m *merger) write(key, unchanged []byte, touched bool) error {
	if m.out == nil {
		return nil
	}
	if unchanged != nil && !touched {
		return m.out.Append(key, unchanged)
	}
	m.scratch = appendRecord(m.scratch[:0], &m.record)
	return m.out.Append(key, m.scratch)
}

// writeAliases writes the table of other identifiers. One that two persons
// claim resolves to nobody: it must never sign one in as the other.
func (m *merger) writeAliases(dir string) (count, ambiguous int, err error) {
	runs, err := m.aliases.finish()
	if err != nil {
		return 0, 0, err
	}
	merged, err := mergeRuns(dir, runs)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if closeErr := merged.close(); err == nil {
			err = closeErr
		}
	}()
	if err := m.out.Table(tableAliases); err != nil {
		return 0, 0, err
	}
	for {
		ok, err := merged.next()
		if err != nil || !ok {
			return count, ambiguous, err
		}
		if slices.ContainsFunc(merged.values, func(v []byte) bool { return !bytes.Equal(v, merged.values[0]) }) {
			ambiguous++
			continue
		}
		if err := m.out.Append(merged.key, merged.values[0]); err != nil {
			return 0, 0, err
		}
		count++
	}
}
