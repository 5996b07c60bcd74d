package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

var operations = []string{"put", "get", "take", "update", "delete"}

// timed is one operation of the store under the eye of its instruments.
type timed struct {
	latency prometheus.Observer
	failed  prometheus.Counter
}

// done is called when the operation ends.
func (t timed) done(from time.Time, err error) {
	t.latency.Observe(clock.System{}.Now().Sub(from).Seconds())
	if err != nil && fault.KindOf(err) == fault.Unavailable {
		t.failed.Inc()
	}
}

// kv is a store whose operations are timed. It changes no answer.
type kv struct {
	store.KV
	put, get, take, update, remove timed
}

// Store times a store.
func (m *Metrics) Store(s store.KV) store.KV {
	op := func(name string) timed {
		return timed{m.store.WithLabelValues(name), m.storeFailed.WithLabelValues(name)}
	}
	return &kv{KV: s, put: op("put"), get: op("get"), take: op("take"), update: op("update"), remove: op("delete")}
}

// Put implements store.KV.
func (k *kv) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	from := clock.System{}.Now()
	err := k.KV.Put(ctx, key, value, ttl)
	k.put.done(from, err)
	return err
}

// Get implements store.KV.
func (k *kv) Get(ctx context.Context, key string) (store.Item, error) {
	from := clock.System{}.Now()
	item, err := k.KV.Get(ctx, key)
	k.get.done(from, err)
	return item, err
}

// Take implements store.KV.
func (k *kv) Take(ctx context.Context, key string) ([]byte, error) {
	from := clock.System{}.Now()
	value, err := k.KV.Take(ctx, key)
	k.take.done(from, err)
	return value, err
}

// Update implements store.KV.
func (k *kv) Update(ctx context.Context, key string, was store.Version, value []byte, ttl time.Duration) (store.Version, error) {
	from := clock.System{}.Now()
	version, err := k.KV.Update(ctx, key, was, value, ttl)
	k.update.done(from, err)
	return version, err
}

// Delete implements store.KV.
func (k *kv) Delete(ctx context.Context, key string) error {
	from := clock.System{}.Now()
	err := k.KV.Delete(ctx, key)
	k.remove.done(from, err)
	return err
}
