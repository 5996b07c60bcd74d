package signing_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/signing"
)

func mustRefresh(t *testing.T, k *signing.Keys) string {
	t.Helper()
	token, err := k.SignRefresh([]byte(`{"typ":"Refresh"}`))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// hmacWith signs with a secret the way an attacker would.
func hmacWith(t *testing.T, secret []byte, h map[string]any) string {
	t.Helper()
	opts := (&jose.SignerOptions{}).WithType("JWT")
	for name, v := range h {
		opts.WithHeader(jose.HeaderKey(name), v)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, opts)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign([]byte(`{"sub":"attacker"}`))
	if err != nil {
		t.Fatal(err)
	}
	token, _ := jws.CompactSerialize()
	return token
}

func foreign(t *testing.T, h map[string]any, embed bool) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	opts := (&jose.SignerOptions{EmbedJWK: embed}).WithType("JWT")
	for name, v := range h {
		opts.WithHeader(jose.HeaderKey(name), v)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign([]byte(`{"sub":"attacker"}`))
	if err != nil {
		t.Fatal(err)
	}
	token, _ := jws.CompactSerialize()
	return token
}

func TestTK14ForgedTokensAreRefused(t *testing.T) {
	k := open(t, folder(t), clock.NewManual(day), jose.ES256, jose.EdDSA)
	good := mustSign(t, k, jose.ES256)
	parts := strings.Split(good, ".")
	kid := header(t, good)["kid"]
	pub := published(t, k).Key(kid.(string))[0]
	der, err := x509.MarshalPKIXPublicKey(pub.Key)
	if err != nil {
		t.Fatal(err)
	}
	pubPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	pubJWK, _ := pub.MarshalJSON()
	with := func(h map[string]any) string {
		return b64(h) + "." + parts[1] + "." + parts[2]
	}
	base := func(name string, v any) map[string]any {
		return map[string]any{"alg": "ES256", "typ": "JWT", "kid": kid, name: v}
	}
	attacks := map[string]string{
		"alg none, no signature":              b64(map[string]any{"alg": "none", "typ": "JWT", "kid": kid}) + "." + parts[1] + ".",
		"alg none, old signature":             with(map[string]any{"alg": "none", "typ": "JWT", "kid": kid}),
		"alg NoNe":                            b64(map[string]any{"alg": "NoNe", "typ": "JWT", "kid": kid}) + "." + parts[1] + ".",
		"HS256 with the public key as PEM":    hmacWith(t, pubPEM, map[string]any{"kid": kid}),
		"HS256 with the public key as DER":    hmacWith(t, der, map[string]any{"kid": kid}),
		"HS256 with the public key as JWK":    hmacWith(t, pubJWK, map[string]any{"kid": kid}),
		"another algorithm of ours":           with(map[string]any{"alg": "EdDSA", "typ": "JWT", "kid": kid}),
		"unknown crit":                        with(base("crit", []string{"b64"})),
		"unencoded payload (b64 false)":       with(base("b64", false)),
		"embedded jwk":                        foreign(t, nil, true),
		"embedded jwk under our kid":          foreign(t, map[string]any{"kid": kid}, true),
		"jku":                                 foreign(t, map[string]any{"kid": kid, "jku": "https://attacker.example/jwks"}, false),
		"x5u":                                 foreign(t, map[string]any{"kid": kid, "x5u": "https://attacker.example/cert"}, false),
		"x5c":                                 with(base("x5c", []string{"MIIB"})),
		"foreign key under our kid":           foreign(t, map[string]any{"kid": kid}, false),
		"kid as a path":                       foreign(t, map[string]any{"kid": "../../dev/null"}, false),
		"kid empty":                           with(map[string]any{"alg": "ES256", "typ": "JWT", "kid": ""}),
		"no kid":                              with(map[string]any{"alg": "ES256", "typ": "JWT"}),
		"payload changed":                     parts[0] + "." + b64(map[string]any{"sub": "y"}) + "." + parts[2],
		"signature cut":                       parts[0] + "." + parts[1] + "." + parts[2][:40],
		"signature of zeros (CVE-2022-21449)": parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)),
		"four parts":                          good + ".x",
		"five parts (a JWE)":                  good + ".x.y",
		"two parts":                           parts[0] + "." + parts[1],
		"a hundred thousand dots":             strings.Repeat(".", 100000),
		"oversize":                            parts[0] + "." + strings.Repeat("A", 1<<20) + "." + parts[2],
		"JSON serialisation":                  `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"header with a second document":       b64([]byte(`{"alg":"ES256","typ":"JWT","kid":"`+kid.(string)+`"}{}`)) + "." + parts[1] + "." + parts[2],
		"padded base64":                       parts[0] + "=." + parts[1] + "." + parts[2],
		"line break inside":                   parts[0] + ".\n" + parts[1] + "." + parts[2],
		"empty":                               "",
		"refresh token":                       mustRefresh(t, k),
	}
	for name, token := range attacks {
		if payload, err := k.Verify(token); !fault.Is(err, fault.Invalid) || payload != nil {
			t.Errorf("%s: %q, %v", name, payload, err)
		}
		if payload, err := k.OpenRefresh(token); name != "refresh token" && (!fault.Is(err, fault.Invalid) || payload != nil) {
			t.Errorf("%s, as a refresh token: %q, %v", name, payload, err)
		}
	}
	if _, err := k.Verify(good); err != nil {
		t.Errorf("the good token: %v", err)
	}
}

func TestTokenOfAnotherKindIsRefused(t *testing.T) {
	k := open(t, folder(t), clock.NewManual(day))
	logout, err := k.Sign(jose.ES256, "logout+jwt", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Verify(logout); err == nil {
		t.Error("a logout token passed for an ID token")
	}
	if _, err := k.Verify(mustSign(t, k, jose.ES256), "at+jwt"); err == nil {
		t.Error("an ID token passed for an access token")
	}
	if _, err := k.Verify(logout, "logout+jwt"); err != nil {
		t.Error(err)
	}
}

func TestRefreshTokenOfOthersIsRefused(t *testing.T) {
	k, stranger := open(t, folder(t), clock.NewManual(day)), open(t, folder(t), clock.NewManual(day))
	good := mustRefresh(t, k)
	parts, kid := strings.Split(good, "."), header(t, good)["kid"]
	if h := header(t, good); h["alg"] != "HS256" || h["typ"] != "JWT" || len(h) != 3 {
		t.Errorf("header of a refresh token: %v", h)
	}
	last := parts[2][len(parts[2])-1]
	second := string(last + 1) // the stray bits of the last character: same bytes, another spelling
	attacks := map[string]string{
		"another server's":          mustRefresh(t, stranger),
		"another server's, our kid": b64(header(t, good)) + "." + parts[1] + "." + strings.Split(mustRefresh(t, stranger), ".")[2],
		"HS512":                     b64(map[string]any{"alg": "HS512", "typ": "JWT", "kid": kid}) + "." + parts[1] + "." + parts[2],
		"none":                      b64(map[string]any{"alg": "none", "typ": "JWT", "kid": kid}) + "." + parts[1] + ".",
		"another typ":               b64(map[string]any{"alg": "HS256", "typ": "at+jwt", "kid": kid}) + "." + parts[1] + "." + parts[2],
		"changed":                   parts[0] + "." + b64([]byte(`{"typ":"Refresx"}`)) + "." + parts[2],
		"second spelling":           parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])-1] + second,
		"signed by a published key": mustSign(t, k, jose.ES256),
		"HMAC with an empty secret": hmacWith(t, make([]byte, 32), map[string]any{"kid": kid}),
		"unknown key":               hmacWith(t, make([]byte, 32), map[string]any{"kid": "AAAAAAAAAAAAAAAA"}),
	}
	for name, token := range attacks {
		if payload, err := k.OpenRefresh(token); !fault.Is(err, fault.Invalid) || payload != nil {
			t.Errorf("%s: %q, %v", name, payload, err)
		}
	}
	if payload, err := k.OpenRefresh(good); err != nil || string(payload) != `{"typ":"Refresh"}` {
		t.Errorf("the good one: %q, %v", payload, err)
	}
}

func TestUnknownAlgorithmSignsNothing(t *testing.T) {
	k := open(t, folder(t), clock.NewManual(day))
	for _, alg := range []jose.SignatureAlgorithm{"none", "", jose.HS256, jose.RS512} {
		if _, err := k.Sign(alg, "JWT", []byte(`{}`)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", alg, err)
		}
	}
	if _, err := k.Rotate(t.Context(), jose.RS512, 0); !fault.Is(err, fault.Invalid) {
		t.Errorf("rotation of an algorithm without keys: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	k, err := signing.Open(f.Context(), signing.Options{Dir: f.TempDir() + "/keys", Algorithms: []jose.SignatureAlgorithm{jose.ES256}})
	if err != nil {
		f.Fatal(err)
	}
	good, err := k.Sign(jose.ES256, "JWT", []byte(`{"sub":"x"}`))
	if err != nil {
		f.Fatal(err)
	}
	refresh, err := k.SignRefresh([]byte(`{}`))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{good, refresh, "", "..", "a.b.c", good + ".", good[:len(good)-1]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if payload, err := k.Verify(token); err == nil && token != good && string(payload) != `{"sub":"x"}` {
			t.Errorf("forged: %q", token)
		}
		if _, err := k.OpenRefresh(token); err == nil && token != refresh {
			t.Errorf("forged: %q", token)
		}
	})
}
