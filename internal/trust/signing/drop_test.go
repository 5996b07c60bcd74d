package signing_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/signing"
)

// A stolen key: gone from the set at once, on every node, with all it signed,
// and the next one signs.
func TestME9StolenKeyIsDroppedWithWhatItSigned(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	var mu sync.Mutex
	var told []signing.Dropped
	server, err := signing.Open(t.Context(), signing.Options{
		Dir: dir, Clock: c, Algorithms: []jose.SignatureAlgorithm{jose.ES256},
		Dropped: func(d signing.Dropped) { mu.Lock(); defer mu.Unlock(); told = append(told, d) },
	})
	if err != nil {
		t.Fatal(err)
	}
	stolen, next := keyOf(t, server, jose.ES256, signing.Active), keyOf(t, server, jose.ES256, signing.Next)
	token := mustSign(t, server, jose.ES256)
	if signing.Kid(token) != stolen.Kid || !server.Stands(stolen.Kid, "") {
		t.Fatal("the key does not stand before it was dropped")
	}
	tool := open(t, dir, c, jose.ES256)
	d, err := tool.Drop(t.Context(), stolen.Kid, "o1", signing.Compromised)
	if err != nil || d.Kid != stolen.Kid || d.By != "o1" || !d.At.Equal(day) {
		t.Fatalf("%+v %v", d, err)
	}
	c.Advance(time.Second)
	for name, k := range map[string]*signing.Keys{"the node that dropped it": tool, "another node": server} {
		if _, err := k.Verify(token); err == nil {
			t.Errorf("%s verifies what the dropped key signed", name)
		}
		if k.Stands(stolen.Kid) || len(published(t, k).Key(stolen.Kid)) != 0 {
			t.Errorf("%s still holds the dropped key", name)
		}
		if fresh := mustSign(t, k, jose.ES256); signing.Kid(fresh) != next.Kid || !k.Stands(next.Kid) {
			t.Errorf("%s does not sign with the key that services know as next", name)
		}
		if keyOf(t, k, jose.ES256, signing.Next).Kid == next.Kid {
			t.Errorf("%s has no new next key", name)
		}
	}
	if len(files(t, dir, "ES256-"+stolen.Kid+".pem")) != 0 {
		t.Error("the private half of the dropped key lies still on the disk")
	}
	if len(told) != 1 || told[0].Reason != signing.Compromised || told[0].By != "o1" {
		t.Errorf("told %+v", told)
	}
	late := 0
	if _, err := signing.Open(t.Context(), signing.Options{Dir: dir, Clock: c, Dropped: func(signing.Dropped) { late++ }, Algorithms: []jose.SignatureAlgorithm{jose.ES256}}); err != nil || late != 1 {
		t.Errorf("a server that did not run learned of %d drops: %v", late, err)
	}
}

// Whatever state it is in, and the secret of refresh tokens alike.
func TestME9KeyIsDroppedInEveryState(t *testing.T) {
	c := clock.NewManual(day)
	k := open(t, folder(t), c, jose.ES256)
	refresh := mustRefresh(t, k)
	if _, err := k.Rotate(t.Context(), jose.ES256, 0); err != nil {
		t.Fatal(err)
	}
	for _, state := range []signing.State{signing.Retired, signing.Next, signing.Active} {
		kid := keyOf(t, k, jose.ES256, state).Kid
		if _, err := k.Drop(t.Context(), kid, "o1", signing.Exercise); err != nil {
			t.Fatal(state, err)
		}
		if k.Stands(kid) {
			t.Errorf("a %s key was dropped and stands", state)
		}
		keyOf(t, k, jose.ES256, signing.Active)
		keyOf(t, k, jose.ES256, signing.Next)
	}
	if _, err := k.Drop(t.Context(), signing.Kid(refresh), "o1", signing.Lost); err != nil {
		t.Fatal(err)
	}
	if _, err := k.OpenRefresh(refresh); !fault.Is(err, fault.Invalid) {
		t.Errorf("a token of the dropped refresh key: %v", err)
	}
	if _, err := k.OpenRefresh(mustRefresh(t, k)); err != nil {
		t.Errorf("a token of the new refresh key: %v", err)
	}
}

func TestDropWantsAKeyAndWhoAndWhy(t *testing.T) {
	k := open(t, folder(t), clock.NewManual(day), jose.ES256)
	kid := keyOf(t, k, jose.ES256, signing.Active).Kid
	if _, err := k.Drop(t.Context(), "nobody", "o1", signing.Lost); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := k.Drop(t.Context(), kid, "", signing.Lost); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	if _, err := k.Drop(t.Context(), kid, "o1", "because"); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	if !k.Stands(kid) {
		t.Error("a refused drop dropped")
	}
}

// PG-37, ME9: by schedule, once, whichever node comes first, and only to a key
// that services know.
func TestME9RotationBySchedule(t *testing.T) {
	const every = 60 * 24 * time.Hour
	dir, c := folder(t), clock.NewManual(day)
	nodes := []*signing.Keys{open(t, dir, c), open(t, dir, c), open(t, dir, c)}
	due := func() (n int) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, k := range nodes {
			wg.Go(func() {
				done, err := k.RotateDue(t.Context(), every)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				n += len(done)
			})
		}
		wg.Wait()
		return n
	}
	c.Advance(every - time.Second)
	if n := due(); n != 0 {
		t.Errorf("%d rotations before the time", n)
	}
	c.Advance(time.Second)
	known := published(t, nodes[0])
	if n := due(); n != 3 { // ES256, EdDSA and the refresh key
		t.Errorf("%d rotations at the time, want one of each algorithm", n)
	}
	for _, k := range nodes {
		if kid := signing.Kid(mustSign(t, k, jose.ES256)); len(known.Key(kid)) != 1 {
			t.Error("signed by a key that was not published before")
		}
	}
	// A next key that is too young waits, however late the rotation is.
	if _, err := nodes[0].Drop(t.Context(), keyOf(t, nodes[0], jose.ES256, signing.Next).Kid, "o1", signing.Exercise); err != nil {
		t.Fatal(err)
	}
	c.Advance(every - 30*time.Minute)
	if _, err := nodes[0].Drop(t.Context(), keyOf(t, nodes[0], jose.ES256, signing.Next).Kid, "o1", signing.Exercise); err != nil {
		t.Fatal(err)
	}
	c.Advance(30 * time.Minute)
	if n := due(); n != 2 {
		t.Errorf("%d rotations while a next key is half an hour old, want 2", n)
	}
	c.Advance(30 * time.Minute)
	if n := due(); n != 1 {
		t.Errorf("%d rotations once it is known, want 1", n)
	}
	c.Advance(-365 * 24 * time.Hour) // a clock that steps back makes nothing due
	if n := due(); n != 0 {
		t.Errorf("%d rotations after a step back", n)
	}
}

func TestME9SecondRotationBeforeServicesKnowTheKey(t *testing.T) {
	c := clock.NewManual(day)
	k := open(t, folder(t), c, jose.ES256)
	if _, err := k.Rotate(t.Context(), jose.ES256, signing.KnownAfter); !fault.Is(err, fault.Denied) {
		t.Errorf("%v", err)
	}
	c.Advance(signing.KnownAfter)
	if _, err := k.Rotate(t.Context(), jose.ES256, signing.KnownAfter); err != nil {
		t.Error(err)
	}
	if _, err := k.Rotate(t.Context(), jose.ES256, signing.KnownAfter); !fault.Is(err, fault.Denied) {
		t.Errorf("again at once: %v", err)
	}
}

// ME9 under load: while keys rotate, every token names a key that its reader
// could have fetched before the token was made. Rotations come as fast as all
// signers have seen the last one: a copy is never older than services may keep.
func TestME9NoWrongKidUnderLoad(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	nodes := []*signing.Keys{open(t, dir, c, jose.ES256), open(t, dir, c, jose.ES256)}
	var stop atomic.Bool
	var made [4]atomic.Int64
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() {
			for !stop.Load() {
				known, _ := nodes[(i+1)%2].JWKS() // a service that reads the set at the other node
				token, err := nodes[i%2].Sign(jose.ES256, "JWT", []byte(`{}`))
				if err != nil || !holds(known, signing.Kid(token)) {
					t.Errorf("a token of node %d names a key that the other node did not publish: %v", i%2, err)
					stop.Store(true)
				}
				made[i].Add(1)
			}
		})
	}
	for n := 0; n < 6 && !stop.Load(); n++ {
		c.Advance(signing.KnownAfter)
		if _, err := nodes[0].Rotate(t.Context(), jose.ES256, signing.KnownAfter); err != nil {
			t.Error(err)
		}
		c.Advance(time.Second) // so late the other node looks
		for i := range made {
			for after := made[i].Load() + 2; made[i].Load() < after && !stop.Load(); {
				runtime.Gosched()
			}
		}
	}
	stop.Store(true)
	wg.Wait()
}

func TestTwoFoldersAreNeverTakenForOne(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	a, b, other := open(t, dir, c), open(t, dir, c), open(t, folder(t), c)
	if a.Standing() != b.Standing() || a.Standing().Folder == other.Standing().Folder || a.Standing().Folder == "" {
		t.Errorf("%+v %+v %+v", a.Standing(), b.Standing(), other.Standing())
	}
	before := a.Standing()
	if _, err := b.Rotate(t.Context(), jose.ES256, 0); err != nil {
		t.Fatal(err)
	}
	after := a.Standing()
	if after.Revision != before.Revision+1 || after.Digest == before.Digest || after != b.Standing() {
		t.Errorf("%+v, then %+v", before, after)
	}
}
