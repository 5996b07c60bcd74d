package signing_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/signing"
)

func TestEveryAlgorithmSignsWhatAnotherLibraryVerifies(t *testing.T) {
	k := open(t, folder(t), clock.NewManual(day), jose.RS256, jose.ES256, jose.EdDSA)
	set := published(t, k)
	payload := []byte(`{"sub":"x"}`)
	for _, alg := range k.Algorithms() {
		for range 20 { // ES256: half of all signatures have a short half
			token, err := k.Sign(alg, "at+jwt", payload)
			if err != nil {
				t.Fatal(err)
			}
			jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			got, err := jws.Verify(set.Key(jws.Signatures[0].Header.KeyID)[0])
			if err != nil || string(got) != string(payload) {
				t.Fatalf("%s: %q %v", alg, got, err)
			}
			if own, err := k.Verify(token, "JWT", "at+jwt"); err != nil || string(own) != string(payload) {
				t.Fatalf("%s: our own verification: %q %v", alg, own, err)
			}
		}
		if info := keyOf(t, k, alg, signing.Active); header(t, mustSign(t, k, alg))["kid"] != info.Kid {
			t.Errorf("%s is not signed by its active key", alg)
		}
	}
}

func mustSign(t *testing.T, k *signing.Keys, alg jose.SignatureAlgorithm) string {
	t.Helper()
	token, err := k.Sign(alg, "JWT", []byte(`{"sub":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestPublishedSetHoldsNothingPrivate(t *testing.T) {
	k := open(t, folder(t), clock.NewManual(day), jose.RS256, jose.ES256, jose.EdDSA)
	if _, err := k.SignRefresh([]byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	body, _ := k.JWKS()
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 6 {
		t.Fatalf("%d keys published, want an active and a next one for 3 algorithms", len(set.Keys))
	}
	for _, key := range set.Keys {
		for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, ok := key[member]; ok {
				t.Errorf("private member %q is published", member)
			}
		}
		if key["kty"] == "oct" || key["alg"] == "HS256" {
			t.Error("the refresh key is published")
		}
		if key["use"] != "sig" || key["alg"] == "" || key["alg"] == nil {
			t.Errorf("use and alg missing: %v", key)
		}
	}
}

func TestKidIsTheThumbprintAndUnique(t *testing.T) {
	k := open(t, folder(t), clock.NewManual(day))
	seen := map[string]bool{}
	for _, key := range published(t, k).Keys {
		sum, err := key.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if key.KeyID != base64.RawURLEncoding.EncodeToString(sum) {
			t.Errorf("kid %s is no RFC 7638 thumbprint", key.KeyID)
		}
		if seen[key.KeyID] {
			t.Errorf("kid %s twice", key.KeyID)
		}
		seen[key.KeyID] = true
	}
}

func TestKeysSurviveARestart(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	first := open(t, dir, c)
	token, refresh := mustSign(t, first, jose.ES256), mustRefresh(t, first)
	again := open(t, dir, c)
	if _, err := again.Verify(token); err != nil {
		t.Error(err)
	}
	if _, err := again.OpenRefresh(refresh); err != nil {
		t.Error(err)
	}
	_, a := first.JWKS()
	if _, b := again.JWKS(); a != b {
		t.Error("the set changed by a restart")
	}
}

func TestFirstStartOfManyProcessesMakesOneSet(t *testing.T) {
	dir, c := folder(t), clock.NewManual(day)
	var wg sync.WaitGroup
	tags := make([]string, 8)
	for i := range tags {
		wg.Go(func() {
			k, err := signing.Open(t.Context(), signing.Options{Dir: dir, Clock: c, Algorithms: []jose.SignatureAlgorithm{jose.ES256}})
			if err != nil {
				t.Error(err)
				return
			}
			_, tags[i] = k.JWKS()
		})
	}
	wg.Wait()
	for _, tag := range tags {
		if tag != tags[0] {
			t.Fatal("two starts made two sets")
		}
	}
	if n := len(files(t, dir, "*.pem")); n != 2 {
		t.Errorf("%d key files, want 2", n)
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	dir := folder(t)
	open(t, dir, clock.NewManual(day))
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder is %v", info.Mode())
	}
	for _, f := range files(t, dir, "*") {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", filepath.Base(f), info.Mode())
		}
	}
}

func TestKeyAnotherUserCanReadIsRefused(t *testing.T) {
	for _, pattern := range []string{"ES256-*.pem", "refresh-*.key", "keys.json", ""} {
		dir := folder(t)
		open(t, dir, clock.NewManual(day))
		if pattern == "" {
			chmod(t, dir, 0o750)
		} else {
			chmod(t, files(t, dir, pattern)[0], 0o640)
		}
		_, err := signing.Open(t.Context(), signing.Options{Dir: dir, Algorithms: []jose.SignatureAlgorithm{jose.ES256}})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%q open to the group: %v", pattern, err)
		}
	}
}

func TestSwappedOrDamagedKeyFileIsRefused(t *testing.T) {
	harm := map[string]func(t *testing.T, a, b string){
		"swapped": func(t *testing.T, a, b string) {
			data, _ := os.ReadFile(a)
			write(t, b, data)
		},
		"damaged": func(t *testing.T, a, _ string) { write(t, a, []byte("-----BEGIN PRIVATE KEY-----\n")) },
		"missing": func(t *testing.T, a, _ string) { _ = os.Remove(a) },
	}
	for name, do := range harm {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			open(t, dir, clock.NewManual(day), jose.ES256)
			f := files(t, dir, "ES256-*.pem")
			do(t, f[0], f[1])
			if _, err := signing.Open(t.Context(), signing.Options{Dir: dir, Algorithms: []jose.SignatureAlgorithm{jose.ES256}}); err == nil {
				t.Error("a key that is not what it says was accepted")
			}
		})
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A checkout leaves an empty key folder open to others: nothing has leaked yet,
// so it is closed rather than refused. One that holds keys is refused.
func TestOpenFolderWithoutKeysIsClosed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	o := signing.Options{Dir: dir, Clock: clock.NewManual(day), Algorithms: []jose.SignatureAlgorithm{jose.ES256}}
	if _, err := signing.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := signing.Open(t.Context(), o); !fault.Is(err, fault.Invalid) {
		t.Errorf("keys in an open folder: %v", err)
	}
}
