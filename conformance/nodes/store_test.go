package nodes

import (
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
)

// alone starts one node on a Redis server of its own.
func alone(t *testing.T) (*harness.Node, *redisServer) {
	t.Helper()
	redis, dir := startRedis(t), t.TempDir()
	register, err := harness.Register(t.Context(), dir, harness.People(1))
	if err != nil {
		t.Fatal(err)
	}
	n, err := harness.StartNode(t.Context(), harness.NodeOptions{
		Binary: binary, Name: "alone", Dir: filepath.Join(dir, "alone"), Register: register, Redis: redis.addr, Services: services,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Stop() })
	if err := n.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n, redis
}

// ask gives status and headers of one call.
func ask(t *testing.T, method, address string, form url.Values, auth bool) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if auth {
		req.SetBasicAuth(services[0].ID, services[0].Secret)
	}
	c := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, res.Header
}

// HA4: the store goes, by death or by silence, and comes back by itself.
func TestHA4StoreGoneAndBack(t *testing.T) {
	for name, way := range map[string]struct {
		goes, comes func(*testing.T, *redisServer)
	}{
		"Dead": {func(_ *testing.T, r *redisServer) { r.Stop() }, func(_ *testing.T, r *redisServer) { r.start() }},
		"Silent": {
			func(t *testing.T, r *redisServer) { signal(t, r, syscall.SIGSTOP) },
			func(t *testing.T, r *redisServer) { signal(t, r, syscall.SIGCONT) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, redis := alone(t)
			ready := func() bool {
				status, _ := ask(t, http.MethodGet, "http://"+n.Addr+"/readyz", nil, false)
				return status == http.StatusNoContent
			}
			if !ready() {
				t.Fatal("not ready with its store")
			}
			var now clock.System
			way.goes(t, redis)
			from := now.Now()
			if err := harness.Until("readiness to be false", 5*time.Second, func() bool { return !ready() }); err != nil {
				t.Fatal(err)
			}
			if took := now.Now().Sub(from); took > 2*time.Second {
				t.Errorf("readiness was false after %s", took)
			}
			withoutStore(t, n)

			way.comes(t, redis)
			from = now.Now()
			err := harness.Until("a token", 10*time.Second, func() bool {
				status, _ := ask(t, http.MethodPost, n.Endpoint("/token"), credentials(), true)
				return status == http.StatusOK && ready()
			})
			if err != nil {
				t.Fatal(err)
			}
			if took := now.Now().Sub(from); took > 5*time.Second {
				t.Errorf("healed after %s", took)
			} else {
				t.Logf("healed after %s", took)
			}
		})
	}
}

func signal(t *testing.T, r *redisServer, s syscall.Signal) {
	t.Helper()
	if err := r.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func credentials() url.Values { return url.Values{"grant_type": {"client_credentials"}} }

// withoutStore is what a node does for people and services meanwhile.
func withoutStore(t *testing.T, n *harness.Node) {
	t.Helper()
	for what, address := range map[string]string{
		"metadata": n.Issuer + "/.well-known/openid-configuration", "keys": n.Endpoint("/certs"), "liveness": "http://" + n.Addr + "/healthz",
	} {
		if status, _ := ask(t, http.MethodGet, address, nil, false); status != http.StatusOK && status != http.StatusNoContent {
			t.Errorf("%s: %d", what, status)
		}
	}
	for what, call := range map[string]func() (int, http.Header){
		"token": func() (int, http.Header) { return ask(t, http.MethodPost, n.Endpoint("/token"), credentials(), true) },
		"introspection": func() (int, http.Header) {
			return ask(t, http.MethodPost, n.Endpoint("/token/introspect"), url.Values{"token": {"x.y.z"}}, true)
		},
		"login page": func() (int, http.Header) {
			return ask(t, http.MethodGet, "http://"+n.Addr+"/login/"+strings.Repeat("a", 43), nil, false)
		},
	} {
		if status, h := call(); status != http.StatusServiceUnavailable || h.Get("Retry-After") == "" {
			t.Errorf("%s without the store: %d, Retry-After %q", what, status, h.Get("Retry-After"))
		}
	}
	// The authorization endpoint says the same in the words of RFC 6749 4.1.2.1.
	status, h := ask(t, http.MethodGet, n.Authorization+"?"+url.Values{
		"response_type": {"code"}, "client_id": {services[0].ID}, "redirect_uri": {services[0].Redirect}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode(), nil, false)
	if status != http.StatusSeeOther || h.Get("Retry-After") == "" || !strings.Contains(h.Get("Location"), "error=temporarily_unavailable") {
		t.Errorf("authorization without the store: %d %s", status, h.Get("Location"))
	}
}
