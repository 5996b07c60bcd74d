package op

import (
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/jwt"
	"github.com/egide-id/egide/internal/platform/jwt/jwttest"
)

// benchAssertion measures a token call of a client that proves itself by its
// key, and in the same run what cannot be left out of it: verifying the
// assertion and signing the token. What the client spends to sign is outside.
func benchAssertion(b *testing.B, assertions, tokens jose.SignatureAlgorithm) {
	key := jwttest.New(b, assertions, "k")
	s := newSigner(b, func(c *client.Client) {
		c.Keys.Set = jwttest.Set(key)
		c.IDTokenAlg, c.AccessTokenFormat, c.AccessTokenAlg = tokens, client.FormatJWT, tokens
	})
	s.key = key
	forms := make([]url.Values, b.N+1)
	for i := range forms {
		forms[i] = url.Values{"grant_type": {"client_credentials"}}
		s.prove(forms[i], "token")
	}
	next := 0 // measure calls once before its clock starts
	used := measure(b, func(int) {
		if rec := s.call("token", forms[next]); rec.Code != 200 {
			b.Fatal(rec.Code, rec.Body)
		}
		next++
	})
	b.StopTimer()
	floor := signatures(b, s, forms[0].Get("client_assertion"), tokens)
	b.ReportMetric(float64(floor.Microseconds()), "floor-us")
	b.ReportMetric(float64(used)/float64(floor), "ratio")
}

// signatures is the CPU time of one signature verified and one made, over what
// the call had.
func signatures(b *testing.B, s *signer, assertion string, tokens jose.SignatureAlgorithm) time.Duration {
	const rounds = 200
	payload := []byte(`{"iss":"` + testIssuer + `","sub":"service:signs","aud":"signs","exp":1795337940,"iat":1795337820,"jti":"QmFzZTY0IG9mIDE2IGJ5dGVz","scope":""}`)
	jws, err := jose.ParseSignedCompact(assertion, []jose.SignatureAlgorithm{s.key.Alg})
	if err != nil {
		b.Fatal(err)
	}
	before := cpu(b)
	for range rounds {
		if _, err := jws.Verify(s.key.Public.Key); err != nil {
			b.Fatal(err)
		}
		if _, err := s.keys.Sign(tokens, "at+jwt", payload); err != nil {
			b.Fatal(err)
		}
	}
	return (cpu(b) - before) / rounds
}

func BenchmarkPrivateKeyJWTRS256(b *testing.B) { benchAssertion(b, jose.PS256, jose.RS256) }
func BenchmarkPrivateKeyJWTES256(b *testing.B) { benchAssertion(b, jose.ES256, jose.ES256) }

// BenchmarkReadAssertion is what reading and verifying costs, beside the bare
// verification of the same signature.
func BenchmarkReadAssertion(b *testing.B) {
	key := jwttest.New(b, jose.ES256, "k")
	token := key.Sign(b, "", map[string]any{"iss": "signs", "sub": "signs", "aud": testIssuer, "exp": 1795337940, "iat": 1795337820, "jti": "QmFzZTY0IG9mIDE2IGJ5dGVz"})
	keys, algs := jwttest.Set(key).Keys, []jose.SignatureAlgorithm{jose.ES256}
	for b.Loop() {
		parsed, err := jwt.Parse(token)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := parsed.Verify(keys, algs); err != nil {
			b.Fatal(err)
		}
	}
}
