package storetest

import (
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

func expiredDoesNotExist(t *testing.T, b Backend) {
	kv := b.Nodes[0]
	must(t, kv.Put(t.Context(), "code", []byte("v"), time.Minute))
	must(t, kv.Put(t.Context(), "session", []byte("v"), long))
	version := get(t, kv, "code").Version
	b.Advance(50 * time.Second)
	get(t, kv, "code")
	b.Advance(10 * time.Second)
	for _, node := range b.Nodes {
		_, err := node.Get(t.Context(), "code")
		want(t, err, fault.NotFound)
		_, err = node.Take(t.Context(), "code")
		want(t, err, fault.NotFound)
		_, err = node.Update(t.Context(), "code", version, []byte("w"), long)
		want(t, err, fault.NotFound)
		get(t, node, "session")
	}
}

func putAfterExpiry(t *testing.T, b Backend) {
	must(t, b.Nodes[0].Put(t.Context(), "k", []byte("old"), time.Minute))
	old := get(t, b.Nodes[0], "k").Version
	b.Advance(time.Minute)
	must(t, b.Nodes[1].Put(t.Context(), "k", []byte("new"), time.Minute))
	got := get(t, b.Nodes[0], "k")
	if string(got.Value) != "new" || got.Version == old {
		t.Fatalf("got %q at version %d after %d", got.Value, got.Version, old)
	}
	want(t, b.Nodes[0].Put(t.Context(), "k", []byte("newer"), time.Minute), fault.Conflict)
	b.Advance(time.Minute)
	_, err := b.Nodes[0].Get(t.Context(), "k")
	want(t, err, fault.NotFound)
}

func updateSetsLife(t *testing.T, b Backend) {
	kv := b.Nodes[0]
	must(t, kv.Put(t.Context(), "longer", nil, time.Minute))
	must(t, kv.Put(t.Context(), "shorter", nil, long))
	_, err := kv.Update(t.Context(), "longer", get(t, kv, "longer").Version, nil, long)
	must(t, err)
	_, err = kv.Update(t.Context(), "shorter", get(t, kv, "shorter").Version, nil, time.Minute)
	must(t, err)
	b.Advance(time.Minute)
	get(t, kv, "longer")
	_, err = kv.Get(t.Context(), "shorter")
	want(t, err, fault.NotFound)
}

// versionNeverRepeats is the ABA attack: somebody holds the version of a record
// that was consumed; a new record under the same key must not accept it.
func versionNeverRepeats(t *testing.T, b Backend) {
	seen := map[uint64]bool{}
	for i := range 50 {
		kv := b.Nodes[i%len(b.Nodes)]
		must(t, kv.Put(t.Context(), "k", []byte("v"), time.Minute))
		v := get(t, kv, "k").Version
		if seen[uint64(v)] {
			t.Fatalf("version %d came back", v)
		}
		seen[uint64(v)] = true
		switch i % 3 {
		case 0:
			must(t, kv.Delete(t.Context(), "k"))
		case 1:
			_, err := kv.Take(t.Context(), "k")
			must(t, err)
		case 2:
			b.Advance(time.Minute)
		}
	}
}
