//go:build pkcs11

package pkcs11_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThalesGroup/crypto11"
	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/signing"
	"github.com/egide-id/egide/internal/trust/signing/pkcs11"
)

const pin = "271828"

// module finds SoftHSM2's library, or names what is missing.
func module(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	t.Skip("SoftHSM2 is not installed")
	return ""
}

// softToken makes a fresh token for this process. SoftHSM2 reads its
// configuration once, so all tests share it.
var softToken = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "softhsm-")
	if err != nil {
		return "", err
	}
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		return "", err
	}
	if err := os.Setenv("SOFTHSM2_CONF", conf); err != nil {
		return "", err
	}
	out, err := exec.Command("softhsm2-util", "--init-token", "--free", "--label", "egide-test", "--so-pin", "31415926", "--pin", pin).CombinedOutput()
	return string(out), err
})

func open(t *testing.T) *pkcs11.Token {
	t.Helper()
	lib := module(t)
	if out, err := softToken(); err != nil {
		t.Fatal(err, out)
	}
	token, err := pkcs11.Open(pkcs11.Options{Module: lib, Label: "egide-test", PIN: pin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Error(err)
		}
	})
	return token
}

func TestSignaturesOfTheTokenVerify(t *testing.T) {
	token, dir := open(t), filepath.Join(t.TempDir(), "keys")
	c := clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	keys, err := signing.Open(t.Context(), signing.Options{Dir: dir, Clock: c, Vault: token})
	if err != nil {
		t.Fatal(err)
	}
	if pems, _ := filepath.Glob(filepath.Join(dir, "*.pem")); len(pems) > 0 {
		t.Errorf("private halves lie in files: %v", pems)
	}
	check := func(k *signing.Keys) {
		t.Helper()
		body, _ := k.JWKS()
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(body, &set); err != nil {
			t.Fatal(err)
		}
		for _, alg := range k.Algorithms() {
			signed, err := k.Sign(alg, "JWT", []byte(`{"sub":"x"}`))
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			jws, err := jose.ParseSignedCompact(signed, []jose.SignatureAlgorithm{alg})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := jws.Verify(set.Key(jws.Signatures[0].Header.KeyID)[0]); err != nil {
				t.Errorf("%s: %v", alg, err)
			}
		}
	}
	check(keys)
	again, err := signing.Open(t.Context(), signing.Options{Dir: dir, Clock: c, Vault: token})
	if err != nil {
		t.Fatal(err)
	}
	check(again)
	if strings.Join(kids(keys), " ") != strings.Join(kids(again), " ") {
		t.Error("a restart made other keys")
	}
	if _, err := signing.Open(t.Context(), signing.Options{Dir: dir, Clock: c}); !fault.Is(err, fault.Invalid) {
		t.Errorf("without the token: %v", err)
	}
}

func kids(k *signing.Keys) []string {
	var out []string
	for _, i := range k.List() {
		out = append(out, i.Kid)
	}
	return out
}

// PG-37, ME9: what retires or is dropped is destroyed in the token.
func TestME9RotationAndDropInTheToken(t *testing.T) {
	token, dir := open(t), filepath.Join(t.TempDir(), "keys")
	c := clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	keys, err := signing.Open(t.Context(), signing.Options{Dir: dir, Clock: c, Vault: token, Algorithms: []jose.SignatureAlgorithm{jose.ES256}})
	if err != nil {
		t.Fatal(err)
	}
	before := handles(t, dir)
	old, err := keys.Sign(jose.ES256, "JWT", []byte(`{"sub":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := keys.Rotate(t.Context(), jose.ES256, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Verify(old); err != nil {
		t.Errorf("overlap: %v", err)
	}
	if _, err := token.Find(before[r.Retired.Kid]); !fault.Is(err, fault.NotFound) {
		t.Errorf("the private half of a retired key is still in the token: %v", err)
	}
	active := handles(t, dir)[r.Active.Kid]
	fresh, err := keys.Sign(jose.ES256, "JWT", []byte(`{"sub":"x"}`))
	if err != nil || signing.Kid(fresh) != r.Active.Kid {
		t.Fatalf("%v", err)
	}
	if _, err := keys.Drop(t.Context(), r.Active.Kid, "o1", signing.Compromised); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Find(active); !fault.Is(err, fault.NotFound) {
		t.Errorf("the private half of a dropped key is still in the token: %v", err)
	}
	if _, err := keys.Verify(fresh); err == nil {
		t.Error("what a dropped key signed still verifies")
	}
}

// handles reads the manifest as an operator would.
func handles(t *testing.T, dir string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Keys []struct{ Kid, Handle string }
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, k := range m.Keys {
		out[k.Kid] = k.Handle
	}
	return out
}

// Whoever has the PIN can sign while he holds the token, and takes nothing away.
func TestPrivateHalfLeavesTheToken(t *testing.T) {
	token := open(t)
	for _, alg := range token.Algorithms() {
		key, handle, err := token.Make(alg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, err := crypto11.Configure(&crypto11.Config{Path: module(t), TokenLabel: "egide-test", Pin: pin})
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []crypto11.AttributeType{crypto11.CkaPrivateExponent, crypto11.CkaPrime1, crypto11.CkaValue} {
			if a, err := ctx.GetAttribute(key, secret); err == nil && len(a.Value) > 0 {
				t.Errorf("%s: attribute %d was given out", alg, secret)
			}
		}
		for attribute, want := range map[crypto11.AttributeType]byte{
			crypto11.CkaSensitive: 1, crypto11.CkaExtractable: 0, crypto11.CkaNeverExtractable: 1, crypto11.CkaDecrypt: 0,
		} {
			a, err := ctx.GetAttribute(key, attribute)
			if err != nil || len(a.Value) != 1 || a.Value[0] != want {
				t.Errorf("%s: attribute %d: %v %v", alg, attribute, a, err)
			}
		}
		if err := ctx.Close(); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := token.Remove(handle); err != nil {
				t.Error(err)
			}
		}
	}
	if _, _, err := token.Make(jose.EdDSA); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
	if _, err := token.Find("zz"); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
}

func TestManySignAtOnce(t *testing.T) {
	token := open(t)
	keys, err := signing.Open(t.Context(), signing.Options{Dir: filepath.Join(t.TempDir(), "keys"), Vault: token, Algorithms: []jose.SignatureAlgorithm{jose.ES256}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			signed, err := keys.Sign(jose.ES256, "JWT", []byte(`{}`))
			if err == nil {
				_, err = keys.Verify(signed)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestWrongPINAndMissingModule(t *testing.T) {
	lib := module(t)
	if out, err := softToken(); err != nil {
		t.Fatal(err, out)
	}
	for name, o := range map[string]pkcs11.Options{
		"wrong PIN": {Module: lib, Label: "egide-test", PIN: "999999"},
		"no token":  {Module: lib, Label: "another", PIN: pin},
		"no module": {Module: "/nonexistent.so", Label: "egide-test", PIN: pin},
	} {
		if token, err := pkcs11.Open(o); !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), o.PIN) {
			t.Errorf("%s: %v %v", name, token, err)
		}
	}
}
