package webpush

import "time"

// times orders waiting entries by when something happens to them
// (container/heap).
type times []*entry

// at is when the next try is due or the push expires, whichever comes first.
func (e *entry) at() time.Time {
	if e.due.IsZero() || e.push.Expires.Before(e.due) {
		return e.push.Expires
	}
	return e.due
}

// Len implements heap.Interface.
func (t times) Len() int { return len(t) }

// Less implements heap.Interface.
func (t times) Less(i, j int) bool { return t[i].at().Before(t[j].at()) }

// Swap implements heap.Interface.
func (t times) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].index, t[j].index = i, j
}

// Push implements heap.Interface.
func (t *times) Push(x any) {
	e := x.(*entry) // only entries are put here
	e.index = len(*t)
	*t = append(*t, e)
}

// Pop implements heap.Interface.
func (t *times) Pop() any {
	last := len(*t) - 1
	e := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	e.index = -1
	return e
}
