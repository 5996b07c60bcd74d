package nodes

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/audit"
)

// flows of the kill test, and how many go on at once.
const (
	flows   = 200
	workers = 4
)

// killed is a node that dies at random instants and comes back on what it left.
type killed struct {
	t      *testing.T
	node   *harness.Node
	flows  atomic.Int64 // finished so far
	deaths int
}

// reign kills and restarts the node until all flows are done: each time a few of
// them have finished, at a random instant of those under way.
func (k *killed) reign() {
	random := rand.New(rand.NewPCG(2026, 11))
	var c clock.System
	for k.t.Context().Err() == nil && !k.t.Failed() {
		seen := k.flows.Load()
		err := harness.Until("a few flows", 2*time.Minute, func() bool { return k.flows.Load() >= min(seen+4, flows) })
		if err != nil {
			k.t.Error(err)
			return
		}
		if k.flows.Load() >= flows {
			return
		}
		instant, _ := c.After(time.Duration(random.IntN(400)) * time.Millisecond)
		<-instant
		k.node.Kill()
		if err := k.node.Start(k.t.Context()); err != nil {
			k.t.Error(err)
			return
		}
		k.deaths++
		if err := k.node.Ready(k.t.Context()); err != nil {
			k.t.Error(err)
			return
		}
	}
}

// HA5: a provider that is killed at any instant never has issued a token that
// its traces don't know, never takes a consumed thing twice, and takes up open
// logins where they were.
func TestHA1KilledAtRandomInstants(t *testing.T) {
	dir := t.TempDir()
	people := harness.People(workers)
	register, err := harness.Register(t.Context(), dir, people)
	if err != nil {
		t.Fatal(err)
	}
	n, err := harness.StartNode(t.Context(), harness.NodeOptions{Binary: binary, Name: "mortal", Dir: dir, Register: register, Services: services})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Stop() })
	if err := n.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := harness.Phones(t.Context(), n, people); err != nil {
		t.Fatal(err)
	}
	k := &killed{t: t, node: n}
	var all sync.WaitGroup
	all.Go(k.reign)
	var left atomic.Int64
	left.Store(flows)
	issued := make([][]string, workers)
	for w := range workers {
		party := harness.NewParty(t, n, services[w%len(services)])
		all.Go(func() {
			for left.Add(-1) >= 0 && !t.Failed() {
				issued[w] = append(issued[w], flow(t, party, services[w%len(services)], people[w].ID.String())...)
				k.flows.Add(1)
			}
		})
	}
	all.Wait()
	if k.deaths < 10 {
		t.Errorf("only %d deaths in %d flows: the test tells nothing", k.deaths, flows)
	}
	traced := tokensTraced(t, n.TracesDir)
	count := 0
	for _, list := range issued {
		for _, token := range list {
			count++
			if !traced[audit.TokenRef(token)] {
				t.Error("a token was answered that no trace knows")
			}
		}
	}
	t.Logf("%d flows, %d deaths, %d tokens, every one traced", flows, k.deaths, count)
}

// flow walks one login and redemption through whatever deaths happen, and gives
// the access tokens that were answered.
func flow(t *testing.T, party *harness.Party, s harness.Service, login string) []string {
	b := harness.NewBrowser(t, harness.At(s.Redirect))
	b.Persevere()
	asked := party.Request()
	arrived := b.SignIn(asked.Address, login)
	if arrived == nil {
		t.Errorf("an open login did not go on: %s", b.Page.Body)
		return nil
	}
	code := party.Code(asked, arrived)
	first := persist(t, func() harness.Answer { return party.Redeem(asked, code) })
	if first.Status != http.StatusOK {
		return nil // the answer was lost with the node; the code is spent
	}
	tokens := []string{first.AccessToken}
	second := persist(t, func() harness.Answer { return party.Refresh(first.RefreshToken) })
	if second.Status == http.StatusOK {
		tokens = append(tokens, second.AccessToken)
	}
	if again := persist(t, func() harness.Answer { return party.Redeem(asked, code) }); again.Status == http.StatusOK {
		t.Error("a code was taken twice")
	}
	return tokens
}

// persist repeats a call until somebody answers it with more than "not now".
func persist(t *testing.T, call func() harness.Answer) (a harness.Answer) {
	err := harness.Until("token endpoint", 30*time.Second, func() bool {
		a = call()
		return a.Status != 0 && a.Status != http.StatusServiceUnavailable
	})
	if err != nil {
		t.Error(err)
	}
	return a
}

// tokensTraced reads which access tokens the traces know.
func tokensTraced(t *testing.T, dir string) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(dir, "lines", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces in %s: %v", dir, err)
	}
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(body))
		for lines.Scan() {
			var line struct {
				Event string
				Body  struct{ Token string }
			}
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				continue // a torn tail; the provider repairs it at its next start
			}
			if line.Event == "token.issued" || line.Event == "token.refreshed" {
				known[line.Body.Token] = true
			}
		}
	}
	return known
}
