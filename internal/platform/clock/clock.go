// Package clock is the only place that asks the machine for the time.
//
// Everything else receives a Clock, so that tests and the sandbox can move it
// and nothing ever sleeps for real in a test.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time and wakes a waiter.
type Clock interface {
	// Now is the present instant in UTC, with a monotonic reading where the clock has one.
	Now() time.Time
	// After gives a channel that receives once d has passed, and a function
	// that releases it early.
	After(d time.Duration) (fired <-chan time.Time, stop func())
}

// System is the machine's clock.
type System struct{}

// Now implements Clock.
func (System) Now() time.Time { return time.Now().UTC() }

// After implements Clock.
func (System) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// Manual is a clock that moves only when told to: for tests and the sandbox.
type Manual struct {
	mu      sync.Mutex
	now     time.Time
	waiters map[*waiter]struct{}
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

// NewManual starts a manual clock at the given instant.
func NewManual(at time.Time) *Manual {
	return &Manual{now: at.UTC(), waiters: map[*waiter]struct{}{}}
}

// Now implements Clock.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// After implements Clock.
func (m *Manual) After(d time.Duration) (<-chan time.Time, func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := &waiter{at: m.now.Add(d), ch: make(chan time.Time, 1)}
	if d <= 0 {
		w.ch <- m.now
		return w.ch, func() {}
	}
	m.waiters[w] = struct{}{}
	return w.ch, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.waiters, w)
	}
}

// Advance moves the clock and fires what became due.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
	for w := range m.waiters {
		if !w.at.After(m.now) {
			w.ch <- m.now
			delete(m.waiters, w)
		}
	}
}
