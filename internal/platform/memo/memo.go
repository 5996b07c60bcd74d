// Package memo remembers what is dear to find out and never changes.
package memo

import "sync"

// Memo remembers answers by their question. Failures are not kept, so that
// nobody who has nothing to show fills it. When it is full it starts afresh: each
// question then pays once more. Safe for concurrent use.
type Memo[K comparable, V any] struct {
	limit int

	mu    sync.Mutex
	known map[K]V
}

// New makes one that holds so many answers.
func New[K comparable, V any](limit int) *Memo[K, V] {
	return &Memo[K, V]{limit: limit, known: map[K]V{}}
}

// Of gives what is known, or finds it out.
func (m *Memo[K, V]) Of(question K, find func() (V, error)) (V, error) {
	m.mu.Lock()
	answer, found := m.known[question]
	m.mu.Unlock()
	if found {
		return answer, nil
	}
	answer, err := find()
	if err != nil {
		return answer, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= m.limit {
		clear(m.known)
	}
	m.known[question] = answer
	return answer, nil
}

// Len tells how many answers are known.
func (m *Memo[K, V]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.known)
}
