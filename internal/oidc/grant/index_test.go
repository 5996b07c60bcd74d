package grant

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// hold starts a family of the person and gives those that must make room.
func hold(t *testing.T, tokens *Tokens, sub, client string) (Family, []string) {
	t.Helper()
	f, err := tokens.StartFamily(context.Background(), Family{ClientID: client, SID: "s", Auth: authn.Authentication{Sub: sub}, Ends: start.Add(4 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	over, err := tokens.Hold(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	return f, over
}

func TestTK8RefreshTokensOfOnePersonAtOneServiceAreBounded(t *testing.T) {
	d, _ := open(t)
	tokens := NewTokens(d)
	first, _ := hold(t, tokens, "a", "dmp")
	for i := range maxFamilies - 1 {
		if _, over := hold(t, tokens, "a", "dmp"); len(over) > 0 {
			t.Fatalf("dropped at %d", i)
		}
	}
	for _, other := range [][2]string{{"b", "dmp"}, {"a", "agenda"}} {
		if _, over := hold(t, tokens, other[0], other[1]); len(over) > 0 {
			t.Errorf("%v is counted with another", other)
		}
	}
	if _, over := hold(t, tokens, "a", "dmp"); len(over) != 1 || over[0] != first.ID {
		t.Errorf("dropped %v, want the oldest", over)
	}
}

func TestD2HA9HundredAtOnceAreAllRemembered(t *testing.T) {
	d, c := open(t)
	x := index{store.NewRecords[listed](d.KV, "test"), 40}
	now := c.Now()
	var mu sync.Mutex
	gone := map[string]bool{}
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			over, err := x.add(context.Background(), "k", listing{ID: fmt.Sprint(i), Expires: now.Add(time.Hour)}, now)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, id := range over {
				if gone[id] {
					t.Errorf("%s was dropped twice", id)
				}
				gone[id] = true
			}
		})
	}
	all.Wait()
	l, err := x.records.Get(context.Background(), "k")
	if err != nil || len(l.Open) != 40 || len(gone) != 60 {
		t.Errorf("%d open, %d dropped, %v", len(l.Open), len(gone), err)
	}
}

func TestIndexForgetsWhatExpired(t *testing.T) {
	d, c := open(t)
	x := index{store.NewRecords[listed](d.KV, "test"), 2}
	add := func(id string, life time.Duration) []string {
		over, err := x.add(context.Background(), "k", listing{ID: id, Expires: c.Now().Add(life)}, c.Now())
		if err != nil {
			t.Fatal(err)
		}
		return over
	}
	add("long", time.Hour)
	add("short", time.Minute)
	c.Advance(2 * time.Minute)
	if over := add("next", time.Minute); len(over) > 0 {
		t.Errorf("dropped %v although one had expired", over)
	}
	c.Advance(30 * time.Minute) // the list outlives its last entry's neighbours
	if over := add("more", time.Minute); len(over) > 0 {
		t.Errorf("dropped %v", over)
	}
	c.Advance(2 * time.Hour)
	if _, err := x.records.Get(context.Background(), "k"); !fault.Is(err, fault.NotFound) {
		t.Errorf("the list outlives what it lists: %v", err)
	}
}
