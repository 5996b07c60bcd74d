package nodes

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
)

// redisServer is a real server that can be stopped and started again.
type redisServer struct {
	t          *testing.T
	path, addr string
	*harness.Process
}

// startRedis runs a real server on a free port; without the program the test is
// skipped by name, but never in CI.
func startRedis(t *testing.T) *redisServer {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("redis-server is not installed")
		}
		t.Skip("SKIPPED: redis-server is not installed, two nodes on one Redis are not tested")
	}
	addr, err := harness.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := &redisServer{t: t, path: path, addr: addr}
	r.start()
	t.Cleanup(func() { r.Stop() })
	return r
}

func (r *redisServer) start() {
	r.t.Helper()
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Process, err = harness.Run(r.t.Context(), r.path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", r.t.TempDir())
	if err != nil {
		r.t.Fatal(err)
	}
	if err := harness.Until("redis", 10*time.Second, func() bool { return exec.Command("redis-cli", "-p", port, "ping").Run() == nil }); err != nil {
		r.t.Fatal(err)
	}
}

// pair starts two nodes that share database, keys, register and Redis, each
// with its own traces.
func pair(t *testing.T, change ...func(*harness.NodeOptions)) (a, b *harness.Node) {
	t.Helper()
	redis, dir := startRedis(t), t.TempDir()
	register, err := harness.Register(t.Context(), dir, harness.People(3))
	if err != nil {
		t.Fatal(err)
	}
	var nodes []*harness.Node
	for _, name := range []string{"a", "b"} {
		o := harness.NodeOptions{
			Binary: binary, Name: name, Dir: filepath.Join(dir, name), Register: register, Redis: redis.addr, Services: services,
			Database: filepath.Join(dir, "egide.db"), Keys: filepath.Join(dir, "keys"),
		}
		for _, f := range change {
			f(&o)
		}
		if len(nodes) > 0 {
			o.Issuer = nodes[0].Issuer
		}
		n, err := harness.StartNode(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Stop() })
		if err := n.Listening(t.Context()); err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	return nodes[0], nodes[1]
}

// A login begun on one node, approved by a phone that hangs on the other, is
// redeemed on either; the session serves on both; what one revokes the other refuses.
func TestHA9TwoNodesShareEverythingThatMatters(t *testing.T) {
	a, b := pair(t)
	people := harness.People(3)
	if err := harness.Phones(t.Context(), a, people); err != nil { // phones hang on node a
		t.Fatal(err)
	}
	first, second := harness.NewParty(t, b, services[0]), harness.NewParty(t, a, services[1])

	browser := harness.NewBrowser(t, harness.At(services[0].Redirect)) // the page is on node b
	asked := first.Request()
	arrived := browser.SignIn(asked.Address, people[0].ID.String())
	code := first.Code(asked, arrived)
	tokens := first.On(a).Redeem(asked, code)
	if tokens.Status != http.StatusOK {
		t.Fatalf("redeemed on the other node: %s", tokens.Raw)
	}
	if again := first.On(b).Redeem(asked, code); again.Error != "invalid_grant" {
		t.Errorf("a code used on one node answered %d on the other", again.Status)
	}
	if got := first.On(b).Introspect(tokens.AccessToken); got.Active {
		t.Error("a replay seen by one node left the tokens alive on the other")
	}

	browser.StopAt(harness.At(services[1].Redirect))
	asked = second.Request() // node a, session made on node b
	browser.Get(asked.Address)
	tokens = second.On(b).Redeem(asked, second.Code(asked, browser.Arrived))
	if tokens.Status != http.StatusOK {
		t.Fatalf("session of one node on the other: %s", tokens.Raw)
	}
	if got := second.On(a).Revoke(tokens.RefreshToken); got.Status != http.StatusOK {
		t.Fatalf("revocation: %s", got.Raw)
	}
	if got := second.On(b).Refresh(tokens.RefreshToken); got.Status == http.StatusOK {
		t.Error("a family revoked on one node was refreshed on the other")
	}
}
