package cps

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// provider signs as signing.Keys does.
type provider struct {
	key crypto.Signer
	kid string
}

func newProvider(t testing.TB) provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return provider{key, "k1"}
}

func (p provider) Sign(alg jose.SignatureAlgorithm, typ string, payload []byte) (string, error) {
	return p.signWith(alg, payload, map[jose.HeaderKey]any{jose.HeaderType: typ, "kid": p.kid})
}

func (p provider) signWith(alg jose.SignatureAlgorithm, payload []byte, headers map[jose.HeaderKey]any) (string, error) {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: p.key}, &jose.SignerOptions{ExtraHeaders: headers})
	if err != nil {
		return "", err
	}
	jws, err := s.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

func (p provider) pinned() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: p.kid, Algorithm: "ES256", Use: "sig"}}}
}

func mustMarshal(t testing.TB, c Challenge) []byte {
	t.Helper()
	payload, err := json.Marshal(c)
	must(t, err)
	return payload
}

func challenge(t testing.TB) Challenge {
	t.Helper()
	c, err := NewChallenge(rand.Reader, noon, origin, "txn", "DMP")
	must(t, err)
	return c
}

func TestChallengeTravels(t *testing.T) {
	p, c := newProvider(t), challenge(t)
	token, err := c.Sign(p)
	must(t, err)
	for _, now := range []time.Time{noon.Add(-Skew), noon, noon.Add(ChallengeLife + Skew)} {
		got, err := OpenChallenge(token, p.pinned(), now)
		must(t, err)
		if got != c {
			t.Fatalf("got %+v, want %+v", got, c)
		}
	}
	if other := challenge(t); other.ID == c.ID || other.Nonce == c.Nonce || other.Removal == c.Removal {
		t.Fatal("two challenges share a secret")
	}
}

func TestChallengeExpires(t *testing.T) {
	p := newProvider(t)
	token, err := challenge(t).Sign(p)
	must(t, err)
	_, err = OpenChallenge(token, p.pinned(), noon.Add(ChallengeLife+Skew+time.Second))
	if !fault.Is(err, fault.Expired) || fault.CodeOf(err) != CodeChallengeExpired {
		t.Fatal(err)
	}
}

func TestNoRandomnessNoChallenge(t *testing.T) {
	if _, err := NewChallenge(io.LimitReader(rand.Reader, 79), noon, origin, "txn", "DMP"); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
}

// Claims that a provider would not make, though its key has signed them.
func TestChallengeClaims(t *testing.T) {
	p := newProvider(t)
	for name, alter := range map[string]func(*Challenge){
		"for somebody else":          func(c *Challenge) { c.Audience = "egide" },
		"of tomorrow":                func(c *Challenge) { c.IssuedAt, c.Expires = c.IssuedAt+86400, c.Expires+86400 },
		"long-lived":                 func(c *Challenge) { c.Expires++ },
		"ending before it began":     func(c *Challenge) { c.Expires = c.IssuedAt - 3600 },
		"short jti":                  func(c *Challenge) { c.ID = c.ID[:20] },
		"jti spelled otherwise":      func(c *Challenge) { c.ID = c.ID[:21] + "_" },
		"jti with a line":            func(c *Challenge) { c.ID = c.ID[:11] + "\n" + c.ID[11:] },
		"short nonce":                func(c *Challenge) { c.Nonce = c.ID },
		"no nonce":                   func(c *Challenge) { c.Nonce = "" },
		"short removal secret":       func(c *Challenge) { c.Removal = c.ID },
		"issuer that is no origin":   func(c *Challenge) { c.Issuer = origin + "/" },
		"nobody asks":                func(c *Challenge) { c.ClientName = "" },
		"a name that fills a window": func(c *Challenge) { c.ClientName = strings.Repeat("A", 201) },
		"a name that repaints it":    func(c *Challenge) { c.ClientName = "\x1b[2JDMP" },
		"a name of two lines":        func(c *Challenge) { c.ClientName = "DMP\nAutre service" },
		"a name that runs backwards": func(c *Challenge) { c.ClientName = "\u202ePMD" },
		"endless transaction":        func(c *Challenge) { c.Txn = strings.Repeat("A", 201) },
		"endless acr":                func(c *Challenge) { c.ACR = strings.Repeat("A", 201) },
	} {
		t.Run(name, func(t *testing.T) {
			c := challenge(t)
			alter(&c)
			token, err := c.Sign(p)
			must(t, err)
			_, err = OpenChallenge(token, p.pinned(), noon)
			if code := fault.CodeOf(err); code != CodeChallengeInvalid && (c.Expires > c.IssuedAt || code != CodeChallengeExpired) {
				t.Fatal(err)
			}
		})
	}
}

// Tokens that nobody pinned has signed as a challenge (RFC 8725).
func TestChallengeForgeries(t *testing.T) {
	p, thief := newProvider(t), newProvider(t)
	c := challenge(t)
	payload := mustMarshal(t, c)
	good, err := c.Sign(p)
	must(t, err)
	parts := strings.Split(good, ".")
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	made := func(by provider, payload []byte, headers map[jose.HeaderKey]any) string {
		token, err := by.signWith(jose.ES256, payload, headers)
		must(t, err)
		return token
	}
	usual := map[jose.HeaderKey]any{jose.HeaderType: TypChallenge, "kid": p.kid}
	plus := func(k jose.HeaderKey, v any) map[jose.HeaderKey]any {
		return map[jose.HeaderKey]any{jose.HeaderType: TypChallenge, "kid": p.kid, k: v}
	}
	mac, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: bytes.Repeat([]byte{1}, 32)}, &jose.SignerOptions{ExtraHeaders: usual})
	must(t, err)
	hs, err := mac.Sign(payload)
	must(t, err)
	symmetric, err := hs.CompactSerialize()
	must(t, err)
	for name, token := range map[string]string{
		"signed by a thief":          made(thief, payload, usual),
		"key of the thief inside":    made(thief, payload, plus("jwk", jose.JSONWebKey{Key: thief.key.Public()})),
		"address of a key inside":    made(p, payload, plus("jku", "https://thief.example")),
		"unknown key":                made(p, payload, map[jose.HeaderKey]any{jose.HeaderType: TypChallenge, "kid": "k2"}),
		"no key named":               made(p, payload, map[jose.HeaderKey]any{jose.HeaderType: TypChallenge}),
		"an ID token":                made(p, payload, map[jose.HeaderKey]any{jose.HeaderType: "JWT", "kid": p.kid}),
		"no type":                    made(p, payload, map[jose.HeaderKey]any{"kid": p.kid}),
		"unknown claim":              made(p, append([]byte(`{"hash":"00",`), payload[1:]...), usual),
		"something after the claims": made(p, append(bytes.Clone(payload), '1'), usual),
		"claims that are a list":     made(p, []byte(`[]`), usual),
		"alg none":                   encode(`{"alg":"none","typ":"cps-challenge+jwt","kid":"k1"}`) + "." + parts[1] + ".",
		"alg HS256":                  symmetric,
		"other claims, same signature": parts[0] + "." + encode(strings.Replace(string(payload), "DMP", "dmp", 1)) +
			"." + parts[2],
		"no signature":            parts[0] + "." + parts[1] + ".",
		"two parts":               parts[0] + "." + parts[1],
		"five parts":              good + ".a.b",
		"a line inside":           parts[0] + ".\n" + parts[1] + "." + parts[2],
		"padding":                 parts[0] + "=." + parts[1] + "." + parts[2],
		"longer than any":         parts[0] + "." + strings.Repeat("A", maxToken) + "." + parts[2],
		"JSON form of JWS":        `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"longer than any, signed": made(p, append(bytes.Clone(payload), bytes.Repeat([]byte(" "), maxToken)...), usual),
		"nothing":                 "",
		"header not JSON":         encode("alg") + "." + parts[1] + "." + parts[2],
		"signature changed":       good[:len(good)-4] + "AAAA",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenChallenge(token, p.pinned(), noon)
			if !fault.Is(err, fault.Invalid) || fault.CodeOf(err) != CodeChallengeInvalid {
				t.Fatal(err)
			}
		})
	}
}

// A key pinned for one algorithm serves no other, and a private one none.
func TestPinnedKeysServeOneAlgorithm(t *testing.T) {
	p := newProvider(t)
	token, err := challenge(t).Sign(p)
	must(t, err)
	nameless, err := p.signWith(jose.ES256, mustMarshal(t, challenge(t)), map[jose.HeaderKey]any{jose.HeaderType: TypChallenge})
	must(t, err)
	if _, err := OpenChallenge(nameless, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public()}}}, noon); fault.CodeOf(err) != CodeChallengeInvalid {
		t.Errorf("no key named, by a key without a name: %v", err)
	}
	for name, key := range map[string]jose.JSONWebKey{
		"another algorithm": {Key: p.key.Public(), KeyID: p.kid, Algorithm: "PS256"},
		"a private key":     {Key: p.key, KeyID: p.kid, Algorithm: "ES256"},
	} {
		if _, err := OpenChallenge(token, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}}, noon); fault.CodeOf(err) != CodeChallengeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	rsaProvider := provider{keys().other, "r1"}
	payload := mustMarshal(t, challenge(t))
	ps, err := rsaProvider.Sign(jose.PS256, TypChallenge, payload)
	must(t, err)
	rs, err := rsaProvider.Sign(jose.RS256, TypChallenge, payload)
	must(t, err)
	pinned := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: rsaProvider.key.Public(), KeyID: "r1"}}}
	if _, err := OpenChallenge(ps, pinned, noon); err != nil {
		t.Errorf("PS256: %v", err)
	}
	if _, err := OpenChallenge(rs, pinned, noon); fault.CodeOf(err) != CodeChallengeInvalid {
		t.Errorf("RS256: %v", err)
	}
}

func TestIsOrigin(t *testing.T) {
	for _, s := range []string{"https://idp.example", "https://idp.example:8443", "http://127.0.0.1:8080", "http://[::1]:8080", "https://xn--gide-9oa.example"} {
		if !IsOrigin(s) {
			t.Errorf("%q is an origin", s)
		}
	}
	for _, s := range []string{
		"", "null", "*", "idp.example", "https://", "https:///", "https://:8443", "https://idp.example/", "https://idp.example:443", "http://idp.example:80",
		"https://idp.example:", "https://IDP.example", "HTTPS://idp.example", "https://user@idp.example", "https://idp.example?", "https://idp.example#",
		"https://égide.example", "ftp://idp.example", "file://idp.example", "https://idp.example https://other.example", "https:idp.example", " https://idp.example",
	} {
		if IsOrigin(s) {
			t.Errorf("%q is no origin", s)
		}
	}
}
