package subject

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
)

type node struct {
	*Subjects
	clock *clock.Manual
}

func openNode(t *testing.T, path string) node {
	t.Helper()
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	c := clock.NewManual(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
	return node{New(Deps{DB: d, Rand: rand.Reader, Clock: c}), c}
}

func person(ids ...string) rpps.Professional {
	p := rpps.Professional{ID: rpps.MustNationalID(ids[0])}
	for _, id := range ids {
		p.OtherIDs = append(p.OtherIDs, rpps.Identifier{Value: id, Origin: "TEST", Quality: 1})
	}
	return p
}

func of(t *testing.T, n node, p rpps.Professional) Subject {
	t.Helper()
	s, err := n.Of(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSubIsARandomUUIDAndStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "egide.db")
	n := openNode(t, path)
	first := of(t, n, person("899700990015"))
	id, err := uuid.Parse(first.Sub)
	if err != nil || id.Version() != 4 || id.Variant() != uuid.RFC4122 || first.Epoch != 1 {
		t.Fatalf("got %+v: %v", first, err)
	}
	if again := of(t, openNode(t, path), person("899700990015")); again != first {
		t.Fatalf("got %+v, then %+v", first, again)
	}
	if other := of(t, n, person("899700990023")); other.Sub == first.Sub {
		t.Fatal("two persons share a sub")
	}
}

func TestMoveFromADELIToRPPSKeepsTheSub(t *testing.T) {
	n := openNode(t, filepath.Join(t.TempDir(), "egide.db"))
	before := of(t, n, person("0759300015"))
	if _, err := n.Raise(t.Context(), before.Sub); err != nil {
		t.Fatal(err)
	}
	moved := of(t, n, person("899700990015", "0759300015"))
	if moved.Sub != before.Sub || moved.Epoch != 2 {
		t.Fatalf("was %+v, is %+v", before, moved)
	}
	// Re-pointed: found by the new identifier alone from now on.
	if again := of(t, n, person("899700990015")); again != moved {
		t.Fatalf("got %+v, want %+v", again, moved)
	}
	// The old number, should the register give it to somebody else, is free.
	if other := of(t, n, person("0759300015")); other.Sub == before.Sub {
		t.Fatal("the old identifier still leads to the person who left it")
	}
}

func TestPresentIdentifierWinsWhenBothAreKnown(t *testing.T) {
	n := openNode(t, filepath.Join(t.TempDir(), "egide.db"))
	old := of(t, n, person("0759300015"))
	present := of(t, n, person("899700990015"))
	if got := of(t, n, person("899700990015", "0759300015")); got != present || got.Sub == old.Sub {
		t.Fatalf("got %+v, want %+v", got, present)
	}
}

func TestParallelFirstLoginsGetOneSub(t *testing.T) {
	path := filepath.Join(t.TempDir(), "egide.db")
	nodes := []node{openNode(t, path), openNode(t, path)}
	of(t, nodes[0], person("0759300015"))
	for _, p := range []rpps.Professional{person("899700990023"), person("899700990015", "0759300015")} {
		var (
			done sync.WaitGroup
			mu   sync.Mutex
			seen = map[string]bool{}
		)
		for i := range 100 {
			done.Go(func() {
				s, err := nodes[i%2].Of(t.Context(), p)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				seen[s.Sub] = true
			})
		}
		done.Wait()
		if len(seen) != 1 {
			t.Fatalf("%d subs for one person", len(seen))
		}
	}
}

func TestRaisedEpochIsSeenAtOnceHereAndWithinASecondElsewhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "egide.db")
	here, there := openNode(t, path), openNode(t, path)
	sub := of(t, here, person("899700990015")).Sub
	expect := func(n node, want uint64) {
		t.Helper()
		if got, err := n.Epoch(t.Context(), sub); err != nil || got != want {
			t.Fatalf("epoch %d, want %d: %v", got, want, err)
		}
	}
	expect(here, 1)
	expect(there, 1)
	if e, err := here.Raise(t.Context(), sub); err != nil || e != 2 {
		t.Fatalf("raised to %d: %v", e, err)
	}
	expect(here, 2)
	expect(there, 1) // remembered, less than a second old
	there.clock.Advance(staleness)
	expect(there, 2)
	if s := of(t, there, person("899700990015")); s.Epoch != 2 {
		t.Fatalf("a new login begins under epoch %d", s.Epoch)
	}
}

func TestOvertakenReaderDoesNotBringTheOldEpochBack(t *testing.T) {
	e := newEpochs(clock.NewManual(time.Unix(0, 0)))
	held := e.present() // a reader looks at the database here, and finds 1
	e.present().raise("s", 2)
	if got := held.raise("s", 1); got != 2 {
		t.Fatalf("the old epoch %d is back", got)
	}
}

func TestParallelRaisesAllCount(t *testing.T) {
	n := openNode(t, filepath.Join(t.TempDir(), "egide.db"))
	sub := of(t, n, person("899700990015")).Sub
	var done sync.WaitGroup
	for range 50 {
		done.Go(func() {
			if _, err := n.Raise(t.Context(), sub); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if e, err := n.Epoch(t.Context(), sub); err != nil || e != 51 {
		t.Fatalf("epoch %d: %v", e, err)
	}
}

func TestFaults(t *testing.T) {
	n := openNode(t, filepath.Join(t.TempDir(), "egide.db"))
	if _, err := n.Of(t.Context(), rpps.Professional{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("nobody: got %v", err)
	}
	if _, err := n.Epoch(t.Context(), "unknown"); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown epoch: got %v", err)
	}
	if _, err := n.Raise(t.Context(), "unknown"); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown raise: got %v", err)
	}
	n.rand = iotest.ErrReader(fault.New(fault.Unavailable, "", "no randomness"))
	if _, err := n.Of(t.Context(), person("899700990015")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("no randomness: got %v", err)
	}
	n.rand = strings.NewReader("short")
	if _, err := n.Of(t.Context(), person("899700990015")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("short randomness: got %v", err)
	}
}
