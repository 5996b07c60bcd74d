// Package redis keeps short-lived state in a Redis server that several nodes
// share, and carries their wake-ups.
//
// A value is stored behind eight bytes of version, a fresh random number at
// every write: it needs no counter that could be lost with its key, and an old
// version never fits a record created anew. Every transition is one command or
// one script, so that one of any number of callers on any node wins. Lives are
// given as a remaining time and counted by the server: clocks of nodes do not
// matter (HA7).
package redis

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// Options says where the server is. Addr is host:port, or the path of a unix
// socket. Log and Rand (for versions) are required.
type Options struct {
	Addr, Username, Password string
	DB                       int
	Prefix                   string // before every key; default "egide"
	Log                      *slog.Logger
	Rand                     io.Reader
}

const (
	dialTimeout = 2 * time.Second
	callTimeout = 2 * time.Second
)

// Store is a connection pool. Safe for concurrent use.
type Store struct {
	client *redis.Client
	prefix string
	rand   io.Reader
	log    *slog.Logger
	bus    *bus
}

var (
	_ store.KV  = (*Store)(nil)
	_ store.Bus = (*Store)(nil)
)

// Open connects, checks that the server is one to trust with state, and
// subscribes to the bus. Close releases all of it.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{client: redis.NewClient(clientOptions(o)), prefix: o.Prefix, rand: o.Rand, log: o.Log}
	if s.prefix == "" {
		s.prefix = "egide"
	}
	s.prefix += ":"
	err := s.checkServer(ctx)
	if err == nil {
		s.bus, err = openBus(ctx, s.client, s.prefix+"bus", s.log)
	}
	if err != nil {
		return nil, errors.Join(err, s.client.Close())
	}
	return s, nil
}

func clientOptions(o Options) *redis.Options {
	network := "tcp"
	if strings.HasPrefix(o.Addr, "/") {
		network = "unix"
	}
	return &redis.Options{
		Network: network, Addr: o.Addr, Username: o.Username, Password: o.Password, DB: o.DB,
		DialTimeout: dialTimeout, ReadTimeout: callTimeout, WriteTimeout: callTimeout,
		// A lost answer must stay an unknown outcome. Asked again, GETDEL would
		// say "no such key" to the very caller who consumed it, which reads as a replay.
		MaxRetries: -1,
		// Without it a cancelled caller would wait for the whole timeout.
		ContextTimeoutEnabled: true,
		DisableIdentity:       true,
	}
}

// checkServer refuses a server that drops keys when memory is short: a dropped
// jti or a dropped tombstone of a code is a replay accepted.
func (s *Store) checkServer(ctx context.Context) error {
	info, err := s.client.Info(ctx, "memory").Result()
	if err != nil {
		return unavailable(err)
	}
	for line := range strings.Lines(info) {
		policy, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:")
		if ok && policy != "noeviction" {
			return fault.New(fault.Unavailable, "", "redis evicts keys (maxmemory-policy "+policy+"); it must be noeviction")
		}
	}
	return nil
}

// Time asks the server for its clock: the one that all nodes share.
func (s *Store) Time(ctx context.Context) (time.Time, error) {
	t, err := s.client.Time(ctx).Result()
	if err != nil {
		return time.Time{}, unavailable(err)
	}
	return t, nil
}

// Close releases connections and subscriptions.
func (s *Store) Close() error { return errors.Join(s.bus.close(), s.client.Close()) }

func unavailable(err error) error {
	return fault.Wrap(fault.Unavailable, "", "state store cannot confirm", err)
}
