package signing_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/signing"
)

var day = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// open gives keys of the cheap algorithms: RSA keys cost half a second each.
func open(t *testing.T, dir string, c clock.Clock, algs ...jose.SignatureAlgorithm) *signing.Keys {
	t.Helper()
	if len(algs) == 0 {
		algs = []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA}
	}
	k, err := signing.Open(t.Context(), signing.Options{Dir: dir, Clock: c, Algorithms: algs})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func folder(t *testing.T) string { return filepath.Join(t.TempDir(), "keys") }

func published(t *testing.T, k *signing.Keys) *jose.JSONWebKeySet {
	t.Helper()
	body, _ := k.JWKS()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	return &set
}

func keyOf(t *testing.T, k *signing.Keys, alg jose.SignatureAlgorithm, s signing.State) signing.KeyInfo {
	t.Helper()
	for _, info := range k.List() {
		if info.Alg == alg && info.State == s {
			return info
		}
	}
	t.Fatalf("no %s key for %s", s, alg)
	return signing.KeyInfo{}
}

func header(t *testing.T, token string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	if err != nil {
		t.Fatal(err)
	}
	var h map[string]any
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func b64(v any) string {
	raw, ok := v.([]byte)
	if !ok {
		raw, _ = json.Marshal(v)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// holds tells that a published set names a key.
func holds(jwks []byte, kid string) bool { return strings.Contains(string(jwks), `"`+kid+`"`) }
