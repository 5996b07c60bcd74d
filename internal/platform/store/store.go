// Package store keeps short-lived shared state: login requests, sessions,
// codes, token families, counters, replay memory.
//
// KV is the whole promise, proven for every backend by storetest. Anything
// used once is consumed by one atomic call (Take or Update), never by "read,
// check, write" and never in one node's memory (oidc-requirements D2). When
// the backend cannot confirm, the answer is fault.Unavailable and the caller
// refuses (D3).
package store

import (
	"context"
	"time"
)

// Version names one written state of a key; it changes at every write.
type Version uint64

// Item is a live value and the version that Update needs.
type Item struct {
	Value   []byte
	Version Version
}

// KV is the port. Keys are at most 256 bytes of printable ASCII, values at
// most 64 KiB, ttl is positive. A key past its ttl does not exist, whether
// swept or not.
//
// Errors: fault.NotFound (no live key), fault.Conflict (Put on a live key,
// Update of another version), fault.Unavailable (the store cannot confirm).
type KV interface {
	// Put creates; it never overwrites a live key.
	Put(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Get reads.
	Get(ctx context.Context, key string) (Item, error)
	// Take reads and deletes: of any number of callers, on any node, one wins.
	Take(ctx context.Context, key string) ([]byte, error)
	// Update replaces the value and the remaining life of exactly that version
	// and gives the new one.
	Update(ctx context.Context, key string, was Version, value []byte, ttl time.Duration) (Version, error)
	// Delete removes; deleting what is not there is no error.
	Delete(ctx context.Context, key string) error
}

// Bus wakes waiters on other nodes. It is best effort: a lost message makes
// them late (they poll as well), never wrong.
type Bus interface {
	Publish(ctx context.Context, topic string, payload []byte) error
	// Subscribe gives messages published after it returned. cancel releases it
	// and closes the channel; slow readers lose messages.
	Subscribe(ctx context.Context, topic string) (messages <-chan []byte, cancel func(), err error)
}
