package signing_test

import (
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/trust/signing"
)

// BenchmarkSign measures one token of a usual size per algorithm.
func BenchmarkSign(b *testing.B) {
	k, err := signing.Open(b.Context(), signing.Options{Dir: b.TempDir() + "/keys"})
	if err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 1200)
	for _, alg := range k.Algorithms() {
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Sign(alg, "JWT", payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("refresh", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.SignRefresh(payload); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVerify measures a hint and a refresh token.
func BenchmarkVerify(b *testing.B) {
	k, err := signing.Open(b.Context(), signing.Options{Dir: b.TempDir() + "/keys"})
	if err != nil {
		b.Fatal(err)
	}
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256} {
		token, err := k.Sign(alg, "JWT", []byte(`{"sub":"x"}`))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(alg), func(b *testing.B) {
			for b.Loop() {
				if _, err := k.Verify(token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	token, err := k.SignRefresh([]byte(`{"sub":"x"}`))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("refresh", func(b *testing.B) {
		for b.Loop() {
			if _, err := k.OpenRefresh(token); err != nil {
				b.Fatal(err)
			}
		}
	})
}
