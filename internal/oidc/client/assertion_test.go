package client

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/jwt/jwttest"
	"github.com/egide-id/egide/internal/platform/outbound/outboundtest"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
)

const (
	here     = "https://op.invalid/realm"
	endpoint = here + "/token"
)

// rsaKey is made once: it takes longer than all the rest.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// bed is an authenticator with clients that sign.
type bed struct {
	*testing.T
	*Authenticator
	sites    *outboundtest.Sites
	clock    *clock.Manual
	registry *Registry
	ec, rs   jwttest.Key
}

func newBed(t *testing.T) *bed {
	t.Helper()
	now := clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	kv, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db"), Clock: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bed{T: t, sites: &outboundtest.Sites{}, clock: now, registry: New(Options{Clock: now})}
	b.Authenticator = b.node(kv)
	b.ec, b.rs = jwttest.New(t, jose.ES256, "ec"), jwttest.Of(jose.RS256, "rs", rsaKey())
	b.register("signs", func(c *Client) { c.Keys.Set = jwttest.Set(b.ec, b.rs) })
	b.register("twin", func(c *Client) { c.Keys.Set = jwttest.Set(b.ec) })
	return b
}

// node is another node over the same store.
func (b *bed) node(kv store.KV) *Authenticator {
	keys := NewKeySets(b.sites, b.clock, slog.New(slog.DiscardHandler))
	return NewAuthenticator(AuthenticatorDeps{Clients: b.registry, Keys: keys, KV: kv, Clock: b.clock})
}

func (b *bed) register(id string, change func(*Client)) {
	b.Helper()
	c := &Client{ID: id, Name: "Service d'essai", Profile: ProfileOIDC, AuthMethod: AuthPrivateKeyJWT, RedirectURIs: []string{"https://a.invalid/cb"}}
	change(c)
	if err := b.registry.Add(c); err != nil {
		b.Fatal(err)
	}
}

// claims of a good assertion of the client "signs", changed; nil takes one out.
func (b *bed) claims(changes ...any) map[string]any {
	now := b.clock.Now().Unix()
	c := map[string]any{"iss": "signs", "sub": "signs", "aud": here, "exp": now + 60, "iat": now, "jti": rand32(b.T)}
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(c, changes[i].(string))
		} else {
			c[changes[i].(string)] = changes[i+1]
		}
	}
	return c
}

var counted atomic.Int64

func rand32(t *testing.T) string { return t.Name() + time.Unix(counted.Add(1), 0).String() }

func presented(assertion string) Presented {
	return Presented{Assertion: assertion, AssertionType: AssertionType, Audiences: []string{here, endpoint}}
}

func (b *bed) show(p Presented) (*Client, error) { return b.Authenticate(b.Context(), p) }

func TestCA2CA3CA5GoodAssertions(t *testing.T) {
	b := newBed(t)
	now := b.clock.Now().Unix()
	ps := b.rs
	ps.Alg = jose.PS256
	ed := jwttest.New(t, jose.EdDSA, "ed")
	b.register("eddsa", func(c *Client) { c.Keys.Set = jwttest.Set(ed) })
	b.register("psc", func(c *Client) { c.Profile, c.Keys.Set = ProfilePSC, jwttest.Set(b.rs) })
	of := func(id string) []any { return []any{"iss", id, "sub", id} }
	for name, assertion := range map[string]string{
		"ES256":                                 b.ec.Sign(t, "", b.claims()),
		"RS256":                                 b.rs.Sign(t, "JWT", b.claims()),
		"PS256":                                 ps.Sign(t, "jwt", b.claims()),
		"EdDSA":                                 ed.Sign(t, "client-authentication+jwt", b.claims(of("eddsa")...)),
		"RS256 of a psc client":                 b.rs.Sign(t, "", b.claims(of("psc")...)),
		"typ with application/":                 b.ec.Sign(t, "application/client-authentication+jwt", b.claims()),
		"to the endpoint":                       b.ec.Sign(t, "", b.claims("aud", endpoint)),
		"to both, in a list":                    b.ec.Sign(t, "", b.claims("aud", []string{endpoint, here})),
		"to the issuer, another of ours beside": b.ec.Sign(t, "", b.claims("aud", []string{here, here + "/introspect"})),
		"without iat":                           b.ec.Sign(t, "", b.claims("iat", nil)),
		"iat 10 s ahead":                        b.ec.Sign(t, "", b.claims("iat", now+10)),
		"nbf 10 s ahead":                        b.ec.Sign(t, "", b.claims("nbf", now+10)),
		"expired 5 s ago":                       b.ec.Sign(t, "", b.claims("exp", now-5)),
		"ten minutes":                           b.ec.Sign(t, "", b.claims("exp", now+600)),
		"dates with fractions":                  b.ec.Sign(t, "", b.claims("exp", float64(now)+59.5, "iat", float64(now)-0.5)),
		"claims of its own":                     b.ec.Sign(t, "", b.claims("client_hint", map[string]any{"a": 1})),
	} {
		if c, err := b.show(presented(assertion)); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if c.AuthMethod != AuthPrivateKeyJWT {
			t.Errorf("%s: %s", name, c.ID)
		}
	}
	with := presented(b.ec.Sign(t, "", b.claims()))
	with.PostID = "signs"
	if _, err := b.show(with); err != nil {
		t.Errorf("with client_id in the body: %v", err)
	}
}

// TestCA2CA3CA4CA5AssertionsRefused is the corpus: each line is one attack or one
// mistake that other servers let through.
func TestCA2CA3CA4CA5AssertionsRefused(t *testing.T) {
	b := newBed(t)
	now := b.clock.Now().Unix()
	other := jwttest.New(t, jose.ES256, "ec")
	b.register("ps-only", func(c *Client) {
		c.Keys.Set, c.Keys.AssertionAlg = jwttest.Set(b.rs), jose.PS256
	})
	b.register("basic", func(c *Client) {
		c.AuthMethod, c.SecretHashes, c.Keys.Set = AuthBasic, []string{HashSecret("s")}, jwttest.Set(b.ec)
	})
	b.register("public", func(c *Client) { c.AuthMethod, c.Keys.Set = AuthNone, jwttest.Set(b.ec) })
	b.register("pscbasic", func(c *Client) {
		c.Profile, c.AuthMethod, c.SecretHashes, c.Keys.Set = ProfilePSC, AuthBasic, []string{HashSecret("s")}, jwttest.Set(b.ec)
	})
	sign := func(changes ...any) string { return b.ec.Sign(t, "", b.claims(changes...)) }
	typed := func(typ string) string { return b.ec.Sign(t, typ, b.claims()) }
	raw := func(header map[string]any) string { return b.ec.SignRaw(t, header, b.claims()) }
	as := func(id string) string { return sign("iss", id, "sub", id) }
	good := sign()
	parts := strings.Split(good, ".")

	for name, assertion := range map[string]string{
		"iss missing":                       sign("iss", nil),
		"sub missing (a request object)":    sign("sub", nil),
		"iss another client":                sign("iss", "twin"),
		"sub another client":                sign("sub", "twin"),
		"both another client, shared key":   b.rs.Sign(t, "", b.claims("iss", "twin", "sub", "twin")),
		"unknown client":                    as("nobody"),
		"iss the issuer (an ID token)":      sign("iss", here),
		"iss a list":                        sign("iss", []string{"signs"}),
		"sub a number":                      sign("sub", 1),
		"ISS in capitals":                   sign("iss", nil, "ISS", "signs"),
		"aud missing":                       sign("aud", nil),
		"aud empty":                         sign("aud", ""),
		"aud an empty list":                 sign("aud", []string{}),
		"aud another server":                sign("aud", "https://evil.invalid"),
		"aud another server beside us":      sign("aud", []string{here, "https://evil.invalid"}),
		"aud us behind another server":      sign("aud", []string{"https://evil.invalid", endpoint}),
		"aud another endpoint of ours":      sign("aud", here+"/introspect"),
		"aud the client itself":             sign("aud", "signs"),
		"aud the issuer with a slash":       sign("aud", here+"/"),
		"aud the issuer in capitals":        sign("aud", strings.ToUpper(here)),
		"aud a host that begins like ours":  sign("aud", []string{here, here + ".evil.invalid/token"}),
		"aud a number":                      sign("aud", 1),
		"aud a list of lists":               sign("aud", []any{[]string{here}}),
		"aud an object":                     sign("aud", map[string]any{here: true}),
		"aud a hundred times us":            sign("aud", strings.Split(strings.Repeat(here+" ", 100)+here, " ")),
		"exp missing":                       sign("exp", nil),
		"exp a text":                        sign("exp", "1900000000"),
		"exp null":                          b.ec.SignRaw(t, map[string]any{"alg": "ES256", "kid": "ec"}, with(b.claims(), "exp", nil)),
		"exp negative":                      sign("exp", -1),
		"exp 11 s ago":                      sign("exp", now-11),
		"exp an hour ago":                   sign("exp", now-3600),
		"exp eleven minutes ahead":          sign("exp", now+660),
		"exp in a year":                     sign("exp", now+365*24*3600),
		"exp beyond all dates":              sign("exp", 1e300),
		"exp in milliseconds":               sign("exp", now*1000),
		"iat 61 s ahead":                    sign("iat", now+61),
		"iat a text":                        sign("iat", "yesterday"),
		"nbf 61 s ahead":                    sign("nbf", now+61),
		"nbf a list":                        sign("nbf", []int{1}),
		"jti missing":                       sign("jti", nil),
		"jti empty":                         sign("jti", ""),
		"jti a number":                      sign("jti", 5),
		"jti too long":                      sign("jti", strings.Repeat("j", 257)),
		"typ of a request object":           typed("oauth-authz-req+jwt"),
		"typ of a request object, in full":  typed("application/oauth-authz-req+jwt"),
		"typ of an access token":            typed("at+jwt"),
		"typ of a logout token":             typed("logout+jwt"),
		"typ of a proof of possession":      typed("dpop+jwt"),
		"typ of a security event":           typed("secevent+jwt"),
		"typ unknown":                       typed("x"),
		"alg none":                          jwttest.Encode(t, map[string]any{"alg": "none"}) + "." + parts[1] + ".",
		"alg HS256":                         raw(map[string]any{"alg": "HS256", "kid": "ec"}),
		"alg of another key":                raw(map[string]any{"alg": "RS256", "kid": "ec"}),
		"kid of the other key":              raw(map[string]any{"alg": "ES256", "kid": "rs"}),
		"kid unknown":                       raw(map[string]any{"alg": "ES256", "kid": "new"}),
		"crit":                              raw(map[string]any{"alg": "ES256", "kid": "ec", "crit": []string{"exp"}}),
		"key of its own in the header":      other.SignRaw(t, map[string]any{"alg": "ES256", "kid": "ec", "jwk": other.Public}, b.claims()),
		"key behind an address (jku)":       other.SignRaw(t, map[string]any{"alg": "ES256", "kid": "ec", "jku": "https://evil.invalid"}, b.claims()),
		"signed by a stranger":              other.Sign(t, "", b.claims()),
		"RS256 where PS256 is registered":   b.rs.Sign(t, "", b.claims("iss", "ps-only", "sub", "ps-only")),
		"of a client with another method":   as("basic"),
		"of a public client":                as("public"),
		"of a psc client that has a secret": as("pscbasic"),
		"payload changed":                   parts[0] + "." + jwttest.Encode(t, b.claims()) + "." + parts[2],
		"a claim twice":                     b.ec.SignRaw(t, map[string]any{"alg": "ES256", "kid": "ec"}, `{"iss":"signs","iss":"twin","sub":"signs"}`),
		"no token at all":                   "x",
		"encrypted":                         good + ".a.b",
		"too long":                          sign("pad", strings.Repeat("p", 20000)),
	} {
		if c, err := b.show(presented(assertion)); c != nil || !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	if _, err := b.show(presented(good)); err != nil {
		t.Errorf("nothing of all that used up the good one: %v", err)
	}
}

func with(claims map[string]any, name string, v any) map[string]any {
	c := maps.Clone(claims)
	c[name] = v
	return c
}

// What goes along with an assertion must agree with it and add nothing.
func TestCA1OneMethodOnlyBesideAnAssertion(t *testing.T) {
	b := newBed(t)
	for name, c := range map[string]struct {
		change func(*Presented)
		kind   fault.Kind
	}{
		"another client_id":       {func(p *Presented) { p.PostID = "twin" }, fault.Invalid},
		"basic of another client": {func(p *Presented) { p.HasBasic, p.BasicID = true, "twin" }, fault.Invalid},
		"basic too":               {func(p *Presented) { p.HasBasic, p.BasicID, p.BasicSecret = true, "signs", "x" }, fault.Invalid},
		"a secret too":            {func(p *Presented) { p.HasPostSecret, p.PostSecret = true, "x" }, fault.Invalid},
		"no type":                 {func(p *Presented) { p.AssertionType = "" }, fault.Denied},
		"another type":            {func(p *Presented) { p.AssertionType = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer" }, fault.Denied},
		"type alone":              {func(p *Presented) { p.Assertion, p.PostID = "", "signs" }, fault.Denied},
		"nothing of here named":   {func(p *Presented) { p.Audiences = nil }, fault.Denied},
		"client_id alone":         {func(p *Presented) { *p = Presented{PostID: "signs"} }, fault.Denied},
		"a secret instead":        {func(p *Presented) { *p = Presented{PostID: "signs", HasPostSecret: true, PostSecret: "x"} }, fault.Denied},
	} {
		p := presented(b.ec.Sign(t, "", b.claims()))
		c.change(&p)
		if got, err := b.show(p); got != nil || !fault.Is(err, c.kind) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// Many copies of one assertion arrive at two nodes at once: one winner (D2, HA9).
func TestCA3D2ReplayOfOneAssertionByAHundredCallers(t *testing.T) {
	b := newBed(t)
	nodes := []*Authenticator{b.Authenticator, b.node(b.kv)}
	p := presented(b.ec.Sign(t, "", b.claims()))
	var wins, refusals atomic.Int32
	var wait sync.WaitGroup
	for i := range 100 {
		wait.Go(func() {
			_, err := nodes[i%2].Authenticate(context.WithoutCancel(t.Context()), p)
			switch {
			case err == nil:
				wins.Add(1)
			case fault.Is(err, fault.Denied):
				refusals.Add(1)
			}
		})
	}
	wait.Wait()
	if wins.Load() != 1 || refusals.Load() != 99 {
		t.Errorf("%d winners, %d refused", wins.Load(), refusals.Load())
	}
}

// The single use lasts as long as any node could still take the assertion.
func TestCA3ReplayUntilTheLastSecond(t *testing.T) {
	b := newBed(t)
	p := presented(b.ec.Sign(t, "", b.claims("exp", b.clock.Now().Unix()+600)))
	if _, err := b.show(p); err != nil {
		t.Fatal(err)
	}
	for range 70 {
		b.clock.Advance(10 * time.Second)
		if _, err := b.show(p); !fault.Is(err, fault.Denied) {
			t.Fatalf("at %v: %v", b.clock.Now(), err)
		}
	}
}

// Two clients may use the same identifier: it belongs to each alone.
func TestCA3SameIdentifierOfTwoClients(t *testing.T) {
	b := newBed(t)
	for _, id := range []string{"signs", "twin"} {
		if _, err := b.show(presented(b.ec.Sign(t, "", b.claims("iss", id, "sub", id, "jti", "1")))); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// deadKV confirms nothing.
type deadKV struct{ store.KV }

func (deadKV) Put(context.Context, string, []byte, time.Duration) error {
	return fault.New(fault.Unavailable, "", "the store is gone")
}

func TestD3AssertionIsRefusedWhileTheStoreCannotConfirm(t *testing.T) {
	b := newBed(t)
	p := presented(b.ec.Sign(t, "", b.claims()))
	if _, err := b.node(deadKV{}).Authenticate(t.Context(), p); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	if _, err := b.show(p); err != nil {
		t.Errorf("nothing was used up: %v", err)
	}
}
