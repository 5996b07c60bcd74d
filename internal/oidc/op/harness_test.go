package op

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/consent"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/pairwise"
	"github.com/egide-id/egide/internal/oidc/psc"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound/outboundtest"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/signing"
	"github.com/egide-id/egide/internal/trust/signing/signingtest"
	"github.com/egide-id/egide/templates"
)

const (
	testIssuer = "http://127.0.0.1:8080/auth/realms/esante-wallet"
	testFront  = "http://127.0.0.1:8080/auth"
	testSecret = "a-secret-of-the-test-service-of-enough-length"
	verifier   = "a-verifier-of-the-test-that-is-long-enough-0123456789"
)

// people is a register of invented persons, beside the port it stands for.
type people struct {
	mu sync.Mutex
	by map[rpps.NationalID]rpps.Professional
}

func (p *people) Lookup(_ context.Context, id rpps.NationalID) (rpps.Professional, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if found, ok := p.by[id]; ok {
		return found, nil
	}
	return rpps.Professional{}, fault.New(fault.NotFound, "PF-ID-002", "nobody")
}

func (p *people) close(id rpps.NationalID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.by[id]
	found.Closed = true
	p.by[id] = found
}

// epochs is one epoch for everybody.
type epochs struct {
	mu  sync.Mutex
	now uint64
}

func (e *epochs) Epoch(context.Context, string) (uint64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now, nil
}

func (e *epochs) raise() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now++
}

// breakable is a store that can be made to confirm nothing.
type breakable struct {
	store.KV
	mu     sync.Mutex
	broken bool
}

func (b *breakable) fail() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return fault.New(fault.Unavailable, "", "the store is gone")
	}
	return nil
}

func (b *breakable) set(broken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = broken
}

func (b *breakable) Put(ctx context.Context, k string, v []byte, ttl time.Duration) error {
	if err := b.fail(); err != nil {
		return err
	}
	return b.KV.Put(ctx, k, v, ttl)
}

func (b *breakable) Get(ctx context.Context, k string) (store.Item, error) {
	if err := b.fail(); err != nil {
		return store.Item{}, err
	}
	return b.KV.Get(ctx, k)
}

func (b *breakable) Update(ctx context.Context, k string, was store.Version, v []byte, ttl time.Duration) (store.Version, error) {
	if err := b.fail(); err != nil {
		return 0, err
	}
	return b.KV.Update(ctx, k, was, v, ttl)
}

func (b *breakable) Delete(ctx context.Context, k string) error {
	if err := b.fail(); err != nil {
		return err
	}
	return b.KV.Delete(ctx, k)
}

// world is a provider with the real packages under it and the routes of psc around it.
type world struct {
	t        testing.TB
	e        *echo.Echo
	o        *OP
	clock    *clock.Manual
	audit    *audit.Memory
	kv       *breakable
	sites    *outboundtest.Sites
	people   *people
	epochs   *epochs
	consents *consent.Consents
	sessions *session.Sessions
	requests *grant.Requests
	keys     *signing.Keys
	names    *pairwise.Names
	clients  *client.Registry
	leaf     *x509.Certificate // proven by the connection of calls made with serve
}

var doctor = rpps.Professional{
	ID:         rpps.MustNationalID("899700990015"),
	OtherIDs:   []rpps.Identifier{{Value: "899700990015", Origin: "RPPS", Quality: 1}},
	FamilyName: "EXEMPLE", GivenNames: []string{"CAMILLE"}, Civility: "MME",
	Practices: []rpps.Practice{{Profession: "10", Category: "C", Civility: "DR", WorkSituations: []rpps.WorkSituation{{
		Mode: "L", Sector: "SA07", Genre: "GENR01", Structure: rpps.Structure{Name: "CABINET DR EXEMPLE", TechnicalID: "R990001"},
	}}}},
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{
		t: t, clock: clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)), audit: &audit.Memory{},
		people: &people{by: map[rpps.NationalID]rpps.Professional{doctor.ID: doctor}}, epochs: &epochs{now: 1},
		sites: &outboundtest.Sites{},
	}
	log := slog.New(slog.DiscardHandler)
	set, err := templates.Parse()
	if err != nil {
		t.Fatal(err)
	}
	pages := web.NewPages(web.PagesOptions{Templates: set, Log: log, Environment: web.Sandbox})
	kv, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db"), Clock: w.clock, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	w.kv = &breakable{KV: kv}
	durable, err := db.Open(ctx, filepath.Join(t.TempDir(), "egide.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := durable.Close(); err != nil {
			t.Error(err)
		}
	})
	w.consents = consent.New(durable, w.clock)
	w.keys, err = signing.Open(ctx, signing.Options{Dir: signingtest.Dir(t), Clock: w.clock, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	w.names, err = pairwise.Open(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.clients = client.New(client.Options{Clock: w.clock, Log: log})
	gd := grant.Deps{KV: w.kv, Clock: w.clock, Rand: rand.Reader}
	w.sessions = session.New(session.Deps{KV: w.kv, Clock: w.clock, Rand: rand.Reader})
	w.requests = grant.NewRequests(gd)
	w.o, err = New(Deps{
		Clients: w.clients, Requests: w.requests, Codes: grant.NewCodes(gd), Tokens: grant.NewTokens(gd), Sessions: w.sessions,
		Subjects: w.epochs, Directory: w.people, Consents: w.consents, Keys: w.keys,
		KeySets: client.NewKeySets(w.sites, w.clock, log), Sites: w.sites,
		KV: w.kv, Audit: w.audit, Failures: w.audit.Failure,
		Names:   w.names,
		Cookies: web.Cookies{}, Clock: w.clock, Rand: rand.Reader, Log: log,
		Issuer: testIssuer, AuthorizationURL: testFront,
		LoginURL:  func(handle string) string { return "http://127.0.0.1:8080/login/" + handle },
		ErrorPage: pages.Fail,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.e = web.New(web.Options{Log: log, Rand: rand.Reader, Pages: pages, Environment: web.Sandbox})
	err = psc.Mount(w.e, psc.Shape{Issuer: testIssuer, AuthorizationURL: testFront}, psc.Endpoints{
		Authorize: w.o.Authorize, Token: w.o.Token, UserInfo: w.o.UserInfo, Introspect: w.o.Introspect, Revoke: w.o.Revoke,
		Discovery: w.o.Discovery, CheckSession: w.o.CheckSession, JWKS: w.o.JWKS, EndSession: func(c echo.Context) error { return c.NoContent(http.StatusOK) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.e.GET("/login/:handle/return", w.o.Resume)
	w.register()
	return w
}

func (w *world) register() {
	w.t.Helper()
	secrets := []string{client.HashSecret(testSecret)}
	all := []string{client.GrantCode, client.GrantRefresh, client.GrantClientCredentials}
	for _, c := range []*client.Client{
		{ID: "psc", Name: "Service PSC", Profile: client.ProfilePSC, SecretHashes: secrets, GrantTypes: all,
			RedirectURIs: []string{"https://psc.example/cb"}, PKCEException: "2026-11-01", Structure: "1750990012"},
		{ID: "psc2", Name: "Autre service PSC", Profile: client.ProfilePSC, SecretHashes: secrets, GrantTypes: all,
			RedirectURIs: []string{"https://psc2.example/cb?x=1"}, Structure: "1750990012"},
		{ID: "web", Name: "Service web", Profile: client.ProfileOIDC, SecretHashes: secrets, GrantTypes: all,
			RedirectURIs: []string{"https://web.example/cb"}, Scopes: []string{"openid", "profile", "scope_all"},
			IDTokenAlg: jose.ES256, Structure: "1750990012", Audiences: []string{"psc2"}},
		{ID: "jwt", Name: "Service JWT", Profile: client.ProfileOIDC, SecretHashes: secrets, AuthMethod: client.AuthPost,
			RedirectURIs: []string{"https://jwt.example/cb"}, Scopes: []string{"openid", "scope_all"},
			IDTokenAlg: jose.EdDSA, AccessTokenFormat: client.FormatJWT, AccessTokenAlg: jose.ES256},
		{ID: "app", Name: "Application", Profile: client.ProfileOIDC, AuthMethod: client.AuthNone,
			RedirectURIs: []string{"http://127.0.0.1/cb", "fr.example.app:/cb"}, Scopes: []string{"openid", "profile"}, IDTokenAlg: jose.ES256},
	} {
		c.Owner, c.Contact, c.Purpose = "Structure d'essai", "contact@web.example", "Essais"
		if err := w.clients.Add(c); err != nil {
			w.t.Fatalf("%s: %v", c.ID, err)
		}
	}
}

func redirectOf(id string) string {
	switch id {
	case "psc2":
		return "https://psc2.example/cb?x=1"
	case "app":
		return "http://127.0.0.1/cb"
	}
	return "https://" + strings.ToLower(id) + ".example/cb"
}

func challengeOf(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// login opens a session of the doctor and gives its cookie.
func (w *world) login(means authn.Means) (session.Session, *http.Cookie) {
	w.t.Helper()
	s, value, err := w.sessions.Begin(context.Background(), authn.Authentication{
		Subject: doctor.ID, Sub: "0b6f3c52-6f0e-4d0e-9c55-7a1f0f7f2a11", Means: means, At: w.clock.Now(), Ref: "device-1", Epoch: w.epochs.now,
	}, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return s, &http.Cookie{Name: "egide-session", Value: value}
}

// ask is a good authorization request of a client; overrides with "" leave a parameter out.
func ask(id string, overrides ...string) url.Values {
	q := url.Values{
		"client_id": {id}, "redirect_uri": {redirectOf(id)}, "response_type": {"code"}, "scope": {"openid scope_all"},
		"state": {"a state"}, "nonce": {"n-0S6_WzA2Mj"}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(overrides); i += 2 {
		if overrides[i+1] == "" {
			q.Del(overrides[i])
		} else {
			q.Set(overrides[i], overrides[i+1])
		}
	}
	return q
}

func (w *world) get(path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	w.e.ServeHTTP(rec, r)
	return rec
}

func (w *world) authorize(q url.Values, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	return w.get("/auth?"+q.Encode(), cookies...)
}

// answered reads an answer by redirect.
func (w *world) answered(rec *httptest.ResponseRecorder) url.Values {
	w.t.Helper()
	if rec.Code != http.StatusSeeOther {
		w.t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	u, err := url.Parse(rec.Header().Get("Location"))
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Query()
}

// code goes through authorize with a session and gives the code.
func (w *world) code(id string, cookie *http.Cookie, overrides ...string) string {
	w.t.Helper()
	q := w.answered(w.authorize(ask(id, overrides...), cookie))
	if q.Get("code") == "" {
		w.t.Fatalf("no code: %v", q)
	}
	return q.Get("code")
}

const base = "/auth/realms/esante-wallet/protocol/openid-connect/"

// post calls an endpoint of the token family with the client's own method.
func (w *world) post(endpoint, id string, form url.Values) *httptest.ResponseRecorder {
	body := url.Values{}
	for k, v := range form {
		body[k] = v
	}
	basic := id != "jwt" && id != "app"
	if id == "jwt" {
		body.Set("client_secret", testSecret)
	}
	if !basic {
		body.Set("client_id", id)
	}
	r := httptest.NewRequest(http.MethodPost, base+endpoint, strings.NewReader(body.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic {
		r.SetBasicAuth(id, testSecret)
	}
	rec := httptest.NewRecorder()
	w.e.ServeHTTP(rec, r)
	return rec
}

func codeForm(id, code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectOf(id)}, "code_verifier": {verifier}}
}

// tokens are a decoded answer.
type tokens map[string]any

func (t tokens) text(name string) string { s, _ := t[name].(string); return s }

func decode(t testing.TB, rec *httptest.ResponseRecorder) tokens {
	t.Helper()
	var v tokens
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %q: %v", rec.Code, rec.Body, err)
	}
	return v
}

func (w *world) redeem(id, code string) tokens {
	w.t.Helper()
	rec := w.post("token", id, codeForm(id, code))
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return decode(w.t, rec)
}

func (w *world) refresh(id, token string) *httptest.ResponseRecorder {
	return w.post("token", id, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (w *world) userinfo(token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, base+"userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	rec := httptest.NewRecorder()
	w.e.ServeHTTP(rec, r)
	return rec
}

// claimsOf reads a JWT without verifying it.
func claimsOf(t testing.TB, token string) tokens {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var v tokens
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// wantError checks an OAuth error of a JSON endpoint, and that nothing of ours shows.
func wantError(t testing.TB, rec *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	v := decode(t, rec)
	if rec.Code != status || v.text("error") != code {
		t.Fatalf("%d %s, want %d %s", rec.Code, rec.Body, status, code)
	}
	if strings.Contains(rec.Body.String(), ".go:") || strings.Contains(rec.Body.String(), "goroutine") {
		t.Fatalf("a stack left the house: %s", rec.Body)
	}
	if rec.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("Cache-Control %q", rec.Header().Get("Cache-Control"))
	}
}

// endAll ends every session the world opened, by its cookie-less name.
func (w *world) endAll() {
	w.t.Helper()
	for _, e := range w.audit.Events() {
		if c, ok := e.(audit.CodeIssued); ok {
			if _, err := w.sessions.End(context.Background(), c.SID); err != nil && !fault.Is(err, fault.NotFound) {
				w.t.Fatal(err)
			}
		}
	}
}

// inactive is all that introspection says of a token that is not good.
const inactive = `{"active":false}`
