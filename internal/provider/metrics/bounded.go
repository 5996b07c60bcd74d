package metrics

import "sync"

// other is the label of what came after the limit.
const other = "other"

// bounded lets so many different values become labels, first come, and calls all
// later ones other.
type bounded struct {
	limit int
	mu    sync.RWMutex
	known map[string]struct{}
}

func (b *bounded) label(v string) string {
	if v == "" {
		return "none"
	}
	b.mu.RLock()
	_, ok := b.known[v]
	full := len(b.known) >= b.limit
	b.mu.RUnlock()
	switch {
	case ok:
		return v
	case full || len(v) > 128:
		return other
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) >= b.limit {
		return other
	}
	if b.known == nil {
		b.known = map[string]struct{}{}
	}
	b.known[v] = struct{}{}
	return v
}
