package signing_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/signing"
)

func TestKeyIsPublishedBeforeItSigns(t *testing.T) {
	c := clock.NewManual(day)
	k := open(t, folder(t), c)
	for range 3 {
		known := published(t, k)
		if _, err := k.Rotate(t.Context(), jose.ES256, 0); err != nil {
			t.Fatal(err)
		}
		kid, _ := header(t, mustSign(t, k, jose.ES256))["kid"].(string)
		if len(known.Key(kid)) != 1 {
			t.Fatal("a token is signed by a key that was not in the set before the rotation")
		}
		c.Advance(time.Hour)
	}
}

func TestRetiredKeyStaysUntilItsLastTokenDies(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	k := open(t, dir, c)
	token := mustSign(t, k, jose.ES256)
	old := keyOf(t, k, jose.ES256, signing.Active)
	r, err := k.Rotate(t.Context(), jose.ES256, 0)
	if err != nil {
		t.Fatal(err)
	}
	if r.Retired.Kid != old.Kid || r.Active.Kid == old.Kid || r.Next.Kid == "" {
		t.Errorf("rotation tells %+v", r)
	}
	if n := len(files(t, dir, "ES256-"+old.Kid+".pem")); n != 0 {
		t.Error("the private half of a retired key was kept")
	}
	c.Advance(24*time.Hour - time.Second)
	if _, err := k.Verify(token); err != nil {
		t.Errorf("retired a moment less than a day ago: %v", err)
	}
	c.Advance(time.Second)
	if _, err := k.Verify(token); err == nil {
		t.Error("a dead key still verifies")
	}
	if len(published(t, k).Key(old.Kid)) != 0 {
		t.Error("a dead key is still published")
	}
	if _, err := k.Rotate(t.Context(), jose.ES256, 0); err != nil {
		t.Fatal(err)
	}
	for _, info := range k.List() {
		if info.Kid == old.Kid {
			t.Error("a dead key is still listed")
		}
	}
}

func TestRotationByAnotherProcessIsPickedUp(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	var mu sync.Mutex
	told := map[string]signing.State{}
	server, err := signing.Open(t.Context(), signing.Options{
		Dir: dir, Clock: c, Algorithms: []jose.SignatureAlgorithm{jose.ES256},
		Changed: func(i signing.KeyInfo) { mu.Lock(); defer mu.Unlock(); told[i.Kid] = i.State },
	})
	if err != nil {
		t.Fatal(err)
	}
	tool := open(t, dir, c, jose.ES256)
	r, err := tool.Rotate(t.Context(), jose.ES256, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := header(t, mustSign(t, server, jose.ES256))["kid"]; got != r.Retired.Kid {
		t.Error("the manifest is read again within the second")
	}
	c.Advance(time.Second)
	if got := header(t, mustSign(t, server, jose.ES256))["kid"]; got != r.Active.Kid {
		t.Error("the rotation was not picked up after a second")
	}
	mu.Lock()
	defer mu.Unlock()
	want := map[string]signing.State{r.Active.Kid: signing.Active, r.Retired.Kid: signing.Retired, r.Next.Kid: signing.Next}
	for kid, state := range want {
		if told[kid] != state {
			t.Errorf("key %s: told %q, want %q", kid, told[kid], state)
		}
	}
}

func TestTokenOfAnotherNodesFreshKeyIsKnownAtOnce(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	a, b := open(t, dir, c), open(t, dir, c)
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.HS256} {
		for range 2 { // twice: b has not even seen the second key as next
			if _, err := a.Rotate(t.Context(), alg, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := b.Verify(mustSign(t, a, jose.ES256)); err != nil {
		t.Error(err)
	}
	if _, err := b.OpenRefresh(mustRefresh(t, a)); err != nil {
		t.Error(err)
	}
}

func TestBrokenManifestKeepsThePresentKeys(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	k := open(t, dir, c)
	token := mustSign(t, k, jose.ES256)
	for _, harm := range []func(){
		func() { write(t, filepath.Join(dir, "keys.json"), []byte("{")) },
		func() { _ = os.Remove(filepath.Join(dir, "keys.json")) },
	} {
		harm()
		c.Advance(2 * time.Second)
		if _, err := k.Verify(token); err != nil {
			t.Error(err)
		}
		mustSign(t, k, jose.ES256)
	}
}

func TestRefreshKeyRotates(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	k := open(t, dir, c)
	old := mustRefresh(t, k)
	r, err := k.Rotate(t.Context(), jose.HS256, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := header(t, mustRefresh(t, k))["kid"]; got != r.Active.Kid || got == header(t, old)["kid"] {
		t.Error("the new refresh key does not sign")
	}
	if _, err := k.OpenRefresh(old); err != nil {
		t.Errorf("token of the retired key: %v", err)
	}
	c.Advance(24 * time.Hour)
	if _, err := k.OpenRefresh(old); err == nil {
		t.Error("token of a dead key is accepted")
	}
	open(t, dir, c)
	if n := len(files(t, dir, "refresh-*.key")); n != 1 {
		t.Errorf("%d refresh key files, want 1: a dead secret is deleted", n)
	}
}

func TestInterruptedRotationLeavesNoSecret(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	open(t, dir, c)
	f := files(t, dir, "ES256-*.pem")
	orphan := filepath.Join(dir, "ES256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.pem")
	data, _ := os.ReadFile(f[0])
	write(t, orphan, data)
	write(t, filepath.Join(dir, ".new-1234"), data)
	operators := filepath.Join(dir, "ES256-backup.pem")
	write(t, operators, data)
	open(t, dir, c)
	if len(files(t, dir, filepath.Base(orphan))) != 0 || len(files(t, dir, ".new-*")) != 0 {
		t.Error("secrets of an interrupted rotation were kept")
	}
	if len(files(t, dir, filepath.Base(operators))) != 1 {
		t.Error("a file of the operator's was deleted")
	}
}

func TestParallelRotationsLoseNothing(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	open(t, dir, c, jose.ES256)
	var wg sync.WaitGroup
	for range 4 {
		k := open(t, dir, c, jose.ES256)
		wg.Go(func() {
			for range 3 {
				if _, err := k.Rotate(t.Context(), jose.ES256, 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	states := map[signing.State]int{}
	for _, info := range open(t, dir, c, jose.ES256).List() {
		if info.Alg == jose.ES256 {
			states[info.State]++
		}
	}
	if states[signing.Active] != 1 || states[signing.Next] != 1 || states[signing.Retired] != 12 {
		t.Errorf("after 12 rotations: %v", states)
	}
}
