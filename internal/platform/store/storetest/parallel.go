package storetest

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

const (
	callers = 100
	rounds  = 20
)

// race lets the callers, spread over all nodes, loose at once and counts who
// won; every loser must be told the given kind.
func race(t *testing.T, b Backend, loser fault.Kind, act func(ctx context.Context, kv store.KV, caller int) error) {
	t.Helper()
	var (
		ready, done sync.WaitGroup
		start       = make(chan struct{})
		winners     atomic.Int32
	)
	ready.Add(callers)
	for i := range callers {
		done.Go(func() {
			ready.Done()
			<-start
			err := act(t.Context(), b.Nodes[i%len(b.Nodes)], i)
			switch {
			case err == nil:
				winners.Add(1)
			case !fault.Is(err, loser):
				t.Errorf("a loser got %v, want %v", err, loser)
			}
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	if n := winners.Load(); n != 1 {
		t.Fatalf("%d winners of %d callers, want exactly one", n, callers)
	}
}

func parallelTake(t *testing.T, b Backend) {
	for round := range rounds {
		key := "challenge:" + strconv.Itoa(round)
		must(t, b.Nodes[0].Put(t.Context(), key, []byte("v"), long))
		race(t, b, fault.NotFound, func(ctx context.Context, kv store.KV, _ int) error {
			v, err := kv.Take(ctx, key)
			if err == nil && !bytes.Equal(v, []byte("v")) {
				return fmt.Errorf("the winner took %q", v)
			}
			return err
		})
	}
}

func parallelUpdate(t *testing.T, b Backend) {
	for round := range rounds {
		key := "code:" + strconv.Itoa(round)
		must(t, b.Nodes[0].Put(t.Context(), key, []byte("fresh"), long))
		was := get(t, b.Nodes[0], key).Version
		var winner atomic.Int32
		race(t, b, fault.Conflict, func(ctx context.Context, kv store.KV, caller int) error {
			_, err := kv.Update(ctx, key, was, []byte(strconv.Itoa(caller)), long)
			if err == nil {
				winner.Store(int32(caller)) //nolint:gosec // below 100
			}
			return err
		})
		if got := get(t, b.Nodes[1], key); string(got.Value) != strconv.Itoa(int(winner.Load())) {
			t.Fatalf("caller %d won, but the value is %q", winner.Load(), got.Value)
		}
	}
}

func parallelPut(t *testing.T, b Backend) {
	for round := range rounds {
		key := "jti:" + strconv.Itoa(round)
		race(t, b, fault.Conflict, func(ctx context.Context, kv store.KV, _ int) error {
			return kv.Put(ctx, key, nil, time.Minute)
		})
	}
}

// increments: 50 callers count to 20 each by compare and swap; nothing is lost.
func increments(t *testing.T, b Backend) {
	const people, each = 50, 20
	must(t, b.Nodes[0].Put(t.Context(), "counter", []byte("0"), long))
	var done sync.WaitGroup
	for i := range people {
		kv := b.Nodes[i%len(b.Nodes)]
		done.Go(func() {
			for range each {
				if err := increment(t.Context(), kv); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	if got := get(t, b.Nodes[0], "counter"); string(got.Value) != strconv.Itoa(people*each) {
		t.Fatalf("counted to %s, want %d", got.Value, people*each)
	}
}

func increment(ctx context.Context, kv store.KV) error {
	for {
		item, err := kv.Get(ctx, "counter")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(item.Value))
		if err != nil {
			return err
		}
		_, err = kv.Update(ctx, "counter", item.Version, []byte(strconv.Itoa(n+1)), long)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
	}
}

// transitions: the typed view on top, 100 callers who redeem one record.
func transitions(t *testing.T, b Backend) {
	type code struct {
		Used bool `json:"used"`
	}
	must(t, store.NewRecords[code](b.Nodes[0], "code").Put(t.Context(), "c", code{}, long))
	race(t, b, fault.Used, func(ctx context.Context, kv store.KV, _ int) error {
		_, err := store.NewRecords[code](kv, "code").Update(ctx, "c", func(c *code) (time.Duration, error) {
			if c.Used {
				return 0, fault.New(fault.Used, "", "code was redeemed")
			}
			c.Used = true
			return long, nil
		})
		return err
	})
}
