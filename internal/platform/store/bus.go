package store

import (
	"bytes"
	"context"
	"sync"
)

// busBuffer is how many messages a slow reader may leave waiting.
const busBuffer = 16

// LocalBus is the Bus of one process, and the last hop of a shared one.
type LocalBus struct {
	mu     sync.RWMutex
	topics map[string]map[*subscription]struct{}
}

type subscription struct {
	messages chan []byte
}

var _ Bus = (*LocalBus)(nil)

// NewLocalBus makes a bus without subscribers.
func NewLocalBus() *LocalBus {
	return &LocalBus{topics: map[string]map[*subscription]struct{}{}}
}

// Publish implements Bus. Each reader gets the same copy: it is read only.
func (b *LocalBus) Publish(_ context.Context, topic string, payload []byte) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	readers := b.topics[topic]
	if len(readers) == 0 {
		return nil
	}
	payload = bytes.Clone(payload)
	for s := range readers {
		select {
		case s.messages <- payload:
		default: // a reader that does not keep up polls anyway
		}
	}
	return nil
}

// Subscribe implements Bus. ctx concerns the call only; the subscription lasts
// until cancel, which may be called more than once.
func (b *LocalBus) Subscribe(_ context.Context, topic string) (<-chan []byte, func(), error) {
	s := &subscription{messages: make(chan []byte, busBuffer)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.topics[topic] == nil {
		b.topics[topic] = map[*subscription]struct{}{}
	}
	b.topics[topic][s] = struct{}{}
	return s.messages, func() { b.cancel(topic, s) }, nil
}

// cancel closes the channel under the lock that Publish sends under, so that
// nobody sends on a closed one.
func (b *LocalBus) cancel(topic string, s *subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	readers := b.topics[topic]
	if _, live := readers[s]; !live {
		return
	}
	close(s.messages)
	if delete(readers, s); len(readers) == 0 {
		delete(b.topics, topic)
	}
}
