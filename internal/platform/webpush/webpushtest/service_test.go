package webpushtest_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/platform/webpush/webpushtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func raw(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The example of RFC 8291 section 5, whose keys are in its appendix A.
const (
	exampleBody = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	exampleKey  = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
	exampleAuth = "BTBZMqHH6r4Tts7J_aSIgg"
)

func TestExampleOfRFC8291(t *testing.T) {
	key, err := ecdh.P256().NewPrivateKey(raw(t, exampleKey))
	if err != nil {
		t.Fatal(err)
	}
	body := raw(t, exampleBody)
	plain, err := webpushtest.Decrypt(key, raw(t, exampleAuth), body)
	if err != nil || string(plain) != "When I grow up, I want to be a watermelon" {
		t.Fatalf("%q, %v", plain, err)
	}
	for i := range body {
		if i >= 16 && i < 20 {
			continue // "rs" is authenticated only as far as it ends records
		}
		body[i] ^= 1
		if plain, err := webpushtest.Decrypt(key, raw(t, exampleAuth), body); err == nil {
			t.Fatalf("with byte %d changed it opens: %q", i, plain)
		}
		body[i] ^= 1
	}
	if _, err := webpushtest.Decrypt(key, make([]byte, 16), body); err == nil {
		t.Error("it opens without the shared secret")
	}
}

func TestServiceRefusesBadTokens(t *testing.T) {
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	key, other := newKey(t), newKey(t)
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	k := base64.RawURLEncoding.EncodeToString(point)
	const here = "https://push.exemple.invalid"
	good := webpushtest.Claims{Aud: here, Exp: now.Add(time.Hour).Unix(), Sub: "mailto:push@exemple.invalid"}
	for name, c := range map[string]struct {
		change func(*webpushtest.Claims)
		by     any
		alg    jose.SignatureAlgorithm
		ok     bool
	}{
		"as it should be":  {func(*webpushtest.Claims) {}, key, jose.ES256, true},
		"another audience": {func(c *webpushtest.Claims) { c.Aud = "https://autre.exemple.invalid" }, key, jose.ES256, false},
		"of yesterday":     {func(c *webpushtest.Claims) { c.Exp = now.Unix() }, key, jose.ES256, false},
		"of a day and more": {func(c *webpushtest.Claims) { c.Exp = now.Add(24*time.Hour + time.Second).Unix() },
			key, jose.ES256, false},
		"a contact twice named": {func(c *webpushtest.Claims) { c.Sub = "mailto:mailto:push@exemple.invalid" }, key, jose.ES256, false},
		"nobody's":              {func(c *webpushtest.Claims) { c.Sub = "" }, key, jose.ES256, false},
		"by another key":        {func(*webpushtest.Claims) {}, other, jose.ES256, false},
		"by another algorithm":  {func(*webpushtest.Claims) {}, []byte("0123456789abcdef0123456789abcdef"), jose.HS256, false},
	} {
		claims := good
		c.change(&claims)
		_, _, err := webpushtest.VerifyVAPID("vapid t="+sign(t, c.by, c.alg, claims)+", k="+k, here, now)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, key any, alg jose.SignatureAlgorithm, claims webpushtest.Claims) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
