package sqlite

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// Put implements store.KV.
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := store.CheckWrite(key, value, ttl); err != nil {
		return err
	}
	w := newWrite(put)
	w.key, w.value, w.ttl = key, value, millis(ttl)
	return s.do(ctx, w)
}

// Take implements store.KV.
func (s *Store) Take(ctx context.Context, key string) ([]byte, error) {
	if !store.ValidKey(key) {
		return nil, notFound()
	}
	w := newWrite(take)
	w.key = key
	err := s.do(ctx, w)
	return w.value, err
}

// Update implements store.KV.
func (s *Store) Update(ctx context.Context, key string, was store.Version, value []byte, ttl time.Duration) (store.Version, error) {
	if !store.ValidKey(key) {
		return 0, notFound()
	}
	if err := store.CheckWrite(key, value, ttl); err != nil {
		return 0, err
	}
	w := newWrite(update)
	w.key, w.value, w.ttl, w.was = key, value, millis(ttl), was
	err := s.do(ctx, w)
	return w.version, err
}

// Delete implements store.KV.
func (s *Store) Delete(ctx context.Context, key string) error {
	if !store.ValidKey(key) {
		return nil
	}
	w := newWrite(remove)
	w.key = key
	return s.do(ctx, w)
}

// Get implements store.KV. It sees every write that was answered before it.
func (s *Store) Get(ctx context.Context, key string) (store.Item, error) {
	if !store.ValidKey(key) {
		return store.Item{}, notFound()
	}
	select {
	case r := <-s.idle:
		item, err := r.get(key, s.time.now())
		s.idle <- r
		return item, err
	case <-ctx.Done():
		return store.Item{}, unavailable(ctx.Err())
	case <-s.closing:
		return store.Item{}, unavailable(errClosed)
	}
}

// reader is one reading connection and its statement.
type reader struct {
	conn   *conn
	lookup *sqlite.Stmt
}

func openReader(path string) (*reader, error) {
	c, err := openConn(path, readerCache)
	if err != nil {
		return nil, err
	}
	r := &reader{conn: c}
	c.prepare(&r.lookup, `SELECT version, value FROM kv WHERE key = ? AND expires > ?`, &err)
	if err != nil {
		_ = c.Close() // the first failure is the one to tell
	}
	return r, err
}

func (r *reader) get(key string, now int64) (store.Item, error) {
	r.lookup.BindText(1, key)
	r.lookup.BindInt64(2, now)
	found, err := r.lookup.Step()
	if err != nil {
		return store.Item{}, unavailable(err)
	}
	var item store.Item
	if found {
		item = store.Item{Version: version(r.lookup.ColumnInt64(0)), Value: blob(r.lookup, 1)}
	}
	// Reset ends the read transaction: an open one would stop the log from being folded in.
	if err := r.lookup.Reset(); err != nil {
		return store.Item{}, unavailable(err)
	}
	if !found {
		return store.Item{}, notFound()
	}
	return item, nil
}

func version(v int64) store.Version { return store.Version(v) } //nolint:gosec // versions count up from 1

func notFound() error { return fault.New(fault.NotFound, "", "no such key") }
func conflict() error { return fault.New(fault.Conflict, "", "key was changed or exists already") }
