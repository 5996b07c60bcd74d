package claims

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/identity/directory"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/clock"
)

var update = flag.Bool("update", false, "write the token golden files anew; those of UserInfo are the reference's own and never change")

// loggedIn is the instant of the recorded login (pro-sante-connect.md 2.7).
var loggedIn = time.Unix(1779216089, 0).UTC()

// golden gives the persons of examples A, B and C as the register has them:
// imported from rows, never literals.
func golden(t testing.TB) map[string]rpps.Professional {
	t.Helper()
	dir, at := t.TempDir(), clock.NewManual(loggedIn)
	log := slog.New(slog.DiscardHandler)
	_, err := directory.Import(t.Context(), directory.ImportOptions{
		Dir: dir, Clock: at, Log: log,
		Files: []string{"testdata/golden_psc.txt", "testdata/golden_public.txt", "testdata/golden_ids.csv"},
	})
	if err != nil {
		t.Fatal(err)
	}
	register, err := directory.Open(t.Context(), directory.Options{Dir: dir, Clock: at, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := register.Close(); err != nil {
			t.Error(err)
		}
	})
	persons := map[string]rpps.Professional{}
	for name, id := range map[string]string{"a": "899700990015", "b": "899700990023", "c": "899700990031"} {
		if persons[name], err = register.Lookup(t.Context(), rpps.MustNationalID(id)); err != nil {
			t.Fatal(err)
		}
	}
	return persons
}

// logins are those of the examples: A by card, B and C by e-CPS.
var logins = map[string]authn.Authentication{
	"a": {Subject: rpps.MustNationalID("899700990015"), Sub: "0b6f3c52-6f0e-4d0e-9c55-7a1f0f7f2a11", Means: authn.Card, At: loggedIn},
	"b": {Subject: rpps.MustNationalID("899700990023"), Sub: "5f1d2c7a-3a51-4a0b-8d3e-0c0b7a2f9e22", Means: authn.ECPS, At: loggedIn},
	"c": {Subject: rpps.MustNationalID("899700990031"), Sub: "c2a7e0b4-51f7-4a52-9d55-1b7a6d1f4c33", Means: authn.ECPS, At: loggedIn},
}

func readGolden(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(data)
}

func encode(t *testing.T, document any) []byte {
	t.Helper()
	data, err := Encode(document)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The three examples, byte for byte: every key, in order, with its value. Both
// professional scopes, in both profiles, give the same record.
func TestUserInfoEqualsTheRecordedShape(t *testing.T) {
	for name, person := range golden(t) {
		want := readGolden(t, "userinfo_"+name+".json")
		for _, o := range []UserInfoOptions{
			{Profile: client.ProfilePSC, Scope: []string{"openid", "scope_all"}},
			{Profile: client.ProfilePSC, Scope: []string{"scope_all", "profile"}},
			{Profile: client.ProfileOIDC, Scope: []string{"openid", "scope_all"}},
			{Profile: client.ProfileOIDC, Scope: []string{"openid", "identity"}},
		} {
			if got := encode(t, UserInfo(person, logins[name], o)); !bytes.Equal(got, want) {
				t.Errorf("example %s, %+v:\n got %s\nwant %s", name, o, got, want)
			}
		}
	}
}

// Tokens of examples A (psc) and C (both profiles) are compared key for key.
func TestTokensEqualTheirGoldenFiles(t *testing.T) {
	persons := golden(t)
	in := func(name string) Input {
		return Input{
			Issuer: "https://auth.exemple.invalid/auth/realms/esante-wallet", ClientID: "essai",
			JTI: "onrtac:6a1d0c6e-0000-4000-8000-000000000001", Issued: time.Unix(1779219421, 0), Expires: time.Unix(1779219541, 0),
			Auth: logins[name], Person: persons[name], SID: "7b1c3c0e-0000-4000-8000-000000000002", Nonce: "n-0S6_WzA2Mj", ACR: "eidas1",
			Scope: []string{"openid", "scope_all"},
		}
	}
	refresh := in("a")
	refresh.JTI, refresh.Expires = "aaaaaaaaaaaaaaaaaaaaaa.1", refresh.Issued.Add(30*time.Minute)
	documents := map[string]any{
		"access_psc_a":        NewPSCAccessToken(in("a")),
		"access_psc_c":        NewPSCAccessToken(in("c")),
		"access_jwt_c":        NewJWTAccessToken(in("c")),
		"access_service":      NewServiceToken(in("a"), "1750990012"),
		"id_psc_a":            NewPSCIDToken(in("a"), AtHash(jose.RS256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y")),
		"id_oidc_c":           NewIDToken(in("c"), AtHash(jose.ES256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y")),
		"refresh_a":           NewRefreshToken(refresh),
		"introspect_psc_a":    NewPSCIntrospection(in("a")),
		"introspect_oidc_c":   NewIntrospection(in("c")),
		"introspect_refresh":  NewRefreshIntrospection(refresh),
		"introspect_service":  NewServiceIntrospection(in("a"), "1750990012"),
		"introspect_inactive": Inactive{},
	}
	for name, document := range documents {
		got := encode(t, document)
		path := name + ".json"
		if *update {
			if err := os.WriteFile(filepath.Join("testdata", path), append(got, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if want := readGolden(t, path); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// The keys that clients of 2021 to 2026 insist on, in every token they decode
// (pro-sante-connect.md section 0, point 6).
func TestDecodableTokensHaveWhatClientsInsistOn(t *testing.T) {
	in := Input{Issuer: "i", ClientID: "c", JTI: "j", SID: "s", Auth: logins["a"], Scope: []string{"openid"}}
	common := []string{"exp", "iat", "jti", "iss", "sub", "typ", "azp", "nonce", "session_state", "sid"}
	in.Nonce = "sent"
	for _, c := range []struct {
		document any
		more     []string
	}{
		{NewPSCAccessToken(in), []string{"auth_time", "acr", "scope", "SubjectNameID", "otherIds", "authMode", "preferred_username"}},
		{NewPSCIDToken(in, ""), []string{"auth_time", "aud", "acr", "SubjectNameID", "given_name", "family_name"}},
		{NewRefreshToken(in), []string{"aud", "scope"}},
	} {
		var keys map[string]any
		if err := json.Unmarshal(encode(t, c.document), &keys); err != nil {
			t.Fatal(err)
		}
		for _, key := range append(c.more, common...) {
			if v, ok := keys[key]; !ok || v == nil {
				t.Errorf("%T lacks %s", c.document, key)
			}
		}
		for _, key := range []string{"iss", "azp", "session_state"} {
			if _, ok := keys[key].(string); !ok {
				t.Errorf("%T: %s is no string", c.document, key)
			}
		}
	}
}

func BenchmarkUserInfo(b *testing.B) {
	person := golden(b)["a"]
	o := UserInfoOptions{Profile: client.ProfilePSC, Scope: []string{"openid", "scope_all"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(UserInfo(person, logins["a"], o)); err != nil {
			b.Fatal(err)
		}
	}
}

// The vector is that of OpenID Connect Core A.3; Ed25519 goes with SHA-512.
func TestAtHash(t *testing.T) {
	const token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256} {
		if got := AtHash(alg, token); got != "77QmUPtjPfzWtF2AnpK9RQ" {
			t.Errorf("%s: %s", alg, got)
		}
	}
	if got := AtHash(jose.EdDSA, token); len(got) != 43 {
		t.Errorf("EdDSA: %s is not half of SHA-512", got)
	}
}
