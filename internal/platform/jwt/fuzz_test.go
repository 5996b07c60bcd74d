package jwt_test

import (
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/jwt"
	"github.com/egide-id/egide/internal/platform/jwt/jwttest"
)

// FuzzParse: whatever comes in, nothing panics, nothing that nobody signed is
// verified, and what is parsed is bounded.
func FuzzParse(f *testing.F) {
	p := jwttest.New(f, jose.ES256, "k")
	good := p.Sign(f, "JWT", map[string]any{"iss": "a", "aud": []string{"b"}, "exp": 1})
	for _, seed := range []string{"", "..", good, good + ".a.b", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOjF9.AA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		parsed, err := jwt.Parse(token)
		if err != nil {
			return
		}
		if len(token) > jwt.MaxToken {
			t.Fatal("parsed beyond the limit")
		}
		_ = parsed.Peek("iss")
		claims, err := parsed.Verify([]jose.JSONWebKey{p.Public}, all)
		if err == nil && token != good {
			t.Fatalf("verified %q", token)
		}
		if err == nil {
			_, _, _ = claims.Audience()
		}
	})
}
