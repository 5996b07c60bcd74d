package audit

import (
	"context"
	"slices"
	"sync"
)

// Memory is a Recorder for tests: it keeps what it was given.
type Memory struct {
	mu       sync.Mutex
	events   []Event
	failures []Failure
	err      error
}

// Record implements Recorder.
func (m *Memory) Record(_ context.Context, e Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.events = append(m.events, e)
	return nil
}

// Failure keeps a stranger's failure, like Log.Failure.
func (m *Memory) Failure(_ context.Context, f Failure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failures = append(m.failures, f)
}

// Break makes every later Record fail with err, to prove that an act without a
// trace is refused; nil heals it.
func (m *Memory) Break(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// Events gives a copy of what was recorded, in order.
func (m *Memory) Events() []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.events)
}

// Failures gives a copy of the failures counted, in order.
func (m *Memory) Failures() []Failure {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.failures)
}
