package oidc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/jwt/jwttest"
	"github.com/egide-id/egide/internal/provider/demo"
)

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// site is what a service publishes: its keys, and its request objects.
type site struct {
	*httptest.Server
	mu     sync.Mutex
	keys   *jose.JSONWebKeySet
	object string
	down   bool
	asked  atomic.Int64
}

func newSite(t *testing.T) *site {
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.down:
			w.WriteHeader(http.StatusBadGateway)
		case r.URL.Path == "/jwks":
			_ = json.NewEncoder(w).Encode(s.keys)
		default:
			w.Header().Set("Content-Type", "application/oauth-authz-req+jwt")
			_, _ = w.Write([]byte(s.object))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) set(f func(*site)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// signing is a party that proves itself by its key.
type signing struct {
	*party
	key    jwttest.Key
	serial atomic.Int64
}

// withKeys starts a demonstration with two services registered by file: one whose
// keys are in the file, one whose keys are at its site.
func withKeys(t *testing.T) (byValue, byAddress *signing, s *site) {
	s = newSite(t)
	es, ps := jwttest.New(t, jose.ES256, "es-1"), jwttest.New(t, jose.PS256, "ps-1")
	s.keys = jwttest.Set(ps)
	inFile, err := json.Marshal(jwttest.Set(es))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for id, lines := range map[string]string{
		"keys-value":   "jwks: " + string(inFile),
		"keys-address": "jwks_uri: " + s.URL + "/jwks\ntoken_endpoint_auth_signing_alg: PS256",
	} {
		file := filepath.Join(t.TempDir(), id+".yaml")
		text := fmt.Sprintf("id: %s\nname: Service à clés\nowner: Essai\ncontact: essai@exemple.invalid\npurpose: essai\nprofile: oidc\nauth_method: private_key_jwt\n"+
			"redirect_uris: [\"https://%s.example/cb\"]\nscopes: [openid, profile]\nrequest_uris: [\"%s/object\"]\n%s\n", id, id, s.URL, lines)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	d := harness.Start(t, func(o *demo.Options) { o.ClientFiles = files })
	of := func(id string, key jwttest.Key) *signing {
		home := "https://" + id + ".example/cb"
		c := demo.Client{ID: id, RedirectURIs: []string{home}}
		return &signing{party: &party{t: t, demo: d, Client: c, browser: harness.NewBrowser(t, harness.At(home))}, key: key}
	}
	return of("keys-value", es), of("keys-address", ps), s
}

func now() int64 { return clock.System{}.Now().Unix() }

// assertion is a good one for an endpoint, changed; nil takes a claim out.
func (s *signing) assertion(path string, change ...any) string {
	c := map[string]any{"iss": s.ID, "sub": s.ID, "aud": s.endpoint(path), "exp": now() + 60, "iat": now(), "jti": "a" + strconv.FormatInt(s.serial.Add(1), 10)}
	return s.key.Sign(s.t, "", changed(c, change))
}

func changed(c map[string]any, change []any) map[string]any {
	for i := 0; i+1 < len(change); i += 2 {
		delete(c, change[i].(string))
		if change[i+1] != nil {
			c[change[i].(string)] = change[i+1]
		}
	}
	return c
}

// prove sends a form with an assertion.
func (s *signing) prove(path, assertion string, form url.Values) reply {
	s.t.Helper()
	form.Set("client_assertion_type", jwtBearer)
	form.Set("client_assertion", assertion)
	return s.do(http.MethodPost, s.endpoint(path), form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

// object is a good request object, changed.
func (s *signing) object(change ...any) string {
	c := map[string]any{"iss": s.ID, "aud": s.demo.Sheet.Issuer, "exp": now() + 60}
	u, err := url.Parse(s.ask())
	if err != nil {
		s.t.Fatal(err)
	}
	for name, values := range u.Query() {
		c[name] = values[0]
	}
	return s.key.Sign(s.t, "oauth-authz-req+jwt", changed(c, change))
}

// show asks with the object in place of the parameters.
func (s *signing) show(name, object string) string {
	return s.demo.Sheet.AuthorizationEndpoint + "?" + url.Values{"client_id": {s.ID}, name: {object}}.Encode()
}

func TestClientsThatSign(t *testing.T) {
	byValue, byAddress, s := withKeys(t)
	for _, p := range []*signing{byValue, byAddress} {
		p.login()
		t.Run("CA2CA3CA5PrivateKeyJWTOf"+p.ID, func(t *testing.T) { signedCalls(t, p) })
	}
	t.Run("CA2CA3CA4CA5CA8TK14AssertionsRefused", func(t *testing.T) { assertionsRefused(t, byValue, byAddress) })
	t.Run("CA3D2HA9ReplayByAHundredCallers", func(t *testing.T) { replayed(t, byValue) })
	t.Run("CA7RotationAndSiteDown", func(t *testing.T) { rotated(t, byAddress, s) })
	t.Run("AZ16PA4PA6TK14RequestObjects", func(t *testing.T) { requestObjects(t, byValue) })
	t.Run("AZ16D8RequestURI", func(t *testing.T) { requestURI(t, byValue, s) })
	t.Run("ME3ME4Metadata", func(t *testing.T) { signingMetadata(t, byValue) })
}

func signedCalls(t *testing.T, p *signing) {
	code := func() string { return p.code() }
	r := p.prove("/token", p.assertion("/token"), p.redeemForm(code()))
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r = p.prove("/token", p.assertion("/token", "aud", p.demo.Sheet.Issuer), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {r.text("refresh_token")}})
	if r.status != http.StatusOK {
		t.Fatalf("refresh, addressed to the issuer: %d %s", r.status, r.body)
	}
	token := url.Values{"token": {r.text("access_token")}}
	if r := p.prove("/token/introspect", p.assertion("/token/introspect"), token); r.json["active"] != true {
		t.Errorf("introspection: %d %s", r.status, r.body)
	}
	if r := p.prove("/revoke", p.assertion("/revoke", "aud", []string{p.endpoint("/revoke"), p.demo.Sheet.Issuer}), token); r.status != http.StatusOK {
		t.Errorf("revocation: %d %s", r.status, r.body)
	}
}

func assertionsRefused(t *testing.T, p, other *signing) {
	idToken := p.prove("/token", p.assertion("/token"), p.redeemForm(p.code())).text("id_token")
	for name, assertion := range map[string]string{
		"an ID token":             idToken,
		"a request object":        p.object(),
		"of another client":       other.assertion("/token", "iss", p.ID, "sub", p.ID),
		"about another client":    p.assertion("/token", "sub", other.ID),
		"for another server":      p.assertion("/token", "aud", []string{p.demo.Sheet.Issuer, "https://other.example"}),
		"for another endpoint":    p.assertion("/revoke"),
		"without expiry":          p.assertion("/token", "exp", nil),
		"for an hour":             p.assertion("/token", "exp", now()+3600),
		"expired":                 p.assertion("/token", "exp", now()-60),
		"of the future":           p.assertion("/token", "iat", now()+120),
		"without identifier":      p.assertion("/token", "jti", nil),
		"unsigned":                jwttest.Encode(t, map[string]any{"alg": "none"}) + "." + strings.Split(p.assertion("/token"), ".")[1] + ".",
		"with a key of its own":   other.key.SignRaw(t, map[string]any{"alg": "PS256", "jwk": other.key.Public}, map[string]any{"iss": p.ID, "sub": p.ID, "aud": p.demo.Sheet.Issuer, "exp": now() + 60, "jti": "x"}),
		"one that it never wrote": "a.b.c",
	} {
		r := p.prove("/token", assertion, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}})
		if r.status != http.StatusUnauthorized || r.text("error") != "invalid_client" || r.text("error_description") != "client authentication failed" {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	two := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "client_id": {p.ID}, "client_secret": {"x"}}
	if r := p.prove("/token", p.assertion("/token"), two); r.status != http.StatusBadRequest || r.text("error") != "invalid_request" {
		t.Errorf("two methods at once: %d %s", r.status, r.body)
	}
}

// replayed: of a hundred copies of one assertion one is taken.
func replayed(t *testing.T, p *signing) {
	assertion := p.assertion("/token/introspect")
	var taken atomic.Int64
	var wait sync.WaitGroup
	for range 100 {
		wait.Go(func() {
			if p.prove("/token/introspect", assertion, url.Values{"token": {"x"}}).status == http.StatusOK {
				taken.Add(1)
			}
		})
	}
	wait.Wait()
	if taken.Load() != 1 {
		t.Errorf("taken %d times", taken.Load())
	}
}

// rotated: the service's site goes down and nothing stops.
func rotated(t *testing.T, p *signing, s *site) {
	ask := func() int {
		return p.prove("/token/introspect", p.assertion("/token/introspect"), url.Values{"token": {"x"}}).status
	}
	before := s.asked.Load()
	for range 5 {
		if got := ask(); got != http.StatusOK {
			t.Fatalf("%d", got)
		}
	}
	if n := s.asked.Load() - before; n > 1 {
		t.Errorf("five calls went to the site %d times", n)
	}
	s.set(func(s *site) { s.down = true })
	if got := ask(); got != http.StatusOK {
		t.Errorf("while the site is down: %d", got)
	}
	s.set(func(s *site) { s.down = false })
}

func requestObjects(t *testing.T, p *signing) {
	p.browser.Get(p.show("request", p.object("state", "inside")))
	if a := p.browser.Arrived; a == nil || a.Query().Get("code") == "" || a.Query().Get("state") != "inside" {
		t.Errorf("%v", a)
	}
	p.browser.Get(p.ask("request", p.object("state", "inside"), "state", "outside", "prompt", "none"))
	if a := p.browser.Arrived; a == nil || a.Query().Get("state") != "inside" {
		t.Errorf("parameters beside the object counted: %v", a)
	}
	for name, object := range map[string]string{
		"an assertion":       p.assertion("/token"),
		"unsigned":           jwttest.Encode(t, map[string]any{"alg": "none"}) + "." + strings.Split(p.object(), ".")[1] + ".",
		"a stranger's":       jwttest.New(t, jose.ES256, "es-1").Sign(t, "", map[string]any{"client_id": p.ID, "redirect_uri": p.RedirectURIs[0]}),
		"encrypted":          p.object() + ".a.b",
		"to somebody else":   p.object("redirect_uri", "https://evil.example/cb"),
		"to nowhere":         p.object("redirect_uri", nil),
		"typ of a logout":    p.key.Sign(t, "logout+jwt", map[string]any{"client_id": p.ID, "aud": p.demo.Sheet.Issuer, "redirect_uri": p.RedirectURIs[0]}),
		"not a token at all": "e30",
	} {
		for _, address := range []string{p.show("request", object), p.ask("request", object)} {
			if r := p.do(http.MethodGet, address, "", nil); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
				t.Errorf("%s: %d %s", name, r.status, r.header.Get("Location"))
			}
		}
	}
	for name, object := range map[string]string{
		"for another server": p.object("aud", "https://other.example"),
		"expired":            p.object("exp", now()-60),
		"of another client":  p.object("client_id", "demo-oidc"),
		"with a sub":         p.object("sub", p.ID),
		"with another one":   p.object("request", "x"),
	} {
		r := p.do(http.MethodGet, p.show("request", object), "", nil)
		to, err := url.Parse(r.header.Get("Location"))
		if err != nil || to.Query().Get("error") != "invalid_request_object" || !strings.HasPrefix(r.header.Get("Location"), p.RedirectURIs[0]) {
			t.Errorf("%s: %d %s", name, r.status, r.header.Get("Location"))
		}
	}
}

func requestURI(t *testing.T, p *signing, s *site) {
	s.set(func(s *site) { s.object = p.object("state", "fetched") })
	p.browser.Get(p.show("request_uri", s.URL+"/object"))
	if a := p.browser.Arrived; a == nil || a.Query().Get("code") == "" || a.Query().Get("state") != "fetched" {
		t.Errorf("%v", a)
	}
	before := s.asked.Load()
	for _, uri := range []string{s.URL + "/other", s.URL + "/object?x", s.URL, "http://169.254.169.254/", "file:///etc/passwd"} {
		if r := p.do(http.MethodGet, p.show("request_uri", uri), "", nil); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
			t.Errorf("%s: %d %s", uri, r.status, r.header.Get("Location"))
		}
	}
	if s.asked.Load() != before {
		t.Error("the server went to an address that is not registered")
	}
}

func signingMetadata(t *testing.T, p *signing) {
	r := p.do(http.MethodGet, p.demo.Sheet.Issuer+"/.well-known/openid-configuration", "", nil)
	want := []any{"PS256", "ES256", "EdDSA", "RS256"}
	for _, endpoint := range []string{"token", "revocation", "introspection"} {
		if got, _ := r.json[endpoint+"_endpoint_auth_signing_alg_values_supported"].([]any); !slices.Equal(got, want) {
			t.Errorf("%s: %v", endpoint, got)
		}
		if got, _ := r.json[endpoint+"_endpoint_auth_methods_supported"].([]any); !slices.Contains(got, any("private_key_jwt")) || slices.Contains(got, any("client_secret_jwt")) {
			t.Errorf("%s: %v", endpoint, got)
		}
	}
	if got, _ := r.json["request_object_signing_alg_values_supported"].([]any); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
