package audit

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// counter counts what strangers try in vain. It never grows past maxRows rows
// and one more per kind: whoever tries from a million addresses gets one row
// named "others", so that he can fill neither the memory nor the disk.
type counter struct {
	mu   sync.Mutex
	from time.Time
	rows map[countKey]uint64
	own  int // rows that are not "others"
}

type countKey struct {
	kind   FailureKind
	code   string
	source string
}

const (
	maxRows = 32
	others  = "others"
	unknown = "unknown"
)

func newCounter(now time.Time) *counter {
	return &counter{from: now, rows: map[countKey]uint64{}}
}

func (c *counter) add(f Failure, address string) {
	key := countKey{kind: f.Kind.known(), code: shortCode(f.Code), source: prefixOf(address)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.rows[key]; !ok {
		if c.own >= maxRows {
			key.code, key.source = "", others
		} else {
			c.own++
		}
	}
	c.rows[key]++
}

// take empties the counter into one event per row, in a stable order.
func (c *counter) take(now time.Time) []FailuresSummarised {
	c.mu.Lock()
	rows, from := c.rows, c.from
	c.rows, c.from, c.own = map[countKey]uint64{}, now, 0
	c.mu.Unlock()
	events := make([]FailuresSummarised, 0, len(rows))
	for key, count := range rows {
		events = append(events, FailuresSummarised{
			Kind: key.kind, Code: key.code, Source: key.source, Count: count, From: milli(from), To: milli(now),
		})
	}
	slices.SortFunc(events, func(a, b FailuresSummarised) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Source, b.Source))
	})
	return events
}

func milli(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// prefixOf gives the network an address belongs to: what one subscriber can
// move about in is one source (IPv4 /24, IPv6 /48).
func prefixOf(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return unknown
	}
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return unknown
	}
	return p.String()
}

// shortCode keeps public codes and drops whatever is none.
func shortCode(code string) string {
	if len(code) > 40 {
		return ""
	}
	for _, c := range []byte(code) {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c|' ' < 'a' || c|' ' > 'z') {
			return ""
		}
	}
	return code
}
