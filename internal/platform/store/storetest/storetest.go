// Package storetest is the promise of store.KV and store.Bus as a test suite.
// Every backend runs it, concurrency included: what is consumed once has one
// winner, whichever node the callers are on (oidc-requirements D2, HA9).
package storetest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// Backend is one empty store as its nodes see it.
type Backend struct {
	// Nodes are at least two stores over the same state, as two processes have it.
	Nodes []store.KV
	// Advance makes that much time pass for every key, without waiting.
	Advance func(d time.Duration)
}

// long outlives any test.
const long = time.Hour

// Run holds a backend to the promise. open makes a fresh, empty one.
func Run(t *testing.T, open func(t *testing.T) Backend) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, b Backend)
	}{
		{"PutThenGet", putThenGet},
		{"PutNeverOverwritesALiveKey", createOnly},
		{"TakeConsumes", takeConsumes},
		{"UpdateNeedsTheVersion", updateNeedsVersion},
		{"DeleteIsIdempotent", deleteIsIdempotent},
		{"ExpiredKeyDoesNotExist", expiredDoesNotExist},
		{"PutAfterExpiry", putAfterExpiry},
		{"UpdateSetsTheRemainingLife", updateSetsLife},
		{"OldVersionOfARecreatedKeyIsRefused", versionNeverRepeats},
		{"Limits", limits},
		{"CancelledCallChangesNothing", cancelled},
		{"ParallelTakeHasOneWinner", parallelTake},
		{"ParallelUpdateHasOneWinner", parallelUpdate},
		{"ParallelPutHasOneWinner", parallelPut},
		{"ParallelIncrementsAreAllCounted", increments},
		{"ParallelRecordTransitions", transitions},
		{"AgreesWithAModel", model},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			if len(b.Nodes) < 2 {
				t.Fatal("a backend shows itself with at least two nodes")
			}
			c.test(t, b)
		})
	}
}

func want(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("got %v, want a fault of kind %v", err, kind)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, kv store.KV, key string) store.Item {
	t.Helper()
	item, err := kv.Get(t.Context(), key)
	must(t, err)
	return item
}

func putThenGet(t *testing.T, b Backend) {
	for _, value := range [][]byte{[]byte("text"), {}, {0, 1, 255, 0}, bytes.Repeat([]byte{7}, store.MaxValue)} {
		key := "kind:" + string(rune('a'+len(value)%26))
		must(t, b.Nodes[0].Put(t.Context(), key, value, long))
		for _, node := range b.Nodes {
			if got := get(t, node, key); !bytes.Equal(got.Value, value) {
				t.Fatalf("%d bytes came back as %d", len(value), len(got.Value))
			}
		}
		must(t, b.Nodes[0].Delete(t.Context(), key))
	}
	_, err := b.Nodes[0].Get(t.Context(), "unknown")
	want(t, err, fault.NotFound)
}

func createOnly(t *testing.T, b Backend) {
	must(t, b.Nodes[0].Put(t.Context(), "k", []byte("first"), long))
	want(t, b.Nodes[1].Put(t.Context(), "k", []byte("second"), long), fault.Conflict)
	if got := get(t, b.Nodes[0], "k"); string(got.Value) != "first" {
		t.Fatalf("value is %q", got.Value)
	}
}

func takeConsumes(t *testing.T, b Backend) {
	must(t, b.Nodes[0].Put(t.Context(), "k", []byte("v"), long))
	got, err := b.Nodes[1].Take(t.Context(), "k")
	must(t, err)
	if string(got) != "v" {
		t.Fatalf("took %q", got)
	}
	for _, node := range b.Nodes {
		_, err = node.Take(t.Context(), "k")
		want(t, err, fault.NotFound)
		_, err = node.Get(t.Context(), "k")
		want(t, err, fault.NotFound)
	}
	must(t, b.Nodes[0].Put(t.Context(), "k", []byte("again"), long))
}

func updateNeedsVersion(t *testing.T, b Backend) {
	_, err := b.Nodes[0].Update(t.Context(), "k", 1, []byte("v"), long)
	want(t, err, fault.NotFound)
	must(t, b.Nodes[0].Put(t.Context(), "k", []byte("one"), long))
	first := get(t, b.Nodes[0], "k")
	second, err := b.Nodes[1].Update(t.Context(), "k", first.Version, []byte("two"), long)
	must(t, err)
	if second == first.Version {
		t.Fatal("the version did not change")
	}
	_, err = b.Nodes[0].Update(t.Context(), "k", first.Version, []byte("three"), long)
	want(t, err, fault.Conflict)
	if got := get(t, b.Nodes[0], "k"); string(got.Value) != "two" || got.Version != second {
		t.Fatalf("got %q at version %d, want two at %d", got.Value, got.Version, second)
	}
	_, err = b.Nodes[0].Update(t.Context(), "k", second, []byte("three"), long)
	must(t, err)
}

func deleteIsIdempotent(t *testing.T, b Backend) {
	must(t, b.Nodes[0].Delete(t.Context(), "k"))
	must(t, b.Nodes[0].Put(t.Context(), "k", []byte("v"), long))
	must(t, b.Nodes[1].Delete(t.Context(), "k"))
	must(t, b.Nodes[1].Delete(t.Context(), "k"))
	_, err := b.Nodes[0].Get(t.Context(), "k")
	want(t, err, fault.NotFound)
}

// limits: what a stranger sends as a handle is an unknown key and no failure;
// what our own code must not write is refused.
func limits(t *testing.T, b Backend) {
	kv := b.Nodes[0]
	for _, key := range []string{"", strings.Repeat("k", store.MaxKey+1), "clé", "a\nb", "a\x00b", "\xff"} {
		want(t, kv.Put(t.Context(), key, nil, long), fault.Invalid)
		_, err := kv.Get(t.Context(), key)
		want(t, err, fault.NotFound)
		_, err = kv.Take(t.Context(), key)
		want(t, err, fault.NotFound)
		_, err = kv.Update(t.Context(), key, 1, nil, long)
		want(t, err, fault.NotFound)
		must(t, kv.Delete(t.Context(), key))
	}
	must(t, kv.Put(t.Context(), strings.Repeat("k", store.MaxKey), nil, long))
	must(t, kv.Put(t.Context(), " *?[]\\'\"%:{}~", nil, long))
	want(t, kv.Put(t.Context(), "big", make([]byte, store.MaxValue+1), long), fault.Invalid)
	want(t, kv.Put(t.Context(), "dead", nil, 0), fault.Invalid)
	want(t, kv.Put(t.Context(), "dead", nil, -time.Second), fault.Invalid)
	must(t, kv.Put(t.Context(), "short", nil, time.Nanosecond))
}

func cancelled(t *testing.T, b Backend) {
	kv := b.Nodes[0]
	must(t, kv.Put(t.Context(), "k", []byte("v"), long))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, kv.Put(ctx, "new", nil, long), fault.Unavailable)
	_, err := kv.Take(ctx, "k")
	want(t, err, fault.Unavailable)
	want(t, kv.Delete(ctx, "k"), fault.Unavailable)
	_, err = kv.Update(ctx, "k", get(t, kv, "k").Version, []byte("w"), long)
	want(t, err, fault.Unavailable)
	if got := get(t, kv, "k"); string(got.Value) != "v" {
		t.Fatalf("value is %q", got.Value)
	}
	_, err = kv.Get(t.Context(), "new")
	want(t, err, fault.NotFound)
}

// model drives a few keys at random from both nodes and compares every answer
// with a map.
func model(t *testing.T, b Backend) {
	type entry struct {
		value   string
		version store.Version
	}
	held, seen := map[string]entry{}, map[string][]store.Version{}
	rapid.Check(t, func(rt *rapid.T) {
		kv := rapid.SampledFrom(b.Nodes).Draw(rt, "node")
		key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "key")
		value := rapid.StringN(0, 20, -1).Draw(rt, "value")
		was, live := held[key]
		expect := func(err error, kind fault.Kind, good bool) {
			if good != (err == nil) || (!good && !fault.Is(err, kind)) {
				rt.Fatalf("key %s live=%v: got %v", key, live, err)
			}
		}
		switch rapid.SampledFrom([]string{"put", "take", "update", "stale", "delete", "advance"}).Draw(rt, "act") {
		case "put":
			expect(kv.Put(t.Context(), key, []byte(value), long), fault.Conflict, !live)
			if !live {
				held[key] = entry{value: value, version: get(t, kv, key).Version}
			}
		case "take":
			got, err := kv.Take(t.Context(), key)
			expect(err, fault.NotFound, live)
			if live && string(got) != was.value {
				rt.Fatalf("took %q, want %q", got, was.value)
			}
			delete(held, key)
		case "update":
			v, err := kv.Update(t.Context(), key, was.version, []byte(value), long)
			expect(err, fault.NotFound, live)
			if live {
				held[key] = entry{value: value, version: v}
			}
		case "stale":
			kind := fault.NotFound
			if live {
				kind = fault.Conflict
			}
			for _, old := range seen[key] {
				_, err := kv.Update(t.Context(), key, old, []byte("stolen"), long)
				expect(err, kind, false)
			}
		case "delete":
			must(t, kv.Delete(t.Context(), key))
			delete(held, key)
		case "advance":
			b.Advance(long)
			clear(held)
		}
		if now, live := held[key]; live {
			if got := get(t, kv, key); string(got.Value) != now.value || got.Version != now.version {
				rt.Fatalf("holds %q at %d, want %q at %d", got.Value, got.Version, now.value, now.version)
			}
		}
		if was != held[key] && was.version != 0 && !slices.Contains(seen[key], was.version) && len(seen[key]) < 5 {
			seen[key] = append(seen[key], was.version)
		}
	})
}
