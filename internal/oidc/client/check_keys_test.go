package client

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/jwt/jwttest"
)

func TestCA7KeysAtRegistration(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	a, b := jwttest.New(t, jose.ES256, "a"), jwttest.New(t, jose.EdDSA, "b")
	nameless := jwttest.New(t, jose.ES256, "")
	set := func(keys ...jose.JSONWebKey) *jose.JSONWebKeySet { return &jose.JSONWebKeySet{Keys: keys} }
	var many []jose.JSONWebKey
	for i := range maxKeys + 1 {
		many = append(many, jwttest.Of(jose.ES256, strings.Repeat("k", i+1), a.Signer).Public)
	}
	for _, c := range []struct {
		name   string
		change func(*Client)
		path   string // of the fault; empty: good
	}{
		{"jwks", func(c *Client) { c.Keys.Set = jwttest.Set(a, b) }, ""},
		{"one key without a kid", func(c *Client) { c.Keys.Set = jwttest.Set(nameless) }, ""},
		{"jwks_uri", func(c *Client) { c.Keys.URI = "https://a.invalid/jwks" }, ""},
		{"jwks_uri on loopback", func(c *Client) { c.Keys.URI = "http://127.0.0.1:9999/jwks" }, ""},
		{"alg PS256", func(c *Client) { c.Keys.Set, c.Keys.AssertionAlg = jwttest.Set(a), jose.PS256 }, ""},
		{"no keys", func(*Client) {}, "jwks"},
		{"both", func(c *Client) { c.Keys.Set, c.Keys.URI = jwttest.Set(a), "https://a.invalid/jwks" }, "jwks_uri"},
		{"an empty set", func(c *Client) { c.Keys.Set = set() }, "jwks"},
		{"too many", func(c *Client) { c.Keys.Set = set(many...) }, "jwks"},
		{"the same kid twice", func(c *Client) { c.Keys.Set = jwttest.Set(a, a) }, "jwks.keys[1]"},
		{"no kid among several", func(c *Client) { c.Keys.Set = jwttest.Set(a, nameless) }, "jwks.keys[1]"},
		{"a kid without end", func(c *Client) { c.Keys.Set = jwttest.Set(jwttest.Of(jose.ES256, strings.Repeat("k", 201), a.Signer)) }, "jwks.keys[0]"},
		{"a private key", func(c *Client) { c.Keys.Set = set(jose.JSONWebKey{Key: a.Signer, KeyID: "a"}) }, "jwks.keys[0]"},
		{"a shared secret", func(c *Client) { c.Keys.Set = set(jose.JSONWebKey{Key: []byte("secret"), KeyID: "a"}) }, "jwks.keys[0]"},
		{"a weak key", func(c *Client) { c.Keys.Set = jwttest.Set(jwttest.Of(jose.RS256, "w", weak)) }, "jwks.keys[0]"},
		{"http", func(c *Client) { c.Keys.URI = "http://a.invalid/jwks" }, "jwks_uri"},
		{"a user in the address", func(c *Client) { c.Keys.URI = "https://u:p@a.invalid/jwks" }, "jwks_uri"},
		{"a fragment", func(c *Client) { c.Keys.URI = "https://a.invalid/jwks#x" }, "jwks_uri"},
		{"metadata of a cloud", func(c *Client) { c.Keys.URI = "https://169.254.169.254/" }, "jwks_uri"},
		{"a file", func(c *Client) { c.Keys.URI = "file:///etc/passwd" }, "jwks_uri"},
		{"HMAC", func(c *Client) { c.Keys.Set, c.Keys.AssertionAlg = jwttest.Set(a), jose.HS256 }, "token_endpoint_auth_signing_alg"},
		{"none", func(c *Client) { c.Keys.Set, c.Keys.AssertionAlg = jwttest.Set(a), "none" }, "token_endpoint_auth_signing_alg"},
		{"a secret too", func(c *Client) { c.Keys.Set, c.SecretHashes = jwttest.Set(a), []string{HashSecret("s")} }, "secret_sha256"},
		{"algorithm of another method", func(c *Client) {
			c.Keys.Set, c.AuthMethod, c.SecretHashes, c.Keys.AssertionAlg = jwttest.Set(a), AuthBasic, []string{HashSecret("s")}, jose.ES256
		}, "token_endpoint_auth_signing_alg"},
		{"object algorithm none", func(c *Client) { c.Keys.Set, c.Requests.ObjectAlg = jwttest.Set(a), "none" }, "request_object_signing_alg"},
		{"request_uri by http", func(c *Client) { c.Keys.Set, c.Requests.URIs = jwttest.Set(a), []string{"http://a.invalid/r"} }, "request_uris[0]"},
		{"request_uri twice", func(c *Client) {
			c.Keys.Set, c.Requests.URIs = jwttest.Set(a), []string{"https://a.invalid/r", "https://a.invalid/r"}
		}, "request_uris[1]"},
	} {
		client := Client{ID: "a", Name: "A", Profile: ProfileOIDC, AuthMethod: AuthPrivateKeyJWT, RedirectURIs: []string{"https://a.invalid/cb"}}
		c.change(&client)
		client.fillDefaults()
		faults := client.Check()
		if c.path == "" && len(faults) > 0 || c.path != "" && (len(faults) != 1 || faults[0].Path != c.path) {
			t.Errorf("%s: %v", c.name, faults)
		}
	}
	plain := Client{ID: "a", Name: "A", Profile: ProfileOIDC, SecretHashes: []string{HashSecret("s")}, RedirectURIs: []string{"https://a.invalid/cb"},
		Requests: Requests{ObjectAlg: jose.ES256, MustSign: true, URIs: []string{"https://a.invalid/r"}}}
	plain.fillDefaults()
	if faults := plain.Check(); len(faults) != 3 {
		t.Errorf("request objects without keys: %v", faults)
	}
}

// The file says keys as JSON or as YAML, and the fault says where.
func TestCA7KeysInAFile(t *testing.T) {
	key, err := json.Marshal(jwttest.New(t, jose.ES256, "a").Public)
	if err != nil {
		t.Fatal(err)
	}
	file := func(jwks string) string {
		return "id: a\nname: A\nprofile: oidc\nauth_method: private_key_jwt\nredirect_uris: [https://a.invalid/cb]\njwks: " + jwks + "\n"
	}
	c, faults := Parse("f.yaml", []byte(file(`{"keys":[`+string(key)+`]}`)))
	if len(faults) > 0 || len(c.Keys.Set.Keys) != 1 || c.Keys.Set.Keys[0].KeyID != "a" {
		t.Fatalf("%v %+v", faults, c)
	}
	for _, jwks := range []string{`{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}`, `{"keys":[{"kty":"?"}]}`, `[]`, `a`, `{}`} {
		if _, faults := Parse("f.yaml", []byte(file(jwks))); len(faults) != 1 || faults[0].Line != 6 {
			t.Errorf("%s: %v", jwks, faults)
		}
	}
}
