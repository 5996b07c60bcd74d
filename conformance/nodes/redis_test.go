package nodes

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
)

// startRedis runs a real server on a free port; without the program the test is
// skipped by name, but never in CI.
func startRedis(t *testing.T) string {
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
	u, err := url.Parse("tcp://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	p, err := harness.Run(t.Context(), path, "--port", u.Port(), "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	if err := harness.Until("redis", 10*time.Second, func() bool { return exec.Command("redis-cli", "-p", u.Port(), "ping").Run() == nil }); err != nil {
		t.Fatal(err)
	}
	return addr
}

// pair starts two nodes that share database, keys, register and Redis, each
// with its own traces.
func pair(t *testing.T) (a, b *harness.Node) {
	t.Helper()
	redis, dir := startRedis(t), t.TempDir()
	register, err := harness.Register(t.Context(), dir, harness.People(3))
	if err != nil {
		t.Fatal(err)
	}
	var nodes []*harness.Node
	for _, name := range []string{"a", "b"} {
		o := harness.NodeOptions{
			Binary: binary, Name: name, Dir: filepath.Join(dir, name), Register: register, Redis: redis, Services: services,
			Database: filepath.Join(dir, "egide.db"), Keys: filepath.Join(dir, "keys"),
		}
		if len(nodes) > 0 {
			o.Issuer = nodes[0].Issuer
		}
		n, err := harness.StartNode(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.Stop)
		if len(nodes) == 0 {
			err = n.Ready(t.Context())
		} else {
			err = n.Listening(t.Context())
		}
		if err != nil {
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
