package jwt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/jwt"
	"github.com/egide-id/egide/internal/platform/jwt/jwttest"
)

var all = []jose.SignatureAlgorithm{jose.PS256, jose.ES256, jose.EdDSA, jose.RS256}

func read(token string, keys []jose.JSONWebKey, allowed ...jose.SignatureAlgorithm) (jwt.Claims, error) {
	parsed, err := jwt.Parse(token)
	if err != nil {
		return nil, err
	}
	if len(allowed) == 0 {
		allowed = all
	}
	return parsed.Verify(keys, allowed)
}

func TestTK14GoodTokensOfEachAlgorithm(t *testing.T) {
	for _, alg := range all {
		p := jwttest.New(t, alg, "k")
		for _, header := range []any{map[string]any{"alg": alg, "kid": "k", "typ": "JWT"}, map[string]any{"alg": alg, "x5t": "a", "cty": "json"}} {
			c, err := read(p.SignRaw(t, header, map[string]any{"iss": "a", "exp": 1.5e9}), []jose.JSONWebKey{p.Public})
			if err != nil {
				t.Errorf("%s: %v", alg, err)
				continue
			}
			if iss, err := c.Text("iss"); iss != "a" || err != nil {
				t.Errorf("%s: iss %q, %v", alg, iss, err)
			}
		}
	}
}

// TestTK14ForgedAndHostileTokens: every attack of RFC 8725 2 and of the known
// weaknesses of JWT libraries, against one registered key.
func TestTK14ForgedAndHostileTokens(t *testing.T) {
	ours, other, rs := jwttest.New(t, jose.ES256, "k"), jwttest.New(t, jose.ES256, "k"), jwttest.New(t, jose.RS256, "r")
	b64 := func(v any) string { return jwttest.Encode(t, v) }
	keys := []jose.JSONWebKey{ours.Public, rs.Public}
	claims := map[string]any{"iss": "client"}
	head := func(more ...any) map[string]any {
		h := map[string]any{"alg": "ES256", "kid": "k"}
		for i := 0; i+1 < len(more); i += 2 {
			h[more[i].(string)] = more[i+1]
		}
		return h
	}
	good := ours.SignRaw(t, head(), claims)
	parts := strings.Split(good, ".")
	der, err := x509.MarshalPKIXPublicKey(rs.Public.Key)
	if err != nil {
		t.Fatal(err)
	}
	public, _ := rs.Public.MarshalJSON()
	private, _ := jose.JSONWebKey{Key: other.Signer}.MarshalJSON()
	hs := func(secret []byte) string {
		input := b64(map[string]any{"alg": "HS256", "kid": "r"}) + "." + b64(claims)
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	signed := func(header any) string { return ours.SignRaw(t, header, claims) }
	paid := func(payload string) string { return ours.SignRaw(t, head(), payload) }
	attacks := map[string]string{
		"alg none":                            b64(head("alg", "none")) + "." + parts[1] + ".",
		"alg none with the old signature":     b64(head("alg", "none")) + "." + parts[1] + "." + parts[2],
		"alg nOnE":                            b64(head("alg", "nOnE")) + "." + parts[1] + ".",
		"alg empty":                           signed(head("alg", "")),
		"alg missing":                         signed(map[string]any{"kid": "k"}),
		"alg no text":                         signed(head("alg", []string{"ES256"})),
		"alg null":                            signed(head("alg", nil)),
		"alg in lower case":                   signed(head("alg", "es256")),
		"Alg beside alg":                      signed(map[string]any{"Alg": "ES256", "kid": "k"}),
		"ES384 by name":                       signed(head("alg", "ES384")),
		"EdDSA by name on an EC key":          signed(head("alg", "EdDSA")),
		"RS256 by name on an EC key":          signed(head("alg", "RS256")),
		"HMAC with the public key as DER":     hs(der),
		"HMAC with the public key as PEM":     hs(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"HMAC with the public key as JWK":     hs(public),
		"HMAC with the modulus":               hs(rs.Public.Key.(*rsa.PublicKey).N.Bytes()),
		"unknown crit":                        signed(head("crit", []string{"exp"})),
		"empty crit":                          signed(head("crit", []string{})),
		"b64 false":                           signed(head("b64", false, "crit", []string{"b64"})),
		"b64 false without crit":              signed(head("b64", false)),
		"embedded jwk of the attacker":        other.SignRaw(t, head("jwk", other.Public), claims),
		"embedded private jwk":                other.SignRaw(t, head("jwk", json.RawMessage(private)), claims),
		"jku of the attacker":                 other.SignRaw(t, head("jku", "https://attacker.example/jwks"), claims),
		"x5u of the attacker":                 other.SignRaw(t, head("x5u", "https://attacker.example/c"), claims),
		"x5c of the attacker":                 other.SignRaw(t, head("x5c", []string{"MIIB"}), claims),
		"key of another under our kid":        other.SignRaw(t, head(), claims),
		"kid unknown":                         signed(head("kid", "other")),
		"kid as a path":                       signed(head("kid", "../../../dev/null")),
		"kid no text":                         signed(head("kid", 1)),
		"kid empty, two keys for it":          "", // filled below
		"typ no text":                         signed(head("typ", map[string]any{})),
		"alg twice in the header":             signed(`{"alg":"none","alg":"ES256","kid":"k"}`),
		"alg twice, once escaped":             signed(`{"\u0061lg":"none","alg":"ES256","kid":"k"}`),
		"claim twice":                         paid(`{"iss":"client","iss":"victim"}`),
		"claim twice, once escaped":           paid(`{"iss":"client","\u0069ss":"victim"}`),
		"claim twice, deep":                   paid(`{"a":[{"b":1,"b":2}]}`),
		"header nested too deep":              signed(`{"alg":"ES256","kid":"k","x":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`),
		"claims nested too deep":              paid(`{"a":` + strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20) + `}`),
		"claims nested ten thousand deep":     paid(strings.Repeat("[", 10000)),
		"header too long":                     signed(head("x", strings.Repeat("a", 3000))),
		"header with something behind":        signed(`{"alg":"ES256","kid":"k"}{}`),
		"claims with something behind":        paid(`{"iss":"client"} x`),
		"claims that are an array":            paid(`["iss"]`),
		"claims that are a text":              paid(`"iss"`),
		"claims that are null":                paid(`null`),
		"claims empty":                        paid(``),
		"claims cut off":                      paid(`{"iss":"client"`),
		"claims not UTF-8":                    paid("{\"iss\":\"\xff\"}"),
		"claims with a byte order mark":       paid("\ufeff" + `{"iss":"client"}`),
		"payload changed":                     parts[0] + "." + b64(map[string]any{"iss": "victim"}) + "." + parts[2],
		"signature cut":                       parts[0] + "." + parts[1] + "." + parts[2][:40],
		"signature empty":                     parts[0] + "." + parts[1] + ".",
		"signature of zeros (CVE-2022-21449)": parts[0] + "." + parts[1] + "." + b64(string(make([]byte, 64))),
		"signature in DER":                    parts[0] + "." + parts[1] + "." + b64("\x30\x06\x02\x01\x01\x02\x01\x01"),
		"padded base64":                       parts[0] + "=." + parts[1] + "." + parts[2],
		"standard base64":                     parts[0] + "." + parts[1] + "." + strings.ReplaceAll(parts[2]+"+/", "-", "+"),
		"line break inside":                   parts[0] + ".\n" + parts[1] + "." + parts[2],
		"space before":                        " " + good,
		"trailing bits in the signature":      good[:len(good)-1] + trailing(good),
		"four parts":                          good + ".x",
		"two parts":                           parts[0] + "." + parts[1],
		"no part":                             "",
		"a hundred thousand dots":             strings.Repeat(".", 100000),
		"oversize":                            parts[0] + "." + strings.Repeat("A", 1<<20) + "." + parts[2],
		"JSON serialisation":                  `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"JWE":                                 b64(map[string]any{"alg": "RSA-OAEP", "enc": "A256GCM"}) + ".a.a.a.a",
		"compressed JWE (zip bomb)":           b64(map[string]any{"alg": "dir", "enc": "A256GCM", "zip": "DEF"}) + "..a.a.a",
		"JWE with PBES2 and endless rounds":   b64(map[string]any{"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": 1 << 31}) + ".a.a.a.a",
		"PBES2 rounds in a JWS":               signed(head("p2c", 1<<31, "p2s", "a")),
		"zip in a JWS":                        signed(head("zip", "DEF")),
	}
	attacks["oversize, and well signed"] = signedLong(t, ours)
	attacks["kid empty, two keys for it"] = ours.SignRaw(t, map[string]any{"alg": "ES256"}, claims)
	keys = append(keys, jwttest.New(t, jose.ES256, "second").Public)
	for name, token := range attacks {
		if c, err := read(token, keys); err == nil || c != nil {
			t.Errorf("%s: accepted, %v", name, c)
		} else if k := fault.KindOf(err); k != fault.Invalid && k != fault.Denied && k != fault.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := read(good, keys); err != nil {
		t.Errorf("the good token: %v", err)
	}
	for name, allowed := range map[string][]jose.SignatureAlgorithm{"another": {jose.PS256}, "none": {}} {
		if parsed, err := jwt.Parse(good); err != nil {
			t.Error(err)
		} else if _, err := parsed.Verify(keys, allowed); !fault.Is(err, fault.Denied) {
			t.Errorf("%s algorithm allowed: %v", name, err)
		}
	}
}

// signedLong is good but for its length.
func signedLong(t *testing.T, key jwttest.Key) string {
	return key.Sign(t, "", map[string]any{"iss": "client", "pad": strings.Repeat("p", jwt.MaxToken)})
}

// trailing gives a last character that decodes to the same bytes for a careless
// decoder: a second spelling of the same token.
func trailing(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, token[len(token)-1])^1])
}

// A downgrade: the same RSA key verifies PS256 and RS256, and whoever registered
// PS256 is held to it.
func TestTK14AlgorithmDowngradeFromPS256(t *testing.T) {
	p := jwttest.New(t, jose.RS256, "k")
	token := p.SignRaw(t, map[string]any{"alg": "RS256", "kid": "k"}, map[string]any{})
	if _, err := read(token, []jose.JSONWebKey{p.Public}, jose.PS256); err == nil {
		t.Error("policy PS256 took RS256")
	}
	bound := p.Public
	bound.Algorithm = "PS256"
	if _, err := read(token, []jose.JSONWebKey{bound}); err == nil {
		t.Error("a key for PS256 verified RS256")
	}
	lying := p.SignRaw(t, map[string]any{"alg": "PS256", "kid": "k"}, map[string]any{})
	if _, err := read(lying, []jose.JSONWebKey{p.Public}); err == nil {
		t.Error("a PKCS #1 signature passed for PSS")
	}
}

func TestTK14KeysThatMustNotVerify(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GODEBUG", "rsa1024min=0")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak := jwttest.Of(jose.RS256, "k", small)
	good := jwttest.New(t, jose.ES256, "k")
	enc := good.Public
	enc.Use = "enc"
	named := good.Public
	named.Algorithm = "ECDH-ES"
	for name, c := range map[string]struct {
		key jose.JSONWebKey
		alg jose.SignatureAlgorithm
	}{
		"RSA of 1024 bits":           {weak.Public, jose.PS256},
		"P-384 for ES256":            {jose.JSONWebKey{Key: p384.Public()}, jose.ES256},
		"P-224":                      {jose.JSONWebKey{Key: p224.Public()}, jose.ES256},
		"a key for encryption":       {enc, jose.ES256},
		"a key for another purpose":  {named, jose.ES256},
		"a private key":              {jose.JSONWebKey{Key: good.Signer}, jose.ES256},
		"a shared secret":            {jose.JSONWebKey{Key: []byte("a secret of the service, long enough")}, jose.HS256},
		"a shared secret for ES256":  {jose.JSONWebKey{Key: []byte("a secret of the service, long enough")}, jose.ES256},
		"nothing":                    {jose.JSONWebKey{}, jose.ES256},
		"Ed25519 for ES256":          {jwttest.New(t, jose.EdDSA, "k").Public, jose.ES256},
		"an algorithm never allowed": {good.Public, jose.ES512},
	} {
		if jwt.Signs(c.key, c.alg) {
			t.Errorf("%s signs", name)
		}
	}
	if !jwt.Signs(good.Public, jose.ES256) {
		t.Error("a good key does not")
	}
}

func TestClaimsOfWrongTypes(t *testing.T) {
	p := jwttest.New(t, jose.ES256, "k")
	token := p.SignRaw(t, map[string]any{"alg": "ES256"}, map[string]any{
		"n": 1, "null": nil, "list": []string{"a"}, "s": "x", "exp": "1700000000", "neg": -1, "huge": 1e300, "half": 1700000000.5, "Exp": 5,
	})
	c, err := read(token, []jose.JSONWebKey{p.Public})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"n", "null", "list"} {
		if _, err := c.Text(name); !fault.Is(err, fault.Invalid) {
			t.Errorf("text %s: %v", name, err)
		}
	}
	for _, name := range []string{"exp", "neg", "huge", "null", "s", "list"} {
		if _, ok, err := c.Time(name); ok || !fault.Is(err, fault.Invalid) {
			t.Errorf("time %s: %v", name, err)
		}
	}
	if at, ok, err := c.Time("half"); err != nil || !ok || at.UnixNano() != 1700000000500000000 {
		t.Errorf("%v %v %v", at, ok, err)
	}
	if c.Has("EXP") || !c.Has("Exp") {
		t.Error("names are not exact")
	}
	if text, err := c.Text("absent"); text != "" || err != nil {
		t.Errorf("%q %v", text, err)
	}
}

func TestAudienceOfWrongShapes(t *testing.T) {
	p := jwttest.New(t, jose.ES256, "k")
	for payload, want := range map[string]int{
		`{}`: 0, `{"aud":"a"}`: 1, `{"aud":["a","b"]}`: 2, `{"aud":[]}`: 0, `{"aud":1}`: -1, `{"aud":{"a":1}}`: -1,
		`{"aud":["a",1]}`: -1, `{"aud":["a",null]}`: -1, `{"aud":null}`: 0, `{"aud":["1","2","3","4","5","6","7","8","9","10","11"]}`: -1,
	} {
		c, err := read(p.SignRaw(t, map[string]any{"alg": "ES256"}, payload), []jose.JSONWebKey{p.Public})
		if err != nil {
			t.Fatal(err)
		}
		values, single, err := c.Audience()
		if want < 0 != (err != nil) || err == nil && len(values) != want || single != (payload == `{"aud":"a"}`) {
			t.Errorf("%s: %v %v %v", payload, values, single, err)
		}
	}
}
