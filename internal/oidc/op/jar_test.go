package op

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/jwt/jwttest"
	"github.com/egide-id/egide/internal/platform/outbound"
)

const objectAt = "https://signs.example/request"

// signer is a client with keys in a world.
type signer struct {
	*world
	key    jwttest.Key
	cookie *http.Cookie
}

func newSigner(t testing.TB, change ...func(*client.Client)) *signer {
	t.Helper()
	s := &signer{world: newWorld(t), key: jwttest.New(t, jose.ES256, "k")}
	c := &client.Client{
		ID: "signs", Name: "Service qui signe", Profile: client.ProfileOIDC, AuthMethod: client.AuthPrivateKeyJWT, IDTokenAlg: jose.ES256,
		Owner: "Structure d'essai", Contact: "contact@web.example", Purpose: "Essais", Structure: "1750990012",
		GrantTypes:   []string{client.GrantCode, client.GrantRefresh, client.GrantClientCredentials},
		RedirectURIs: []string{"https://signs.example/cb", "https://signs.example/other"},
	}
	c.Keys.Set = jwttest.Set(s.key)
	c.Requests.URIs = []string{objectAt}
	for _, f := range change {
		f(c)
	}
	if err := s.clients.Add(c); err != nil {
		t.Fatal(err)
	}
	_, s.cookie = s.login(authn.ECPS)
	return s
}

// object are the claims of a good request object, changed; nil takes one out.
func (s *signer) object(changes ...any) map[string]any {
	c := map[string]any{"iss": "signs", "aud": testIssuer, "exp": s.clock.Now().Add(time.Minute).Unix()}
	for name, values := range ask("signs") {
		c[name] = values[0]
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(c, changes[i].(string))
		} else {
			c[changes[i].(string)] = changes[i+1]
		}
	}
	return c
}

func (s *signer) sign(changes ...any) string {
	return s.key.Sign(s.t, "oauth-authz-req+jwt", s.object(changes...))
}

// show sends an object with as little beside it as RFC 9101 5 wants.
func (s *signer) show(object string) *httptest.ResponseRecorder {
	return s.authorize(url.Values{"client_id": {"signs"}, "request": {object}}, s.cookie)
}

func (s *signer) wantPage(name string, rec *httptest.ResponseRecorder) {
	s.t.Helper()
	if rec.Code < 400 || rec.Code > 499 || rec.Header().Get("Location") != "" {
		s.t.Errorf("%s: %d to %q", name, rec.Code, rec.Header().Get("Location"))
	}
}

func TestAZ16GoodRequestObjects(t *testing.T) {
	s := newSigner(t)
	for name, object := range map[string]string{
		"RFC 9101":                 s.sign(),
		"typ JWT":                  s.key.Sign(t, "JWT", s.object()),
		"no typ":                   s.key.Sign(t, "", s.object()),
		"aud in a list":            s.sign("aud", []string{"https://other.example", testIssuer}),
		"no iss":                   s.sign("iss", nil),
		"no client_id inside":      s.sign("client_id", nil),
		"no exp":                   s.sign("exp", nil),
		"iat and nbf of now":       s.sign("iat", s.clock.Now().Unix(), "nbf", s.clock.Now().Unix()+10),
		"max_age as a number":      s.sign("max_age", 3600),
		"claims as an object":      s.sign("claims", map[string]any{"id_token": map[string]any{"acr": nil}}),
		"an unknown parameter":     s.sign("x", []any{1, "a", map[string]any{}}),
		"a parameter that is null": s.key.Sign(t, "", mapWith(s.object(), "login_hint", nil)),
		"a jti, used or not":       s.sign("jti", "1"),
	} {
		q := s.answered(s.show(object))
		if q.Get("code") == "" || q.Get("state") != "a state" {
			t.Errorf("%s: %v", name, q)
		}
	}
	// Core 6.1: a plain OAuth request around it is tolerated and not read.
	around := ask("signs", "request", s.sign("state", "inside", "redirect_uri", "https://signs.example/other"), "state", "outside", "scope", "openid nonsense")
	rec := s.authorize(around, s.cookie)
	if q := s.answered(rec); q.Get("code") == "" || q.Get("state") != "inside" || !strings.HasPrefix(rec.Header().Get("Location"), "https://signs.example/other?") {
		t.Errorf("%s", rec.Header().Get("Location"))
	}
}

func mapWith(m map[string]any, name string, v any) map[string]any {
	m[name] = v
	return m
}

// Whatever an attacker puts beside a signed request changes nothing: neither
// what is in the object nor what is absent from it (RFC 9101 6.3, PA4).
func TestAZ16PA4ParametersBesideTheObjectAreNotTaken(t *testing.T) {
	s := newSigner(t)
	object := s.sign("state", nil, "nonce", nil)
	q := s.answered(s.authorize(ask("signs", "request", object, "state", "injected", "nonce", "injected", "prompt", "none", "response_mode", "form_post"), s.cookie))
	if q.Get("code") == "" || q.Get("state") != "" {
		t.Fatalf("%v", q)
	}
	form := codeForm("signs", q.Get("code"))
	s.prove(form, "token")
	token := decode(t, s.call("token", form))
	if token.text("id_token") == "" {
		t.Fatalf("%v", token)
	}
	if nonce := claimsOf(t, token.text("id_token"))["nonce"]; nonce != nil {
		t.Errorf("a nonce from outside the object: %v", nonce)
	}
}

// prove adds a fresh assertion to a form.
func (s *signer) prove(form url.Values, endpoint string) {
	form.Set("client_assertion_type", client.AssertionType)
	form.Set("client_assertion", s.assertion(endpoint))
}

func (s *signer) assertion(endpoint string) string {
	now := s.clock.Now().Unix()
	return s.key.Sign(s.t, "", map[string]any{
		"iss": "signs", "sub": "signs", "aud": testIssuer + "/protocol/openid-connect/" + endpoint, "exp": now + 60, "iat": now,
		"jti": time.Unix(serial.Add(1), 0).String(),
	})
}

// TestAZ16PA6UnprovenObjectsRedirectNobody: nothing of what an unproven object
// or the query beside it says decides where the browser goes (AZ3).
func TestAZ16PA6TK14UnprovenObjectsRedirectNobody(t *testing.T) {
	s := newSigner(t)
	stranger := jwttest.New(t, jose.ES256, "k")
	good := s.sign()
	parts := strings.Split(good, ".")
	raw := func(header map[string]any) string { return s.key.SignRaw(t, header, s.object()) }
	for name, object := range map[string]string{
		"no token":                      "eyJ",
		"alg none":                      jwttest.Encode(t, map[string]any{"alg": "none"}) + "." + parts[1] + ".",
		"alg none, old signature":       jwttest.Encode(t, map[string]any{"alg": "none"}) + "." + parts[1] + "." + parts[2],
		"HMAC":                          raw(map[string]any{"alg": "HS256", "kid": "k"}),
		"another algorithm by name":     raw(map[string]any{"alg": "PS256", "kid": "k"}),
		"signed by a stranger":          stranger.Sign(t, "oauth-authz-req+jwt", s.object()),
		"the stranger's key inside":     stranger.SignRaw(t, map[string]any{"alg": "ES256", "jwk": stranger.Public}, s.object()),
		"the stranger's key by address": stranger.SignRaw(t, map[string]any{"alg": "ES256", "kid": "k", "jku": "https://evil.example"}, s.object()),
		"unknown kid":                   raw(map[string]any{"alg": "ES256", "kid": "x"}),
		"crit":                          raw(map[string]any{"alg": "ES256", "kid": "k", "crit": []string{"x"}}),
		"payload changed":               parts[0] + "." + jwttest.Encode(t, s.object("scope", "openid")) + "." + parts[2],
		"signature gone":                parts[0] + "." + parts[1] + ".",
		"encrypted":                     jwttest.Encode(t, map[string]any{"alg": "RSA-OAEP-256", "enc": "A256GCM"}) + ".a.a.a.a",
		"encrypted and compressed":      jwttest.Encode(t, map[string]any{"alg": "dir", "enc": "A256GCM", "zip": "DEF"}) + "..a.a.a",
		"encrypted by a password":       jwttest.Encode(t, map[string]any{"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": 1 << 30}) + ".a.a.a.a",
		"a parameter twice":             s.key.SignRaw(t, map[string]any{"alg": "ES256", "kid": "k"}, `{"client_id":"signs","redirect_uri":"https://evil.example","redirect_uri":"https://signs.example/cb"}`),
		"the client's assertion":        s.assertion("token"),
		"typ of an assertion":           s.key.Sign(t, "client-authentication+jwt", s.object()),
		"typ of an access token":        s.key.Sign(t, "at+jwt", s.object()),
		"typ of a proof of possession":  s.key.Sign(t, "dpop+jwt", s.object()),
		"typ of a logout token":         s.key.Sign(t, "logout+jwt", s.object()),
		"too long":                      s.sign("x", strings.Repeat("x", 17000)),
		"no redirect_uri":               s.sign("redirect_uri", nil),
		"redirect_uri of somebody else": s.sign("redirect_uri", "https://evil.example/cb"),
		"redirect_uri with a tail":      s.sign("redirect_uri", "https://signs.example/cb/"),
		"redirect_uri that is a list":   s.sign("redirect_uri", []string{"https://signs.example/cb"}),
	} {
		s.wantPage(name, s.show(object))
		// A good address beside it changes nothing.
		s.wantPage(name+", a good query beside it", s.authorize(ask("signs", "request", object), s.cookie))
	}
	for name, q := range map[string]url.Values{
		"object and address":   {"client_id": {"signs"}, "request": {good}, "request_uri": {objectAt}},
		"two objects":          {"client_id": {"signs"}, "request": {good, good}},
		"two addresses":        {"client_id": {"signs"}, "request_uri": {objectAt, objectAt}},
		"no client_id outside": {"request": {good}},
		"another client":       {"client_id": {"web"}, "request": {good}},
		"two clients":          {"client_id": {"signs", "web"}, "request": {good}},
		"an unknown client":    {"client_id": {"nobody"}, "request": {good}},
	} {
		s.wantPage(name, s.authorize(q, s.cookie))
	}
}

// TestAZ16PA6WrongObjectsAreToldToTheService: proven, but not this request here
// and now. The service is told at its own address.
func TestAZ16PA6WrongObjectsAreToldToTheService(t *testing.T) {
	s := newSigner(t)
	now := s.clock.Now().Unix()
	for name, object := range map[string]string{
		"iss another client":       s.sign("iss", "web"),
		"iss empty":                s.sign("iss", ""),
		"iss no text":              s.sign("iss", 1),
		"client_id another client": s.sign("client_id", "web"),
		"client_id no text":        s.sign("client_id", []string{"signs"}),
		"neither":                  s.sign("iss", nil, "client_id", nil),
		"aud missing":              s.sign("aud", nil),
		"aud another server":       s.sign("aud", "https://other.example"),
		"aud the endpoint":         s.sign("aud", testIssuer+"/protocol/openid-connect/token"),
		"aud the issuer and more":  s.sign("aud", testIssuer+"/"),
		"aud no text":              s.sign("aud", 1),
		"aud of nobody":            s.sign("aud", []string{}),
		"expired":                  s.sign("exp", now-31),
		"exp no number":            s.sign("exp", "tomorrow"),
		"nbf ahead":                s.sign("nbf", now+61),
		"nbf no number":            s.sign("nbf", "x"),
		"iat ahead":                s.sign("iat", now+3600),
		"iat no number":            s.sign("iat", []int{1}),
		"sub (an assertion)":       s.sign("sub", "signs"),
		"sub of a person":          s.sign("sub", "0b6f3c52-6f0e-4d0e-9c55-7a1f0f7f2a11"),
		"request inside":           s.sign("request", "e30."),
		"request_uri inside":       s.sign("request_uri", objectAt),
		"request_uri of a push":    s.sign("request_uri", "urn:ietf:params:oauth:request_uri:x"),
	} {
		rec := s.show(object)
		q := s.answered(rec)
		if q.Get("error") != "invalid_request_object" || q.Get("state") != "a state" || q.Get("iss") != testIssuer || q.Get("code") != "" {
			t.Errorf("%s: %v", name, q)
		}
		if !strings.HasPrefix(rec.Header().Get("Location"), "https://signs.example/cb?") {
			t.Errorf("%s: sent to %s", name, rec.Header().Get("Location"))
		}
	}
	// What is wrong with the parameters themselves keeps its own name.
	for name, c := range map[string]struct{ object, want string }{
		"response_type token": {s.sign("response_type", "token"), "unsupported_response_type"},
		"no response_type":    {s.sign("response_type", nil), "invalid_request"},
		"no scope":            {s.sign("scope", nil), "invalid_scope"},
		"no challenge":        {s.sign("code_challenge", nil, "code_challenge_method", nil), "invalid_request"},
		"prompt unknown":      {s.sign("prompt", "x"), "invalid_request"},
		"registration inside": {s.sign("registration", map[string]any{}), "registration_not_supported"},
	} {
		if q := s.answered(s.show(c.object)); q.Get("error") != c.want {
			t.Errorf("%s: %v", name, q)
		}
	}
}

// A client that said it signs is never served an unsigned request: an attacker
// would only have to leave the object out (RFC 9101 10.5).
func TestPA6UnsignedRequestOfASigningClient(t *testing.T) {
	s := newSigner(t, func(c *client.Client) { c.Requests.MustSign, c.Requests.ObjectAlg = true, jose.ES256 })
	if q := s.answered(s.authorize(ask("signs"), s.cookie)); q.Get("error") != "invalid_request" {
		t.Errorf("%v", q)
	}
	if q := s.answered(s.show(s.sign())); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
}

func TestPA6RegisteredAlgorithmIsHeld(t *testing.T) {
	rs := jwttest.New(t, jose.RS256, "rs")
	s := newSigner(t, func(c *client.Client) { c.Keys.Set, c.Requests.ObjectAlg = jwttest.Set(rs), jose.PS256 })
	s.wantPage("RS256 where PS256 is registered", s.show(rs.Sign(t, "", s.object())))
	rs.Alg = jose.PS256
	if q := s.answered(s.show(rs.Sign(t, "", s.object()))); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
}

// Clients without keys are told by name that they cannot do this.
func TestAZ16ClientsWithoutKeysAreToldSo(t *testing.T) {
	s := newSigner(t)
	for name, want := range map[string]string{"request": "request_not_supported", "request_uri": "request_uri_not_supported"} {
		for _, id := range []string{"web", "psc", "app"} {
			if q := s.answered(s.authorize(ask(id, name, s.sign()), s.cookie)); q.Get("error") != want {
				t.Errorf("%s, %s: %v", id, name, q)
			}
		}
	}
}

func TestAZ16D8RequestObjectsByAddress(t *testing.T) {
	s := newSigner(t)
	show := func(uri string) *httptest.ResponseRecorder {
		return s.authorize(url.Values{"client_id": {"signs"}, "request_uri": {uri}}, s.cookie)
	}
	for _, media := range []string{"application/oauth-authz-req+jwt", "application/jwt", "application/oauth-authz-req+jwt; charset=utf-8"} {
		s.sites.Set(objectAt, media, s.sign()+"\n")
		if q := s.answered(show(objectAt)); q.Get("code") == "" {
			t.Errorf("%s: %v", media, q)
		}
	}
	asked := s.sites.Asked(objectAt)
	for name, uri := range map[string]string{
		"another address":         "https://signs.example/other",
		"a tail":                  objectAt + "/x",
		"a query":                 objectAt + "?x",
		"a fragment":              objectAt + "#x",
		"another case":            strings.ToUpper(objectAt),
		"a port":                  "https://signs.example:443/request",
		"dots":                    "https://signs.example/x/../request",
		"metadata of a cloud":     "http://169.254.169.254/latest",
		"this machine":            "http://127.0.0.1/",
		"a file":                  "file:///etc/passwd",
		"of a push, never pushed": "urn:ietf:params:oauth:request_uri:abc",
		"data":                    "data:," + s.sign(),
	} {
		s.wantPage(name, show(uri))
		if s.sites.Asked(uri) != 0 {
			t.Errorf("%s: this server went there", name)
		}
	}
	if s.sites.Asked(objectAt) != asked {
		t.Error("this server went to the registered address for another one")
	}
	for name, spoil := range map[string]func(){
		"an HTML page":  func() { s.sites.Set(objectAt, "text/html", s.sign()) },
		"JSON":          func() { s.sites.Set(objectAt, "application/json", s.sign()) },
		"no media type": func() { s.sites.Answer(objectAt, outbound.Answer{Status: 200, Body: []byte(s.sign())}) },
		"a redirect": func() {
			s.sites.Answer(objectAt, outbound.Answer{Status: 302, Header: http.Header{"Location": {"https://evil.example"}}})
		},
		"not found": func() {
			s.sites.Answer(objectAt, outbound.Answer{Status: 404, Header: http.Header{"Content-Type": {"application/jwt"}}, Body: []byte(s.sign())})
		},
		"another's": func() {
			s.sites.Set(objectAt, "application/jwt", jwttest.New(t, jose.ES256, "k").Sign(t, "", s.object()))
		},
		"not the token": func() { s.sites.Set(objectAt, "application/jwt", "{}") },
		"nothing":       func() { s.sites.Set(objectAt, "application/jwt", "") },
	} {
		spoil()
		s.wantPage(name, show(objectAt))
	}
	s.sites.Down(objectAt)
	if rec := show(objectAt); rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Location") != "" {
		t.Errorf("a site that is down: %d", rec.Code)
	}
}

// One service's site answers nothing, and somebody asks for its object again and
// again: its own places are taken, nobody else's (HA6).
func TestHA6SlowRequestURITakesOnlyItsOwnPlaces(t *testing.T) {
	s := newSigner(t)
	s.sites.Set(objectAt, "application/jwt", s.sign())
	release := s.sites.Hold(objectAt)
	defer release()
	show := func() *httptest.ResponseRecorder {
		return s.authorize(url.Values{"client_id": {"signs"}, "request_uri": {objectAt}}, s.cookie)
	}
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() { show() })
	}
	if q := s.answered(s.authorize(ask("web"), s.cookie)); q.Get("code") == "" {
		t.Errorf("another service: %v", q)
	}
	release()
	wait.Wait()
	if n := s.sites.Asked(objectAt); n > 20 {
		t.Errorf("gone to %d times", n)
	}
	if q := s.answered(show()); q.Get("code") == "" {
		t.Errorf("afterwards: %v", q)
	}
}

func TestHA6PlacesOfOneClient(t *testing.T) {
	var f fetches
	var done []func()
	for range fetchesOfClient {
		d, ok := f.begin("a")
		if !ok {
			t.Fatal("no place")
		}
		done = append(done, d)
	}
	if _, ok := f.begin("a"); ok {
		t.Error("one place too many")
	}
	if _, ok := f.begin("b"); !ok {
		t.Error("another client has none")
	}
	done[0]()
	if _, ok := f.begin("a"); !ok {
		t.Error("a place given back is lost")
	}
}

// Keys that cannot be had now say so, and redirect nobody.
func TestAZ16KeysOfTheSignerUnavailable(t *testing.T) {
	s := newSigner(t, func(c *client.Client) { c.Keys.Set, c.Keys.URI = nil, "https://signs.example/jwks" })
	if rec := s.show(s.sign()); rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Location") != "" {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
	s.sites.SetJSON(t, "https://signs.example/jwks", jwttest.Set(s.key))
	s.clock.Advance(11 * time.Second)
	if q := s.answered(s.show(s.sign())); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
}
