package redis

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// versionSize is the length of the version in front of every value.
const versionSize = 8

// Outcomes of the compare-and-swap script.
const (
	casMissing = 0
	casOther   = 1
	casDone    = 2
)

// compareAndSwap replaces a value, and its remaining life, if its version is
// the expected one. KEYS: key. ARGV: version, new value, life in milliseconds.
var compareAndSwap = redis.NewScript(`
local held = redis.call('GETRANGE', KEYS[1], 0, 7)
if #held < 8 then return 0 end
if held ~= ARGV[1] then return 1 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 2
`)

// Put implements store.KV with SET NX PX.
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := store.CheckWrite(key, value, ttl); err != nil {
		return err
	}
	stored, _, err := s.seal(value)
	if err != nil {
		return err
	}
	if ctx, err = committed(ctx); err != nil {
		return err
	}
	err = s.client.Do(ctx, "SET", s.prefix+key, stored, "NX", "PX", millis(ttl)).Err()
	switch {
	case errors.Is(err, redis.Nil):
		return conflict()
	case err != nil:
		return unavailable(err)
	}
	return nil
}

// Get implements store.KV. Reading twice harms nobody, so that a connection
// the server dropped meanwhile is forgiven once.
func (s *Store) Get(ctx context.Context, key string) (store.Item, error) {
	if !store.ValidKey(key) {
		return store.Item{}, notFound()
	}
	stored, err := s.client.Get(ctx, s.prefix+key).Bytes()
	if err != nil && !errors.Is(err, redis.Nil) && ctx.Err() == nil {
		stored, err = s.client.Get(ctx, s.prefix+key).Bytes()
	}
	return open(stored, err)
}

// Take implements store.KV with GETDEL.
func (s *Store) Take(ctx context.Context, key string) ([]byte, error) {
	if !store.ValidKey(key) {
		return nil, notFound()
	}
	ctx, err := committed(ctx)
	if err != nil {
		return nil, err
	}
	item, err := open(s.client.GetDel(ctx, s.prefix+key).Bytes())
	return item.Value, err
}

// Update implements store.KV with a script.
func (s *Store) Update(ctx context.Context, key string, was store.Version, value []byte, ttl time.Duration) (store.Version, error) {
	if !store.ValidKey(key) {
		return 0, notFound()
	}
	if err := store.CheckWrite(key, value, ttl); err != nil {
		return 0, err
	}
	stored, version, err := s.seal(value)
	if err != nil {
		return 0, err
	}
	if ctx, err = committed(ctx); err != nil {
		return 0, err
	}
	expected := binary.BigEndian.AppendUint64(nil, uint64(was))
	outcome, err := compareAndSwap.Run(ctx, s.client, []string{s.prefix + key}, expected, stored, millis(ttl)).Int()
	switch {
	case err != nil:
		return 0, unavailable(err)
	case outcome == casMissing:
		return 0, notFound()
	case outcome == casOther:
		return 0, conflict()
	case outcome == casDone:
		return version, nil
	}
	return 0, fault.New(fault.Internal, "", "state store gave an unknown outcome")
}

// Delete implements store.KV.
func (s *Store) Delete(ctx context.Context, key string) error {
	if !store.ValidKey(key) {
		return nil
	}
	ctx, err := committed(ctx)
	if err != nil {
		return err
	}
	if err := s.client.Del(ctx, s.prefix+key).Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

// committed lets a write run to its answer, which the call timeout bounds, even
// if its caller goes away meanwhile: nobody shall believe in the failure of a
// write that took place. Only when the server or the way to it fails does
// Unavailable leave that open; the caller then refuses, which is safe (D3).
func committed(ctx context.Context) (context.Context, error) {
	if err := ctx.Err(); err != nil {
		return nil, unavailable(err)
	}
	return context.WithoutCancel(ctx), nil
}

// seal puts a fresh version in front of the value. 64 random bits: that one
// comes back for the same key while somebody holds the old one is out of reach.
func (s *Store) seal(value []byte) ([]byte, store.Version, error) {
	stored := make([]byte, versionSize, versionSize+len(value))
	if _, err := io.ReadFull(s.rand, stored); err != nil {
		return nil, 0, fault.Wrap(fault.Unavailable, "", "no randomness for a version", err)
	}
	return append(stored, value...), store.Version(binary.BigEndian.Uint64(stored)), nil
}

func open(stored []byte, err error) (store.Item, error) {
	switch {
	case errors.Is(err, redis.Nil):
		return store.Item{}, notFound()
	case err != nil:
		return store.Item{}, unavailable(err)
	case len(stored) < versionSize:
		return store.Item{}, fault.New(fault.Internal, "", "stored value has no version")
	}
	v := binary.BigEndian.Uint64(stored)
	return store.Item{Version: store.Version(v), Value: stored[versionSize:]}, nil
}

// millis rounds up: a value never lives shorter than was asked.
func millis(ttl time.Duration) int64 {
	return int64((ttl + time.Millisecond - 1) / time.Millisecond)
}

func notFound() error { return fault.New(fault.NotFound, "", "no such key") }
func conflict() error { return fault.New(fault.Conflict, "", "key was changed or exists already") }
