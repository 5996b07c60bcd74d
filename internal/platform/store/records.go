package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Records is the typed view of one kind of record: JSON under "kind:id".
type Records[T any] struct {
	kv   KV
	kind string
}

// NewRecords names the kind of record; kinds never share keys.
func NewRecords[T any](kv KV, kind string) Records[T] {
	return Records[T]{kv: kv, kind: kind + ":"}
}

// Put creates the record; fault.Conflict if the id is taken.
func (r Records[T]) Put(ctx context.Context, id string, v T, ttl time.Duration) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap(fault.Internal, "", "record cannot be encoded", err)
	}
	return r.kv.Put(ctx, r.kind+id, b, ttl)
}

// Get reads the record; fault.NotFound if there is none alive.
func (r Records[T]) Get(ctx context.Context, id string) (T, error) {
	v, _, err := r.read(ctx, id)
	return v, err
}

// Take consumes the record: one winner.
func (r Records[T]) Take(ctx context.Context, id string) (T, error) {
	var v T
	b, err := r.kv.Take(ctx, r.kind+id)
	if err != nil {
		return v, err
	}
	return v, decode(b, &v)
}

// Delete removes the record.
func (r Records[T]) Delete(ctx context.Context, id string) error {
	return r.kv.Delete(ctx, r.kind+id)
}

// maxRetries bounds the wait of one writer among many; 100 callers that move
// the same record need at most 100 rounds.
const maxRetries = 128

// Update moves the record by one named transition. The transition sees the
// present state and changes it or refuses with an error, which comes back
// unchanged with nothing written. It may run several times: it must be pure.
// It returns the time the record has left to live after it.
func (r Records[T]) Update(ctx context.Context, id string, transition func(*T) (ttl time.Duration, err error)) (T, error) {
	var zero T
	for range maxRetries {
		v, version, err := r.read(ctx, id)
		if err != nil {
			return zero, err
		}
		ttl, err := transition(&v)
		if err != nil {
			return v, err
		}
		b, err := json.Marshal(v)
		if err != nil {
			return zero, fault.Wrap(fault.Internal, "", "record cannot be encoded", err)
		}
		_, err = r.kv.Update(ctx, r.kind+id, version, b, ttl)
		if err == nil {
			return v, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return zero, err
		}
	}
	return zero, fault.New(fault.Unavailable, "", "record is contended")
}

func (r Records[T]) read(ctx context.Context, id string) (T, Version, error) {
	var v T
	item, err := r.kv.Get(ctx, r.kind+id)
	if err != nil {
		return v, 0, err
	}
	return v, item.Version, decode(item.Value, &v)
}

func decode(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fault.Wrap(fault.Internal, "", "stored record cannot be decoded", err)
	}
	return nil
}
