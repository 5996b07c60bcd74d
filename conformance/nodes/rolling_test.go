package nodes

import (
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
)

// rolling is what goes on while the nodes are restarted one after the other.
type rolling struct {
	t             *testing.T
	over          atomic.Bool
	calls, logins atomic.Int64
}

// HA2: each node is stopped and started twice under load, behind a load balancer
// that looks at /readyz: no call of a service fails, no login is lost. A node waits
// a second here, its load balancer looks every 50 ms.
func TestHA2RollingRestartFailsNobody(t *testing.T) {
	f := newFront(t)
	a, b := pair(t, func(o *harness.NodeOptions) {
		o.Front, o.Config = f.addr, []string{"drain:", "  delay: 1s"}
	})
	f.add(t, a)
	f.add(t, b)
	f.ready(t, a)
	f.ready(t, b)
	people := harness.People(3)
	seen := a.Behind(f.addr)
	if err := harness.Phones(t.Context(), seen, people); err != nil {
		t.Fatal(err)
	}
	r := &rolling{t: t}
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() { r.machine(harness.NewParty(t, seen, services[w%2])) })
	}
	for w := range 2 {
		all.Go(func() { r.person(harness.NewParty(t, seen, services[w]), services[w], people[w].ID.String()) })
	}
	for range 2 {
		for _, n := range []*harness.Node{a, b} {
			before := r.calls.Load()
			n.Stop()
			if err := n.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.ready(t, n)
			if r.calls.Load() == before {
				t.Error("nobody called while the node was away: the test tells nothing")
			}
		}
	}
	enough := func() bool { return t.Failed() || r.calls.Load() >= 2000 && r.logins.Load() >= 4 }
	if err := harness.Until("two thousand calls", time.Minute, enough); err != nil {
		t.Errorf("%v: %d calls and %d logins", err, r.calls.Load(), r.logins.Load())
	}
	r.over.Store(true)
	all.Wait()
	if broke := f.broke.Load(); broke > 0 {
		t.Errorf("%d answers that a node did not give", broke)
	}
	t.Logf("4 restarts, %d calls, %d logins, none failed", r.calls.Load(), r.logins.Load())
}

// machine is a service that asks for tokens and looks into them, without a pause.
func (r *rolling) machine(p *harness.Party) {
	for !r.over.Load() && !r.t.Failed() {
		got := p.Post("/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"scope_all"}})
		if got.Status != http.StatusOK {
			r.t.Errorf("client credentials: %d %s", got.Status, got.Raw)
		}
		if looked := p.Introspect(got.AccessToken); looked.Status != http.StatusOK || !looked.Active {
			r.t.Errorf("introspection: %d %s", looked.Status, looked.Raw)
		}
		r.calls.Add(2)
	}
}

// person logs in again and again, and his service redeems and refreshes.
func (r *rolling) person(p *harness.Party, s harness.Service, login string) {
	for !r.over.Load() && !r.t.Failed() {
		b := harness.NewBrowser(r.t, harness.At(s.Redirect))
		asked := p.Request()
		tokens := p.Redeem(asked, p.Code(asked, b.SignIn(asked.Address, login)))
		if tokens.Status != http.StatusOK {
			r.t.Errorf("code: %d %s", tokens.Status, tokens.Raw)
			return
		}
		if next := p.Refresh(tokens.RefreshToken); next.Status != http.StatusOK {
			r.t.Errorf("refresh: %d %s", next.Status, next.Raw)
		}
		r.logins.Add(1)
		r.calls.Add(2)
	}
}
